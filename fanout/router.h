/* SPDX-License-Identifier: MIT */
/*
 * The routes: for each path its methods, the right that the gate is asked for, and the answer. ringcast-fanout's only thread.
 */
#ifndef FANOUT_ROUTER_H
#define FANOUT_ROUTER_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "common/ipc/attention.h"
#include "fanout/brand.h"
#include "fanout/camera_list.h"
#include "fanout/http/assets.h"
#include "fanout/http/errand.h"
#include "fanout/http/gate.h"
#include "fanout/http/policy.h"
#include "fanout/http/upgrade.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"
#include "fanout/loop/tls.h"
#include "fanout/stream.h"
#include "fanout/visit.h"

struct router {
    struct gate gate;       /* begun and ended by the server */
    struct errands errands; /* the same */
    struct assets assets;
    struct camera_list camera_list;
    struct brand brand;
    struct streams *streams;               /* the server's */
    const struct tls *tls;                 /* the server's */
    const struct policy *policy;           /* the server's */
    struct connections *connections;       /* the server's */
    struct limits *limits;                 /* the server's */
    void (*rights_changed)(void *context); /* the server's: the streams are to be looked through */
    bool (*has_room)(void *context);       /* the server's: it takes one more viewer */
    bool (*raise_event)(void *context, json_t *event); /* the server's: ringcastd is told; not consumed */
    struct attention_budget events;                    /* how many more may come through this process */
    void *context;
};

/*
 * Loads the files in ASSETS_DIRECTORY. The router works after an error, too: it then has no files, which is
 * logged. STREAMS, TLS and POLICY must outlive the router. The members
 * `gate`, `rights_changed`, `has_room` and `context` are the caller's.
 */
void router_init(struct router *router, const char *assets_directory, struct streams *streams,
                 const struct tls *tls, const struct policy *policy);

void router_finish(struct router *router);

/* Answers all of the gate's verdicts but GATE_OPEN and GATE_WAIT. Returns what libwebsockets' callback is to return. */
int router_refuse(struct router *router, struct lws *wsi, const struct http_request *request,
                  enum gate_verdict verdict);

/* CAMERA's stream that is WANTED, or NULL. A sub stream has no path of its own, only its camera's. */
struct stream *router_find_stream(const struct router *router, const char *camera,
                                  enum upgrade_stream wanted);

/*
 * These return what libwebsockets' callback is to return. The head of a request is there (LWS_CALLBACK_HTTP), and all of its
 * body (LWS_CALLBACK_HTTP_BODY_COMPLETION). An answer that is a stream has not begun when they return: `guest`, `stream` and `permit`
 * are then in the connection, and the guest joins before the stack unwinds.
 */
int router_answer(struct router *router, struct lws *wsi);
int router_answer_body(struct router *router, struct lws *wsi);

/* A part of a body is there (LWS_CALLBACK_HTTP_BODY). True: it is whole, and libwebsockets will not say so. */
bool router_take_body(struct lws *wsi, const void *data, size_t length);

/* The gate has an answer for the request that waits on CONNECTION. Not from a callback of libwebsockets for it. False: it is closed. */
bool router_go_on(struct router *router, struct connection *connection);

/* A program has an answer for the request that waits on CONNECTION. Not from a callback of libwebsockets for it. False: it is closed. */
bool router_give(struct router *router, struct connection *connection);

/* The connection of a request takes more of its answer; returns what the callback returns. */
int router_writable(struct lws *wsi);

/* True while the request on CONNECTION waits for the gate or for a program, or its answer is on its way. */
bool router_is_waiting(const struct connection *connection);

/* The request on CONNECTION has been answered, or the connection has ended. */
void router_forget(struct connection *connection);

/*
 * Accepts a viewer or refuses it, in LWS_CALLBACK_HTTP_CONFIRM_UPGRADE; returns what the callback returns.
 * ROOM: the server takes one more viewer. The stream is then in the connection (connections.h): the viewer
 * joins it before the stack unwinds, so that it cannot dangle. So is the permit to watch it, which the server lets go with
 * the connection.
 */
int router_upgrade(struct router *router, struct lws *wsi, bool room);

#endif
