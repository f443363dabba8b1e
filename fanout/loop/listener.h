/* SPDX-License-Identifier: MIT */
/*
 * Accepts connections from the supervisor's listening socket, which several fan-outs may share. Every fan-out
 * that is free wakes for a connection, and one of them gets it. A fan-out that has more viewers than another
 * waits for a moment first, and so does each one that has just accepted, so that the connections of a burst
 * are spread. A process that is busy or hangs accepts nothing and delays no connection for longer than that
 * moment. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_LISTENER_H
#define FANOUT_LOOP_LISTENER_H

#include <stdbool.h>

#include "common/ipc/load_board.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"
#include "fanout/loop/linger.h"
#include "fanout/loop/tls.h"
#include "fanout/loop/watch.h"

struct listener {
    struct watch watch;
    struct watch_timer retry; /* armed while it does not accept: it stands back, or has no descriptor left */
    struct connections *connections; /* to which accepted connections are added */
    struct limits *limits;           /* decide whether a connection is let in */
    struct linger_set *linger;       /* for those that are not */
    const struct tls *tls;           /* decides whether accepted connections speak TLS */
    struct load_board *board;        /* of all processes that share the socket; owned; NULL: not shared */
    size_t slot;                     /* this process's place on the board */
    uint32_t load;                   /* what that place holds */
    bool standing_back;              /* waits so that another process can accept */
};

/* Other processes share the socket. BOARD becomes the listener's, and SLOT is this process's place on it. */
void listener_share(struct listener *listener, struct load_board *board, size_t slot);

/* Shows the other processes how many viewers this one has. */
void listener_set_load(struct listener *listener, unsigned viewers);

/*
 * Begins to accept from SOCKET, as far as LIMITS allow it, which the loop owns from now on. Each accepted connection is added to
 * CONNECTIONS, and its record there is libwebsockets' opaque user data. TLS, which stays the caller's, decides whether it speaks TLS.
 * 0 or negative errno.
 */
int listener_begin(struct listener *listener, struct loop *loop, struct connections *connections,
                   struct limits *limits, struct linger_set *linger, const struct tls *tls, int socket);

void listener_end(struct listener *listener);

#endif
