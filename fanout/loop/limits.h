/* SPDX-License-Identifier: MIT */
/*
 * What visitors may take, as the configuration's `limits` say: who may connect and how often, how large a request's head may
 * be, how long a connection may take to make its first request. Whoever is over a limit is refused, counted and told of in
 * the log. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_LIMITS_H
#define FANOUT_LOOP_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fanout/loop/connections.h"
#include "fanout/loop/rates.h"

enum limit {
    LIMIT_CONNECTIONS,
    LIMIT_CONNECTIONS_PER_ADDRESS,
    LIMIT_HANDSHAKES,
    LIMIT_HANDSHAKES_PER_ADDRESS,
    LIMIT_REQUESTS_PER_ADDRESS,
    LIMIT_HEADER_BYTES,
    LIMIT_HANDSHAKE_TIMEOUT,
    LIMIT_VIEWERS_PER_USER,
    LIMITS, /* how many there are; as a result: none is reached */
};

/*
 * Bytes that libwebsockets has for the head of each request that is being read: more than the configuration can allow, because
 * it keeps some of its own with every header. The most that it can have.
 */
#define LIMITS_HEADER_ROOM 65535u

/* While nothing is configured. */
#define LIMITS_HANDSHAKE_TIMEOUT_S 10

struct limits {
    unsigned max[LIMITS]; /* 0: no limit */
    uint64_t refused[LIMITS];
    int64_t handshakes_until; /* of all addresses: rate_allow */
    struct rates rates;
    int64_t told_ns[LIMITS]; /* CLOCK_MONOTONIC: when the log was told; 0: never */
    uint64_t told[LIMITS];   /* `refused` then */
    bool (*is_proxy)(void *context, const struct in6_addr *peer); /* its connections are others' */
    void (*changed)(void *context);                               /* something is refused */
    void *context;
};

/* Begins without limits but for the time of a handshake. The functions, which get CONTEXT, may be NULL. */
void limits_init(struct limits *limits, bool (*is_proxy)(void *context, const struct in6_addr *peer),
                 void (*changed)(void *context), void *context);

/* Takes the members of DOCUMENT, which are named as in the configuration; what is missing or wrong stays as it is. */
void limits_set(struct limits *limits, const json_t *document);

/* The limit that a new connection from PEER would break, which is then counted as refused; LIMITS: it is let in. */
enum limit limits_connect(struct limits *limits, struct connections *connections,
                          const struct in6_addr *peer);

/* The same for one more request of ADDRESS, which is not that of a proxy. */
enum limit limits_request(struct limits *limits, const struct in6_addr *address);

/* The same for one more viewer of ADDRESS whose connection is CONNECTION: behind a proxy it is not counted at its address yet. */
enum limit limits_view(struct limits *limits, struct connections *connections,
                       const struct connection *connection, const struct in6_addr *address);

/* ADDRESS was refused something because of LIMIT. */
void limits_count(struct limits *limits, enum limit limit, const struct in6_addr *address);

/* The HTTP status for LIMIT: 429 for what a client can change, 503 for what others may have caused, 431, 408. */
int limits_status(enum limit limit);

/* {"connections_per_address":3,…}: what was refused, by the limit's name; without those that are 0. NULL: no memory. */
json_t *limits_refused(const struct limits *limits);

#endif
