/*
 * The routes: for each path its methods, the right that the gate is asked for, and the answer. ringcast-fanout's only thread.
 */
#ifndef FANOUT_ROUTER_H
#define FANOUT_ROUTER_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "fanout/camera_list.h"
#include "fanout/http/assets.h"
#include "fanout/http/gate.h"
#include "fanout/http/policy.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"
#include "fanout/loop/tls.h"
#include "fanout/stream.h"

struct router {
    struct gate gate;
    struct assets assets;
    struct camera_list camera_list;
    struct streams *streams;         /* the server's */
    const struct tls *tls;           /* the server's */
    const struct policy *policy;     /* the server's */
    struct connections *connections; /* the server's */
    struct limits *limits;           /* the server's */
};

/*
 * Loads the files in ASSETS_DIRECTORY. The router works after an error, too: it then has no files, which is
 * logged. STREAMS, TLS and POLICY must outlive the router.
 */
void router_init(struct router *router, const char *assets_directory, struct streams *streams,
                 const struct tls *tls, const struct policy *policy);

void router_finish(struct router *router);

/* Answers a whole request, in LWS_CALLBACK_HTTP; returns what the callback returns. */
int router_answer(struct router *router, struct lws *wsi);

/*
 * Accepts a viewer or refuses it, in LWS_CALLBACK_HTTP_CONFIRM_UPGRADE; returns what the callback returns.
 * ROOM: the server takes one more viewer. The stream is then in the connection (connections.h): the viewer
 * joins it before the stack unwinds, so that it cannot dangle. So is the permit to watch it, which the server lets go with
 * the connection.
 */
int router_upgrade(struct router *router, struct lws *wsi, bool room);

#endif
