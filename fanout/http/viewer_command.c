/* SPDX-License-Identifier: MIT */
#include "fanout/http/viewer_command.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/clock.h"

static const struct viewer_command none;

static struct viewer_command simple(enum viewer_command_kind kind)
{
    return (struct viewer_command){.kind = kind};
}

/* Member NAME in nanoseconds: seconds from 0 to MOST. False: it is something else. */
static bool read_seconds(const json_t *object, const char *name, double most, int64_t *ns)
{
    const json_t *member = json_object_get(object, name);
    double seconds = json_number_value(member);

    if (!json_is_number(member) || !(seconds >= 0 && seconds <= most)) {
        return false;
    }
    *ns = (int64_t)(seconds * (double)NS_PER_SECOND);
    return true;
}

static struct viewer_command read_look(const json_t *object)
{
    struct viewer_command command = simple(VIEWER_COMMAND_LOOK);

    return read_seconds(object, "ago", VIEWER_COMMAND_AGO_MAX, &command.ago_ns) &&
                   read_seconds(object, "for", VIEWER_COMMAND_FOR_MAX, &command.duration_ns)
               ? command
               : none;
}

static struct viewer_command read_more(const json_t *object)
{
    struct viewer_command command = simple(VIEWER_COMMAND_MORE);

    return read_seconds(object, "for", VIEWER_COMMAND_FOR_MAX, &command.duration_ns) ? command : none;
}

static struct viewer_command read_time(const json_t *object)
{
    const json_t *client = json_object_get(object, "client");

    return json_is_number(client)
               ? (struct viewer_command){.kind = VIEWER_COMMAND_TIME, .client = json_number_value(client)}
               : none;
}

static struct viewer_command from_object(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));

    if (!type) {
        return none;
    }
    if (strcmp(type, "time") == 0) {
        return read_time(object);
    }
    if (strcmp(type, "pause") == 0) {
        return simple(VIEWER_COMMAND_PAUSE);
    }
    if (strcmp(type, "resume") == 0) {
        return simple(VIEWER_COMMAND_RESUME);
    }
    if (strcmp(type, "look") == 0) {
        return read_look(object);
    }
    if (strcmp(type, "more") == 0) {
        return read_more(object);
    }
    return strcmp(type, "live") == 0 ? simple(VIEWER_COMMAND_LIVE) : none;
}

struct viewer_command viewer_command_parse(const char *text, size_t length)
{
    json_t *object = json_loadb(text, length, 0, NULL);
    struct viewer_command command = from_object(object);
    json_decref(object);
    return command;
}
