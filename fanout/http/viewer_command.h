/*
 * What a viewer may say: the text messages of docs/reference/http.md ("What a viewer may send"). Pure
 * functions.
 */
#ifndef FANOUT_HTTP_VIEWER_COMMAND_H
#define FANOUT_HTTP_VIEWER_COMMAND_H

#include <stddef.h>

enum command_kind {
    COMMAND_NONE, /* not ours: ignored */
    COMMAND_TIME,
    COMMAND_PAUSE,
    COMMAND_RESUME,
};

struct command {
    enum command_kind kind;
    double client; /* COMMAND_TIME: what the viewer calls now */
};

/* Understands the LENGTH bytes of TEXT; whatever is wrong with them makes a COMMAND_NONE. */
struct command command_parse(const char *text, size_t length);

#endif
