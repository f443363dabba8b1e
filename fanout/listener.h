/*
 * Takes connections from the supervisor's listening socket, which several fan-outs may share. All that are
 * free wake for a connection, and one of them gets it. That one then stands back for a moment, so that in a
 * burst the next connection goes to another; a process that is busy or hung takes none and holds none up.
 * ringcast-fanout's only thread.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>

#include "watch.h"

struct listener {
    struct watch watch;
    struct watch_timer retry; /* armed while it does not accept: standing back, or for want of descriptors */
    bool shared; /* other processes accept from the socket too */
};

/* Listens on SOCKET, which becomes the loop's. 0 or negative errno. */
int listener_begin(struct listener *listener, struct loop *loop, int socket, bool shared);

void listener_end(struct listener *listener);

#endif
