#include "supervisor/process/last_exit.h"

#include <string.h>
#include <time.h>

#include "common/base/text.h"
#include "common/log/log.h"

/* Bytes of one line: eight of them fit into a message to the keeper several times. */
#define LINE_MAX_BYTES 400

#define REASON_SIZE 512

static json_t *cut(const char *line)
{
    char text[LINE_MAX_BYTES + 1];
    size_t length = strnlen(line, LINE_MAX_BYTES);

    memcpy(text, line, length);
    text[length] = '\0';
    text_trim_partial(text);
    return json_string(text);
}

json_t *last_exit_new(const char *reason, json_t *lines)
{
    char text[REASON_SIZE];
    struct timespec now;
    json_t *log = json_array(), *line;
    size_t index;

    json_array_foreach(lines, index, line) {
        json_array_append_new(log, cut(json_string_value(line)));
    }
    json_decref(lines);
    clock_gettime(CLOCK_REALTIME, &now);
    strncpy(text, reason, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text_trim_partial(text);
    log_redact(text, sizeof(text));
    return json_pack("{s:s, s:f, s:o}", "reason", text, "at", (double)now.tv_sec + (double)now.tv_nsec / 1e9,
                     "log", log);
}
