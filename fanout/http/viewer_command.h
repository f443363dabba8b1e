/* SPDX-License-Identifier: MIT */
/*
 * What a viewer may say: the text messages of docs/reference/http.md ("What a viewer may send"). Pure
 * functions.
 */
#ifndef FANOUT_HTTP_VIEWER_COMMAND_H
#define FANOUT_HTTP_VIEWER_COMMAND_H

#include <stddef.h>

enum viewer_command_kind {
    VIEWER_COMMAND_NONE, /* unknown or malformed: ignored */
    VIEWER_COMMAND_TIME,
    VIEWER_COMMAND_PAUSE,
    VIEWER_COMMAND_RESUME,
};

struct viewer_command {
    enum viewer_command_kind kind;
    double client; /* VIEWER_COMMAND_TIME: the viewer's present time, in its own unit */
};

/* Parses LENGTH bytes of TEXT. Malformed text is a VIEWER_COMMAND_NONE. */
struct viewer_command viewer_command_parse(const char *text, size_t length);

#endif
