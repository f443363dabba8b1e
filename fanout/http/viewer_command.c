#include "fanout/http/viewer_command.h"

#include <jansson.h>
#include <string.h>

static struct command from_object(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const json_t *client = json_object_get(object, "client");
    if (!type) {
        return (struct command){COMMAND_NONE, 0};
    }
    if (strcmp(type, "time") == 0 && json_is_number(client)) {
        return (struct command){COMMAND_TIME, json_number_value(client)};
    }
    if (strcmp(type, "pause") == 0) {
        return (struct command){COMMAND_PAUSE, 0};
    }
    if (strcmp(type, "resume") == 0) {
        return (struct command){COMMAND_RESUME, 0};
    }
    return (struct command){COMMAND_NONE, 0};
}

struct command command_parse(const char *text, size_t length)
{
    json_t *object = json_loadb(text, length, 0, NULL);
    struct command command = from_object(object);
    json_decref(object);
    return command;
}
