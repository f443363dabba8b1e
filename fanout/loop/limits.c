/* SPDX-License-Identifier: MIT */
#include "fanout/loop/limits.h"

#include <assert.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/doors.h"
#include "common/log/log.h"

/* Between two lines about the same limit. */
#define TELL_INTERVAL_NS (10 * NS_PER_SECOND)

static const struct {
    const char *what; /* was refused */
    int status;
} kinds[LIMITS] = {
    [LIMIT_CONNECTIONS] = {"connections", 503},
    [LIMIT_CONNECTIONS_PER_ADDRESS] = {"connections", 429},
    [LIMIT_HANDSHAKES] = {"new connections", 503},
    [LIMIT_HANDSHAKES_PER_ADDRESS] = {"new connections", 429},
    [LIMIT_REQUESTS_PER_ADDRESS] = {"requests", 429},
    [LIMIT_HEADER_BYTES] = {"requests with large headers", 431},
    [LIMIT_HANDSHAKE_TIMEOUT] = {"connections without a request", 408},
    [LIMIT_VIEWERS_PER_USER] = {"viewers", 429},
};

static_assert(LIMITS == DOORS_LIMIT_COUNT, "their names are in the order of the enum");

void limits_init(struct limits *limits, bool (*is_proxy)(void *context, const struct in6_addr *peer),
                 void (*changed)(void *context), void *context)
{
    memset(limits, 0, sizeof(*limits));
    rates_init(&limits->rates);
    limits->max[LIMIT_HANDSHAKE_TIMEOUT] = LIMITS_HANDSHAKE_TIMEOUT_S;
    limits->is_proxy = is_proxy;
    limits->changed = changed;
    limits->context = context;
}

void limits_set(struct limits *limits, const json_t *document)
{
    for (int i = 0; i < LIMITS; i++) {
        const json_t *value = json_object_get(document, doors_limits[i]);
        json_int_t number = json_integer_value(value);
        if (json_is_integer(value) && number >= 0 && number <= UINT32_MAX) {
            limits->max[i] = (unsigned)number;
        }
    }
}

static void tell(struct limits *limits, enum limit limit, const struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN];
    int64_t now_ns = clock_now_ns();

    if (limits->told_ns[limit] != 0 && now_ns - limits->told_ns[limit] < TELL_INTERVAL_NS) {
        return;
    }
    log_warning("%s refused: %llu, the last of them from %s: limits.%s is %u", kinds[limit].what,
                (unsigned long long)(limits->refused[limit] - limits->told[limit]),
                connections_format_address(address, text), doors_limits[limit], limits->max[limit]);
    limits->told_ns[limit] = now_ns;
    limits->told[limit] = limits->refused[limit];
}

void limits_count(struct limits *limits, enum limit limit, const struct in6_addr *address)
{
    limits->refused[limit]++;
    tell(limits, limit, address);
    if (limits->changed) {
        limits->changed(limits->context);
    }
}

static bool is_reached(const struct limits *limits, enum limit limit, unsigned count)
{
    return limits->max[limit] != 0 && count >= limits->max[limit];
}

/* What is refused costs nothing of the rates for all, so one address cannot use them up. */
static enum limit judge_connection(struct limits *limits, struct connections *connections,
                                   const struct in6_addr *peer)
{
    bool is_own = !limits->is_proxy || !limits->is_proxy(limits->context, peer);
    int64_t now_ns = clock_now_ns();

    if (is_own && is_reached(limits, LIMIT_CONNECTIONS_PER_ADDRESS, connections_count(connections, peer))) {
        return LIMIT_CONNECTIONS_PER_ADDRESS;
    }
    if (is_own && !rates_allow(&limits->rates, RATE_HANDSHAKES, peer,
                               limits->max[LIMIT_HANDSHAKES_PER_ADDRESS], now_ns)) {
        return LIMIT_HANDSHAKES_PER_ADDRESS;
    }
    if (is_reached(limits, LIMIT_CONNECTIONS, connections->count)) {
        return LIMIT_CONNECTIONS;
    }
    if (!rate_allow(&limits->handshakes_until, limits->max[LIMIT_HANDSHAKES], now_ns)) {
        return LIMIT_HANDSHAKES;
    }
    return LIMITS;
}

enum limit limits_connect(struct limits *limits, struct connections *connections, const struct in6_addr *peer)
{
    enum limit limit = judge_connection(limits, connections, peer);

    if (limit != LIMITS) {
        limits_count(limits, limit, peer);
    }
    return limit;
}

enum limit limits_request(struct limits *limits, const struct in6_addr *address)
{
    if (rates_allow(&limits->rates, RATE_REQUESTS, address, limits->max[LIMIT_REQUESTS_PER_ADDRESS],
                    clock_now_ns())) {
        return LIMITS;
    }
    limits_count(limits, LIMIT_REQUESTS_PER_ADDRESS, address);
    return LIMIT_REQUESTS_PER_ADDRESS;
}

enum limit limits_view(struct limits *limits, struct connections *connections,
                       const struct connection *connection, const struct in6_addr *address)
{
    if (connections_is_of(connection, address) ||
        !is_reached(limits, LIMIT_CONNECTIONS_PER_ADDRESS, connections_count(connections, address))) {
        return LIMITS;
    }
    limits_count(limits, LIMIT_CONNECTIONS_PER_ADDRESS, address);
    return LIMIT_CONNECTIONS_PER_ADDRESS;
}

int limits_status(enum limit limit)
{
    return kinds[limit].status;
}

json_t *limits_refused(const struct limits *limits)
{
    json_t *refused = json_object();

    for (int i = 0; refused && i < LIMITS; i++) {
        if (limits->refused[i] > 0) {
            json_object_set_new(refused, doors_limits[i], json_integer((json_int_t)limits->refused[i]));
        }
    }
    return refused;
}
