/* SPDX-License-Identifier: MIT */
/*
 * What a viewer may say: the text messages of docs/reference/http.md ("What a viewer may send"). Pure
 * functions.
 */
#ifndef FANOUT_HTTP_VIEWER_COMMAND_H
#define FANOUT_HTTP_VIEWER_COMMAND_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest message. */
#define VIEWER_COMMAND_MAX 256u

/* Seconds that a viewer may have in advance of what it shows, and how far back it may ask. */
#define VIEWER_COMMAND_FOR_MAX 30
#define VIEWER_COMMAND_AGO_MAX 86400

enum viewer_command_kind {
    VIEWER_COMMAND_NONE, /* unknown or malformed: ignored */
    VIEWER_COMMAND_TIME,
    VIEWER_COMMAND_PAUSE,
    VIEWER_COMMAND_RESUME,
    VIEWER_COMMAND_LOOK,
    VIEWER_COMMAND_MORE,
    VIEWER_COMMAND_LIVE,
};

struct viewer_command {
    enum viewer_command_kind kind;
    double client;       /* VIEWER_COMMAND_TIME: the viewer's present time, in its own unit */
    int64_t ago_ns;      /* VIEWER_COMMAND_LOOK: where to begin */
    int64_t duration_ns; /* VIEWER_COMMAND_LOOK, VIEWER_COMMAND_MORE: how much it has room for */
};

/* Parses LENGTH bytes of TEXT. Malformed text is a VIEWER_COMMAND_NONE. */
struct viewer_command viewer_command_parse(const char *text, size_t length);

#endif
