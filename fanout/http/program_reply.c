/* SPDX-License-Identifier: MIT */
#include "fanout/http/program_reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ipc/message.h"

/* Nothing that a browser would run, or show as a page. */
static const char *const types[] = {
    "image/jpeg", "text/plain; charset=utf-8", "application/vnd.apple.mpegurl", "video/mp4",
    "audio/mp4",  "application/json",
};

static const char *const header_names[] = {
    "Age",
    "Last-Modified",
    "Retry-After",
    "Ringcast-Picture-Age",
};

static const int statuses[] = {200, 400, 404, 503};

/* Visible characters of ASCII and spaces. */
static bool is_plain(const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value < ' ' || *value > '~') {
            return false;
        }
    }
    return true;
}

static bool is_status(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i] == status) {
            return true;
        }
    }
    return false;
}

static const char *find_name(const char *const *names, size_t count, const char *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], wanted) == 0) {
            return names[i];
        }
    }
    return NULL;
}

#define FIND_NAME(names, wanted) find_name(names, sizeof(names) / sizeof((names)[0]), wanted)

static bool copy_plain(char *copy, size_t size, const char *value)
{
    return is_plain(value) && (size_t)snprintf(copy, size, "%s", value) < size;
}

/* RFC 9110, 8.8.3: no list separator in it, so that one comparison finds it in a client's list. */
static bool read_etag(struct program_reply *reply, const char *etag)
{
    size_t length = strlen(etag);

    if (length == 0) {
        return true;
    }
    return length > 2 && etag[0] == '"' && strchr(etag + 1, '"') == etag + length - 1 &&
           !strpbrk(etag, ", *") && copy_plain(reply->etag, sizeof(reply->etag), etag);
}

static bool read_headers(struct program_reply *reply, json_t *headers)
{
    size_t length = 0;
    const char *name;
    json_t *value;

    json_object_foreach(headers, name, value) {
        const char *text = json_string_value(value), *known = FIND_NAME(header_names, name);
        size_t left = sizeof(reply->headers) - length;
        if (!text || !is_plain(text)) {
            return false;
        }
        if (strcasecmp(name, "Cache-Control") == 0) {
            if (!copy_plain(reply->cache_control, sizeof(reply->cache_control), text)) {
                return false;
            }
            continue;
        }
        int written = known ? snprintf(reply->headers + length, left, "%s: %s\r\n", known, text) : -1;
        if (written < 0 || (size_t)written >= left) {
            return false;
        }
        length += (size_t)written;
    }
    return true;
}

/* Sealed, so that what is measured now is there as long as it is mapped. */
static int map_body(struct program_reply *reply, int fd)
{
    const int needed = F_SEAL_WRITE | F_SEAL_SHRINK;
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & needed) != needed || fstat(fd, &status) < 0 || status.st_size <= 0 ||
        status.st_size > (off_t)PROGRAM_REPLY_BODY_MAX) {
        return -EBADMSG;
    }
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return -errno;
    }
    reply->map = map;
    reply->length = (size_t)status.st_size;
    return 0;
}

int program_reply_read(struct channel_message *message, struct program_reply *reply)
{
    const char *type = message_string(message->body, "content_type", NULL);
    const char *text = message_string(message->body, "text", "");

    *reply = (struct program_reply){.status = (int)message_integer(message->body, "status", 0)};
    if (type) {
        reply->type = FIND_NAME(types, type);
    }
    if (!is_status(reply->status) || (type && !reply->type) ||
        !read_etag(reply, message_string(message->body, "etag", "")) ||
        !read_headers(reply, json_object_get(message->body, "headers")) ||
        (size_t)snprintf(reply->text, sizeof(reply->text), "%s", text) >= sizeof(reply->text)) {
        return -EBADMSG;
    }
    reply->length = strlen(reply->text);
    int fd = channel_message_take_fd(message, 0);
    if (fd < 0) {
        return 0;
    }
    int result = reply->type ? map_body(reply, fd) : -EBADMSG;
    close(fd);
    return result;
}

const void *program_reply_body(const struct program_reply *reply)
{
    return reply->map ? reply->map : reply->text;
}

void program_reply_finish(struct program_reply *reply)
{
    if (reply->map) {
        munmap(reply->map, reply->length);
        reply->map = NULL;
    }
}
