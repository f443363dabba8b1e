/* SPDX-License-Identifier: MIT */
#include "common/log/log_form.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/text.h"

#define JSON_FORM (JSON_COMPACT | JSON_ENSURE_ASCII)

/* Bytes of "2026-11-23T06:31:13.123Z" with its NUL. */
#define TIME_SIZE 25

/* RFC 3339, in UTC. */
static void format_time(int64_t wall_ns, char out[TIME_SIZE])
{
    time_t seconds = wall_ns / NS_PER_SECOND;
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t used = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + used, TIME_SIZE - used, ".%03uZ", (unsigned)(wall_ns % NS_PER_SECOND / NS_PER_MS) % 1000u);
}

size_t log_form_plain(const struct log_entry *entry, char *out, size_t size)
{
    char time[TIME_SIZE];
    char source[256];
    char name[sizeof(source) * TEXT_ESCAPE_MAX];

    format_time(entry->wall_ns, time);
    snprintf(source, sizeof(source), entry->camera ? "%s[%s]" : "%s", entry->role, entry->camera);
    text_escape(name, sizeof(name), source);
    size_t used =
        (size_t)snprintf(out, size, "%s %s %s %d: ", time, log_level_name(entry->level), name, entry->pid);
    used += text_escape(out + used, size - used - 1, entry->message);
    out[used++] = '\n';
    return used;
}

/* TEXT as it is, or escaped if it is not UTF-8, which JSON cannot hold. */
static json_t *string_of(const char *text)
{
    if (!text) {
        return json_null();
    }
    if (text_is_utf8(text)) {
        return json_string(text);
    }
    size_t size = strlen(text) * TEXT_ESCAPE_MAX + 1;
    char *escaped = malloc(size);
    if (!escaped) {
        return NULL;
    }
    text_escape(escaped, size, text);
    json_t *string = json_string(escaped);
    free(escaped);
    return string;
}

static json_t *object_of(const struct log_entry *entry, const char *message)
{
    char time[TIME_SIZE];

    format_time(entry->wall_ns, time);
    return json_pack("{s:s, s:s, s:o, s:i, s:o, s:o, s:o}", "time", time, "level",
                     log_level_name(entry->level), "role", string_of(entry->role), "pid", entry->pid,
                     "camera", string_of(entry->about), "state", string_of(entry->state), "message",
                     string_of(message));
}

/* Length of the line of ENTRY with MESSAGE; the line is in OUT if it fits into SIZE bytes. 0: out of memory. */
static size_t dump(const struct log_entry *entry, const char *message, char *out, size_t size)
{
    json_t *object = object_of(entry, message);
    size_t length = !object ? 0 : json_dumpb(object, out, size, JSON_FORM);

    json_decref(object);
    return length;
}

/* Each byte of a message takes at least one of the line, so a message that is EXCESS bytes shorter fits. */
static size_t dump_cut(const struct log_entry *entry, size_t excess, char *out, size_t size)
{
    size_t length = strlen(entry->message);
    char *message = strndup(entry->message, length > excess ? length - excess : 0);

    if (!message) {
        return 0;
    }
    text_trim_partial(message);
    length = dump(entry, message, out, size);
    free(message);
    return length;
}

size_t log_form_json(const struct log_entry *entry, char *out, size_t size)
{
    size_t room = size - 1; /* for the newline */
    size_t length = dump(entry, entry->message, out, room);

    if (length > room) {
        length = dump_cut(entry, length - room, out, room);
    }
    if (length == 0 || length > room) {
        return 0;
    }
    out[length] = '\n';
    return length + 1;
}
