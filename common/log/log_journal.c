/* SPDX-License-Identifier: MIT */
#include "common/log/log_journal.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/text.h"

/* Bytes of a message, and of a datagram with its fields: far below what the journal takes. */
#define TEXT_MAX 16384
#define DATAGRAM_MAX 20480

/* Values of syslog(3). */
static const char *const priorities[] = {
    [LOG_LEVEL_ERROR] = "3",
    [LOG_LEVEL_WARNING] = "4",
    [LOG_LEVEL_INFO] = "6",
    [LOG_LEVEL_DEBUG] = "7",
};

bool log_journal_is(int fd)
{
    const char *given = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;

    return given && sscanf(given, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &status) == 0 &&
           status.st_dev == device && status.st_ino == inode;
}

int log_journal_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    int error = -errno;
    close(fd);
    return error;
}

struct datagram {
    char *bytes;
    size_t size;
    size_t used; /* greater than SIZE: it did not fit */
};

static void append(struct datagram *datagram, const void *piece, size_t length)
{
    if (datagram->used <= datagram->size && length <= datagram->size - datagram->used) {
        memcpy(datagram->bytes + datagram->used, piece, length);
        datagram->used += length;
    } else {
        datagram->used = datagram->size + 1;
    }
}

/* A value with a newline in it has its length before it instead of the end of the line behind it. */
static void append_field(struct datagram *datagram, const char *name, const char *value)
{
    size_t length = !value ? 0 : strlen(value);
    uint64_t prefix = htole64(length);

    if (length == 0) {
        return;
    }
    append(datagram, name, strlen(name));
    if (!strchr(value, '\n')) {
        append(datagram, "=", 1);
    } else {
        append(datagram, "\n", 1);
        append(datagram, &prefix, sizeof(prefix));
    }
    append(datagram, value, length);
    append(datagram, "\n", 1);
}

/* journalctl shows a message with anything else in it as "blob data", and what hides or reorders as it is. */
static bool is_shown(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if ((*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7F || (c[0] == 0xC2 && c[1] < 0xA0)) {
            return false;
        }
    }
    return text_is_utf8(text) && !text_has_unseen(text);
}

size_t log_journal_format(const struct log_entry *entry, char *out, size_t size)
{
    static char escaped[TEXT_MAX];
    struct datagram datagram = {.bytes = out, .size = size};
    char pid[16], identifier[64];
    const char *message = entry->message;

    if (!is_shown(message)) {
        text_escape(escaped, sizeof(escaped), message);
        message = escaped;
    }
    snprintf(pid, sizeof(pid), "%d", entry->pid);
    snprintf(identifier, sizeof(identifier), "ringcast-%.48s", entry->role);
    append_field(&datagram, "MESSAGE", message[0] == '\0' ? " " : message);
    append_field(&datagram, "PRIORITY", priorities[entry->level]);
    append_field(&datagram, "SYSLOG_IDENTIFIER", identifier);
    append_field(&datagram, "RINGCAST_ROLE", entry->role);
    append_field(&datagram, "RINGCAST_PID", pid);
    append_field(&datagram, "RINGCAST_CAMERA", entry->about);
    append_field(&datagram, "RINGCAST_STATE", entry->state);
    return datagram.used <= size ? datagram.used : 0;
}

int log_journal_send(int fd, const struct log_entry *entry)
{
    static char bytes[DATAGRAM_MAX];
    size_t length = fd < 0 ? 0 : log_journal_format(entry, bytes, sizeof(bytes));
    ssize_t sent;

    if (length == 0) {
        return fd < 0 ? -EBADF : -EMSGSIZE;
    }
    do {
        sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}
