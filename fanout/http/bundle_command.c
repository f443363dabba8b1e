/* SPDX-License-Identifier: MIT */
#include "fanout/http/bundle_command.h"

#include <stdio.h>
#include <string.h>

#include "fanout/feed/bundle.h"

const struct bundle_command bundle_command_too_long = {
    .kind = BUNDLE_COMMAND_WRONG,
    .error = "longer than 1024 bytes",
};

static struct bundle_command wrong(uint32_t id, const char *error)
{
    return (struct bundle_command){.kind = BUNDLE_COMMAND_WRONG, .id = id, .error = error};
}

/* 0: there is none, or it is none. */
static uint32_t read_id(const json_t *object)
{
    const json_t *id = json_object_get(object, "id");
    json_int_t value = json_integer_value(id);

    return json_is_integer(id) && value >= 1 && value <= BUNDLE_ID_MAX ? (uint32_t)value : 0;
}

/* The text that is the member NAME. False: it is there and no text. */
static bool read_word(const json_t *object, const char *name, const char **word)
{
    const json_t *member = json_object_get(object, name);

    *word = json_string_value(member);
    return !member || *word;
}

static struct bundle_command read_choice(const json_t *object, struct bundle_command command)
{
    const char *stream, *frames;

    if (!read_word(object, "stream", &stream) || !read_word(object, "frames", &frames)) {
        return wrong(command.id, "stream and frames are texts");
    }
    command.stream = upgrade_stream_of(stream);
    command.has_stream = stream != NULL;
    command.has_frames = frames != NULL;
    if (!upgrade_frames_of(frames, &command.keyframes)) {
        return wrong(command.id, "frames is \"all\" or \"key\"");
    }
    return command;
}

static struct bundle_command read_subscribe(const json_t *object, uint32_t id)
{
    struct bundle_command command = {.kind = BUNDLE_COMMAND_SUBSCRIBE, .id = id};
    const char *camera = json_string_value(json_object_get(object, "camera"));

    if (!camera) {
        return wrong(id, "camera is missing");
    }
    snprintf(command.camera, sizeof(command.camera), "%s", camera);
    return read_choice(object, command);
}

struct bundle_command bundle_command_of(const json_t *object)
{
    static const struct {
        const char *type;
        enum bundle_command_kind kind;
    } plain[] = {
        {"unsubscribe", BUNDLE_COMMAND_UNSUBSCRIBE},
        {"pause", BUNDLE_COMMAND_PAUSE},
        {"resume", BUNDLE_COMMAND_RESUME},
    };
    const char *type = json_string_value(json_object_get(object, "type"));
    const json_t *client = json_object_get(object, "client");
    uint32_t id = read_id(object);
    bool has_id = json_object_get(object, "id") != NULL;

    if (!type) {
        return wrong(0, "not an object with a type");
    }
    if (strcmp(type, "time") == 0) {
        return json_is_number(client)
                   ? (struct bundle_command){.kind = BUNDLE_COMMAND_TIME, .client = json_number_value(client)}
                   : wrong(0, "client is not a number");
    }
    bool is_subscribe = strcmp(type, "subscribe") == 0, is_change = strcmp(type, "change") == 0;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (strcmp(type, plain[i].type) == 0) {
            bool of_all = !has_id && plain[i].kind != BUNDLE_COMMAND_UNSUBSCRIBE;
            return id > 0 || of_all ? (struct bundle_command){.kind = plain[i].kind, .id = id}
                                    : wrong(0, "id is not an integer from 1 to 2147483647");
        }
    }
    if (!is_subscribe && !is_change) {
        return (struct bundle_command){.kind = BUNDLE_COMMAND_NONE};
    }
    if (id == 0) {
        return wrong(0, "id is not an integer from 1 to 2147483647");
    }
    return is_subscribe
               ? read_subscribe(object, id)
               : read_choice(object, (struct bundle_command){.kind = BUNDLE_COMMAND_CHANGE, .id = id});
}

struct bundle_command bundle_command_parse(const char *text, size_t length)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    struct bundle_command command = object ? bundle_command_of(object) : wrong(0, "not JSON");

    json_decref(object);
    return command;
}
