#include "common/log/log_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

#define FORM (JSON_COMPACT | JSON_ENSURE_ASCII)

/* As it is, or escaped where it is no text. */
static json_t *string_of(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    if (text_is_utf8(text)) {
        return json_string(text);
    }
    size_t size = strlen(text) * TEXT_ESCAPE_MAX + 1;
    char *escaped = malloc(size);
    if (escaped == NULL) {
        return NULL;
    }
    text_escape(escaped, size, text);
    json_t *string = json_string(escaped);
    free(escaped);
    return string;
}

static json_t *object_of(const struct log_entry *entry, const char *message)
{
    char time[LOG_TIME_SIZE];

    log_format_time(&entry->time, time);
    return json_pack("{s:s, s:s, s:o, s:i, s:o, s:o, s:o}", "time", time, "level",
                     log_level_name(entry->level), "role", string_of(entry->role), "pid", entry->pid,
                     "camera", string_of(entry->about), "state", string_of(entry->state), "message",
                     string_of(message));
}

/* Length of what ENTRY with MESSAGE needs, which is in OUT if that is no more than SIZE; 0: out of memory. */
static size_t dump(const struct log_entry *entry, const char *message, char *out, size_t size)
{
    json_t *object = object_of(entry, message);
    size_t length = object == NULL ? 0 : json_dumpb(object, out, size, FORM);

    json_decref(object);
    return length;
}

/* Each byte of a message takes at least one of the line, so as many less as there are too many are enough. */
static size_t dump_cut(const struct log_entry *entry, size_t excess, char *out, size_t size)
{
    size_t length = strlen(entry->message);
    char *message = strndup(entry->message, length > excess ? length - excess : 0);

    if (message == NULL) {
        return 0;
    }
    text_trim_partial(message);
    length = dump(entry, message, out, size);
    free(message);
    return length;
}

size_t log_json_format(const struct log_entry *entry, char *out, size_t size)
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
