/*
 * The event loop under libwebsockets: libev over epoll, whose cost does not grow with the number of viewers
 * that have nothing to say, if libwebsockets' plugin for it is installed; otherwise libwebsockets' own, which
 * is poll() over all of them. ringcast-fanout's only thread.
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
 * Makes loop, context and vhost from INFO, whose options and loops are set here. 0 or -ENOMEM.
 * The environment's RINGCAST_FANOUT_LOOP=poll asks for libwebsockets' own loop, for tests and comparisons.
 */
int loop_begin(struct loop *loop, const struct lws_context_creation_info *info);

/* Waits for events and handles them. 0 or negative errno. */
int loop_turn(struct loop *loop);

/* Closes all connections. What is watched (watch.h) must have ended, unless libwebsockets watches it. */
void loop_end(struct loop *loop);

#endif
