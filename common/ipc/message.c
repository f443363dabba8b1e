/* SPDX-License-Identifier: MIT */
#include "common/ipc/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

const char message_wrong_version[] = "another version of the protocol";

json_t *message_new(const char *type)
{
    return json_pack("{s:i, s:s}", "v", MESSAGE_VERSION, "type", type);
}

json_t *message_pack(const char *type, const char *format, ...)
{
    json_t *message = message_new(type);
    va_list arguments;

    va_start(arguments, format);
    json_t *members = json_vpack_ex(NULL, 0, format, arguments);
    va_end(arguments);
    if (!members || json_object_update_missing(message, members) < 0) {
        json_decref(message);
        message = NULL;
    }
    json_decref(members);
    return message;
}

/* NULL, or what is wrong with a parsed message. */
static const char *check_envelope(const json_t *message)
{
    const json_t *version = json_object_get(message, "v");

    if (!json_is_object(message)) {
        return "not a JSON object";
    }
    if (!json_is_integer(version)) {
        return "no version";
    }
    if (json_integer_value(version) != MESSAGE_VERSION) {
        return message_wrong_version;
    }
    if (!json_is_string(json_object_get(message, "type"))) {
        return "no type";
    }
    return NULL;
}

json_t *message_decode(const void *data, size_t length, const char **error)
{
    json_t *message = NULL;
    const char *problem = NULL;

    if (length > MESSAGE_MAX) {
        problem = "too large";
    } else if ((message = json_loadb(data, length, JSON_REJECT_DUPLICATES, NULL)) == NULL) {
        problem = "not JSON";
    } else {
        problem = check_envelope(message);
    }

    if (error) {
        *error = problem;
    }
    if (problem) {
        json_decref(message);
        return NULL;
    }
    return message;
}

char *message_encode(const json_t *message, size_t *length)
{
    char *text = json_dumps(message, JSON_COMPACT);

    if (!text) {
        return NULL;
    }
    *length = strlen(text);
    if (*length > MESSAGE_MAX) {
        free(text);
        return NULL;
    }
    return text;
}

const char *message_type(const json_t *message)
{
    return json_string_value(json_object_get(message, "type"));
}

bool message_is(const json_t *message, const char *type)
{
    const char *actual = message_type(message);

    return actual && strcmp(actual, type) == 0;
}

const char *message_string(const json_t *message, const char *name, const char *fallback)
{
    const json_t *member = json_object_get(message, name);

    return json_is_string(member) ? json_string_value(member) : fallback;
}

json_int_t message_integer(const json_t *message, const char *name, json_int_t fallback)
{
    const json_t *member = json_object_get(message, name);

    return json_is_integer(member) ? json_integer_value(member) : fallback;
}

bool message_boolean(const json_t *message, const char *name, bool fallback)
{
    const json_t *member = json_object_get(message, name);

    return json_is_boolean(member) ? json_is_true(member) : fallback;
}

json_t *message_text(const char *text)
{
    json_t *string = json_string(text);

    if (string) {
        return string;
    }
    size_t size = strlen(text) * TEXT_ESCAPE_MAX + 1;
    char *escaped = malloc(size);
    if (!escaped) {
        return NULL;
    }
    text_escape(escaped, size, text);
    string = json_string(escaped);
    free(escaped);
    return string;
}

json_t *message_error(const char *code, const char *format, ...)
{
    json_t *message = message_new("error");
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text = NULL;
    }

    if (json_object_set_new(message, "code", json_string(code)) < 0 ||
        json_object_set_new(message, "message", text ? message_text(text) : NULL) < 0) {
        json_decref(message);
        message = NULL;
    }
    free(text);
    return message;
}
