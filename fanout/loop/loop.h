/* SPDX-License-Identifier: MIT */
/*
 * The event loop under libwebsockets. If libwebsockets' plugin for libev is installed, it is libev over
 * epoll, whose cost does not grow with the number of silent viewers; otherwise it is libwebsockets' own,
 * which polls all of them. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_LOOP_H
#define FANOUT_LOOP_LOOP_H

#include <libwebsockets.h>

struct ev_loop;

struct loop {
    struct ev_loop *events; /* NULL: libwebsockets' own loop */
    struct lws_context *context;
    struct lws_vhost *vhost;
};

/*
 * Makes loop, context and vhost from INFO, to which it adds the options of the loop. 0 or -ENOMEM.
 * RINGCAST_FANOUT_LOOP=poll in the environment selects libwebsockets' own loop, for tests and comparisons.
 */
int loop_begin(struct loop *loop, const struct lws_context_creation_info *info);

/* Waits for events and handles them. 0 or negative errno. */
int loop_turn(struct loop *loop);

/* Closes all connections. All watches (watch.h) must have ended, except those that libwebsockets has. */
void loop_end(struct loop *loop);

#endif
