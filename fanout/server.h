/*
 * The fan-out as a whole: libwebsockets' context, what it serves, and how it ends. ringcast-fanout's only
 * thread.
 */
#ifndef FANOUT_SERVER_H
#define FANOUT_SERVER_H

#include <libwebsockets.h>

#include "fanout/feed/feed.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/listener.h"
#include "fanout/loop/loop.h"
#include "fanout/loop/watch.h"
#include "fanout/router.h"
#include "fanout/send_memory.h"
#include "fanout/stream.h"
#include "fanout/supervisor_link.h"

enum server_state {
    SERVER_STARTING, /* waits for `listen` */
    SERVER_SERVING,
    SERVER_STOPPING, /* takes no more viewers; those that are there are sent a close frame */
    SERVER_STOPPED,
};

struct server {
    enum server_state state;
    struct loop loop;
    struct feed_set feeds;
    struct streams streams;
    struct router router;
    struct supervisor_link link;
    struct send_memory send_memory;
    struct listener listener;
    struct connections connections;
    struct watch feeds_watch, signals;
    struct watch_timer stop_timer;      /* how long viewers have to close their side */
    struct watch_timer keepalive_timer; /* armed while there are viewers */
    long keepalive_ms, ping_ms;
    unsigned keepalive_phase;
    int64_t fed_ns; /* CLOCK_MONOTONIC: when the feeds last had their turn */
    uint64_t viewers_seen;
    unsigned viewers; /* open WebSockets, closing ones too */
    unsigned seats;   /* connections that the process can have */
    unsigned viewers_max;
};

const char *server_strstate(enum server_state state);

/* Makes everything but the link to ringcastd. Serves the files in ASSETS_DIRECTORY. 0 or negative errno. */
int server_init(struct server *server, const char *assets_directory);

/* Runs until the fan-out is to end. 0 or negative errno. */
int server_run(struct server *server);

/* Begins to accept viewers on SOCKET, which becomes the server's. 0 or negative errno. */
int server_listen(struct server *server, int socket);

/* How slow viewers may be, and after how many milliseconds each of them gets a ping. */
void server_limit(struct server *server, const struct feed_limits *limits, long ping_ms);

/* How many connections may be idle, of one client and in all (connections.h). */
void server_limit_idle(struct server *server, unsigned per_client, unsigned max);

/* Begins to end: every viewer is closed with 1001. */
void server_stop(struct server *server);

/* Closes and frees everything. */
void server_finish(struct server *server);

#endif
