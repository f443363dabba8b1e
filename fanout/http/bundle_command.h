/* SPDX-License-Identifier: MIT */
/*
 * What the client of a bundle may say: the text messages of docs/reference/websocket.md. Pure functions.
 */
#ifndef FANOUT_HTTP_BUNDLE_COMMAND_H
#define FANOUT_HTTP_BUNDLE_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fanout/http/upgrade.h"

/* The version of the protocol, as in SUBPROTOCOL_BUNDLE. */
#define BUNDLE_VERSION 1

/* What a client may say in the address: so many messages, in an array of so many bytes with its NUL. */
#define BUNDLE_OPENING_MESSAGES 32u
#define BUNDLE_OPENING_SIZE 8192u

/* Bytes of the longest message. */
#define BUNDLE_COMMAND_MAX 1024u

/* Bytes of a camera's name that are looked at, with its NUL: more than any camera's has. */
#define BUNDLE_CAMERA_SIZE 80

enum bundle_command_kind {
    BUNDLE_COMMAND_NONE,  /* a type that is not known: ignored */
    BUNDLE_COMMAND_WRONG, /* `error` says why */
    BUNDLE_COMMAND_TIME,
    BUNDLE_COMMAND_SUBSCRIBE,
    BUNDLE_COMMAND_UNSUBSCRIBE,
    BUNDLE_COMMAND_PAUSE,
    BUNDLE_COMMAND_RESUME,
    BUNDLE_COMMAND_CHANGE,
};

struct bundle_command {
    enum bundle_command_kind kind;
    const char *error; /* BUNDLE_COMMAND_WRONG: static text */
    double client;     /* BUNDLE_COMMAND_TIME: the client's present time, in its own unit */
    uint32_t id;       /* of the subscription; 0: all of them, with PAUSE and RESUME; not known, with WRONG */
    enum upgrade_stream stream; /* SUBSCRIBE and CHANGE */
    bool keyframes;
    bool has_stream, has_frames;     /* they were said */
    char camera[BUNDLE_CAMERA_SIZE]; /* SUBSCRIBE; a longer name is cut off, and then names no camera */
};

/* In the place of a message that is longer than BUNDLE_COMMAND_MAX. */
extern const struct bundle_command bundle_command_too_long;

/* What MESSAGE says, of any type of JSON. */
struct bundle_command bundle_command_of(const json_t *message);

/* Parses LENGTH bytes of TEXT. */
struct bundle_command bundle_command_parse(const char *text, size_t length);

#endif
