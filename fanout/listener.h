/*
 * Takes connections from the supervisor's listening socket, which several fan-outs may share: whoever is free
 * accepts. ringcast-fanout's only thread.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "watch.h"

struct listener {
    struct watch watch;
    struct watch_timer
        retry; /* armed while connections cannot be accepted for want of descriptors or memory */
};

/* Listens on SOCKET, which becomes the loop's. 0 or negative errno. */
int listener_begin(struct listener *listener, struct loop *loop, int socket);

void listener_end(struct listener *listener);

#endif
