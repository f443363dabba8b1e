/* SPDX-License-Identifier: MIT */
/*
 * Those who follow, over the WebSocket /api/events, which cameras there are and what asks for attention (docs/reference/http.md). A follower is
 * told the newest list of his cameras and each event of them that is still in force; what he has not taken in time is not kept for him, so one
 * that reads slowly costs nothing. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FOLLOWERS_H
#define FANOUT_FOLLOWERS_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/ipc/attention_list.h"
#include "fanout/camera_list.h"
#include "fanout/http/gate.h"
#include "fanout/http/http_request.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/watch.h"
#include "fanout/stream.h"

#define FOLLOWERS_PATH "/api/events"

struct follower;

TAILQ_HEAD(follower_queue, follower);

struct followers {
    struct follower_queue queue;
    struct camera_list *cameras;
    struct streams *streams;
    struct gate *gate;
    struct attention_list attention;
    struct watch_timer
        timer; /* armed while the list is to be told, or somebody's time ends, or a sign of life is due */
    int64_t told_ns;  /* CLOCK_MONOTONIC: when the list was last told */
    int64_t alive_ns; /* the same of a sign of life */
    bool list_due;
    unsigned count;
};

/* 0 or negative errno. */
int followers_begin(struct followers *followers, struct loop *loop, struct camera_list *cameras,
                    struct streams *streams, struct gate *gate);
void followers_end(struct followers *followers);
void followers_finish(struct followers *followers);

/* CONNECTION, which has made REQUEST and has a permit, is to become a follower's. False: no memory. */
bool followers_prepare(struct connection *connection, const struct http_request *request);

/* The WebSocket is open. */
void followers_join(struct followers *followers, struct connection *connection);

/* What its callbacks return. */
int followers_writable(struct followers *followers, struct connection *connection);
int followers_received(struct followers *followers, struct connection *connection, size_t length);

/* CONNECTION has ended; true if it had joined. */
bool followers_leave(struct followers *followers, struct connection *connection);

/* Cameras, groups or rights have changed: those who see another list now are told, at most once in FOLLOWERS_LIST_MS. */
void followers_list_changed(struct followers *followers);

/* Rights have changed: closes those whose log-in has ended. */
void followers_check(struct followers *followers);

/* Takes EVENT (not consumed), as ringcastd sends it, and tells it. */
void followers_tell(struct followers *followers, const json_t *event);

/* Closes all with CODE. */
void followers_close(struct followers *followers, uint16_t code);

#endif
