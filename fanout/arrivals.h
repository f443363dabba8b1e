/* SPDX-License-Identifier: MIT */
/*
 * What comes on connections before libwebsockets reads it: requests that are too large, and those whose password must be
 * checked first because libwebsockets could not wait then. Only with libev (watch_beside). ringcast-fanout's only thread.
 */
#ifndef FANOUT_ARRIVALS_H
#define FANOUT_ARRIVALS_H

#include "fanout/http/gate.h"
#include "fanout/http/policy.h"
#include "fanout/http/request_deadlines.h"
#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"
#include "fanout/loop/linger.h"
#include "fanout/loop/loop.h"

struct arrivals {
    struct loop *loop; /* this and what follows: the server's */
    struct limits *limits;
    struct linger_set *linger;
    struct request_deadlines *deadlines;
    struct gate *gate;
    const struct policy *policy;
    struct watch_turn turn; /* begun while there are any of these: */
    struct connection_list
        seen; /* what has come on them is in OpenSSL's memory, and libwebsockets has to read it */
};

/* The members above `turn` are set. */
void arrivals_begin(struct arrivals *arrivals);
void arrivals_end(struct arrivals *arrivals);

/* Requests are to come on CONNECTION. */
void arrivals_expect(struct arrivals *arrivals, struct connection *connection);

/* No request is to come on it any more, or it has ended. */
void arrivals_leave(struct arrivals *arrivals, struct connection *connection);

/* The gate has its answer for the request on CONNECTION that has not been read. Not from a callback of libwebsockets for it. */
void arrivals_go_on(struct arrivals *arrivals, struct connection *connection);

#endif
