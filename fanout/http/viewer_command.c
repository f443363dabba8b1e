/* SPDX-License-Identifier: MIT */
#include "fanout/http/viewer_command.h"

#include <jansson.h>
#include <string.h>

static struct viewer_command from_object(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const json_t *client = json_object_get(object, "client");
    if (!type) {
        return (struct viewer_command){VIEWER_COMMAND_NONE, 0};
    }
    if (strcmp(type, "time") == 0 && json_is_number(client)) {
        return (struct viewer_command){VIEWER_COMMAND_TIME, json_number_value(client)};
    }
    if (strcmp(type, "pause") == 0) {
        return (struct viewer_command){VIEWER_COMMAND_PAUSE, 0};
    }
    if (strcmp(type, "resume") == 0) {
        return (struct viewer_command){VIEWER_COMMAND_RESUME, 0};
    }
    return (struct viewer_command){VIEWER_COMMAND_NONE, 0};
}

struct viewer_command viewer_command_parse(const char *text, size_t length)
{
    json_t *object = json_loadb(text, length, 0, NULL);
    struct viewer_command command = from_object(object);
    json_decref(object);
    return command;
}
