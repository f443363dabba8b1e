/* SPDX-License-Identifier: MIT */
/*
 * The fan-out as a whole: libwebsockets' context, its viewers, and its end. ringcast-fanout's only thread.
 */
#ifndef FANOUT_SERVER_H
#define FANOUT_SERVER_H

#include <libwebsockets.h>

#include "fanout/arrivals.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/feed.h"
#include "fanout/followers.h"
#include "fanout/gate_reports.h"
#include "fanout/guest_list.h"
#include "fanout/http/policy.h"
#include "fanout/http/request_deadlines.h"
#include "fanout/http/user_viewers.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/listener.h"
#include "fanout/loop/loop.h"
#include "fanout/loop/tls.h"
#include "fanout/loop/watch.h"
#include "fanout/router.h"
#include "fanout/send_memory.h"
#include "fanout/stream.h"
#include "fanout/supervisor_link.h"
#include "fanout/viewer_rights.h"

enum server_state {
    SERVER_STARTING, /* waits for the message `listen` */
    SERVER_SERVING,
    SERVER_STOPPING, /* accepts no more viewers, and has sent a close frame to those that it has */
    SERVER_STOPPED,
};

struct server {
    enum server_state state;
    struct loop loop;
    struct feed_set feeds;
    struct streams streams;
    struct router router;
    struct supervisor_link link;
    struct gate_report_queue reports;
    struct viewer_rights rights;
    struct guest_list guests;
    struct followers followers;
    struct send_memory send_memory;
    struct tls tls;
    struct policy policy;
    struct listener listener;
    struct connections connections;
    struct limits limits;
    struct user_viewers user_viewers;
    struct bundle_list bundles;
    struct linger_set linger;
    struct request_deadlines deadlines;
    struct arrivals arrivals;
    struct watch feeds_watch, signals;
    struct watch_timer stop_timer;      /* limits how long viewers take to close their side */
    struct watch_timer keepalive_timer; /* armed while there are viewers */
    int64_t looked_ns;                  /* CLOCK_MONOTONIC: when the viewers were last looked at */
    unsigned looks;                     /* how often that was */
    long keepalive_ms, ping_ms;
    unsigned keepalive_phase;
    int64_t fed_ns; /* CLOCK_MONOTONIC: when the feeds last ran */
    uint64_t viewers_seen;
    unsigned viewers; /* open WebSockets, including those that are closing */
    unsigned members; /* subscriptions of those that have several */
    unsigned idle_per_client, idle_max;
    unsigned connections_max; /* what the process has descriptors for */
    unsigned viewers_max;
};

const char *server_strstate(enum server_state state);

/* Sets up everything but the link to ringcastd. Serves the files in ASSETS_DIRECTORY. 0 or negative errno. */
int server_init(struct server *server, const char *assets_directory);

/* Runs until the fan-out has stopped. 0 or negative errno. */
int server_run(struct server *server);

/* Begins to accept viewers on SOCKET, which the server owns from now on. 0 or negative errno. */
int server_listen(struct server *server, int socket);

/* Sets how slow viewers may be, and after how many milliseconds each of them gets a ping. */
void server_limit(struct server *server, const struct feed_limits *limits, long ping_ms);

/* What visitors may take has changed: `limits`. */
void server_limits_changed(struct server *server);

/* Sets how many connections may be idle, of one client and in all (connections.h). */
void server_limit_idle(struct server *server, unsigned per_client, unsigned max);

/*
 * Connections accepted from now on speak TLS with the certificates in CHAIN and the private KEY, and with tickets of the
 * secret in TICKETS (tls.h), or without TLS. Those that are open go on as they are. 0 or negative errno, then nothing has
 * changed.
 */
int server_set_tls(struct server *server, int chain, int key, int tickets);
void server_unset_tls(struct server *server);

/* Who may watch has changed: closes the viewers that may watch no longer. */
void server_check_viewers(struct server *server);

/* A connection has become a viewer's: the number of that viewer, which no other one gets. */
uint64_t server_viewer_came(struct server *server);

/* It is not a viewer's any more. */
void server_viewer_left(struct server *server);

/* The same for a subscription of a WebSocket that has several. */
uint64_t server_member_came(struct server *server);
void server_member_left(struct server *server);

/* Begins to stop: closes every viewer with code 1001. */
void server_stop(struct server *server);

/* Closes and frees everything. */
void server_finish(struct server *server);

#endif
