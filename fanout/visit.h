/* SPDX-License-Identifier: MIT */
/* A request on its way through the router, for those who answer it. ringcast-fanout's only thread. */
#ifndef FANOUT_VISIT_H
#define FANOUT_VISIT_H

#include <libwebsockets.h>

#include "fanout/http/gate.h"
#include "fanout/http/http_request.h"
#include "fanout/http/post_body.h"

struct router;

struct visit {
    struct router *router;
    struct lws *wsi;
    const struct http_request *request;
    struct permit *permit;        /* for the route's right */
    const char *camera;           /* that the path names, for which the permit is; NULL: it names none */
    const struct post_body *body; /* of a POST; NULL: it has none */
};

#endif
