/* SPDX-License-Identifier: MIT */
/*
 * The time in which requests must come: closes connections whose first request, with TLS before it, or next one is late
 * (`limits.handshake_timeout`). One timer for all; it is armed only while a request is to come. ringcast-fanout's only
 * thread.
 */
#ifndef FANOUT_HTTP_REQUEST_DEADLINES_H
#define FANOUT_HTTP_REQUEST_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"
#include "fanout/loop/linger.h"
#include "fanout/loop/watch.h"

/* Seconds after which an idle connection is given up. */
#define REQUEST_DEADLINES_IDLE_S 15

/* Seconds after which what takes longer than the configuration can allow is given up in any case. */
#define REQUEST_DEADLINES_LONGEST_S 630

struct request_deadlines {
    struct connections *connections;
    struct limits *limits;
    struct linger_set *linger;
    struct watch_timer timer;
    bool armed;
    int64_t due_ns; /* CLOCK_MONOTONIC: for when the timer is armed */
};

/* What it is given must outlive it. 0 or negative errno. */
int request_deadlines_begin(struct request_deadlines *deadlines, struct loop *loop,
                            struct connections *connections, struct limits *limits,
                            struct linger_set *linger);
void request_deadlines_end(struct request_deadlines *deadlines);

/* CONNECTION is new, and its first request is to come. */
void request_deadlines_add(struct request_deadlines *deadlines, const struct connection *connection);

/* From CONNECTION, of which a request has been read or answered, DUE is to come from now on. */
void request_deadlines_expect(struct request_deadlines *deadlines, struct connection *connection,
                              enum connection_due due);

/* A connection has ended, and is in no list any more. */
void request_deadlines_removed(struct request_deadlines *deadlines);

/* Closes what is late, also when `limits` has changed. Not from a connection's own callback. */
void request_deadlines_check(struct request_deadlines *deadlines);

#endif
