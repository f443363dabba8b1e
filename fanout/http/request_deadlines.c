/* SPDX-License-Identifier: MIT */
#include "fanout/http/request_deadlines.h"

#include <libwebsockets.h>

#include "common/base/clock.h"
#include "fanout/http/unread_request.h"

/*
 * How long a connection may take for what is due, in nanoseconds; 0: any time. libwebsockets closes a connection that is idle
 * for REQUEST_DEADLINES_IDLE_S, but not one whose next request comes slowly.
 */
static int64_t patience_ns(const struct request_deadlines *deadlines, enum connection_due due)
{
    unsigned seconds = deadlines->limits->max[LIMIT_HANDSHAKE_TIMEOUT];
    unsigned idle = due == CONNECTION_NEXT ? REQUEST_DEADLINES_IDLE_S : 0;

    return seconds == 0 ? 0 : (int64_t)(seconds + idle) * NS_PER_SECOND;
}

static void close_late(struct request_deadlines *deadlines, struct connection *connection)
{
    if (connection->due == CONNECTION_FIRST || unread_request_size(connection) > 0) {
        limits_count(deadlines->limits, LIMIT_HANDSHAKE_TIMEOUT, &connection->peer);
    }
    /* First: libwebsockets may close it later than now. */
    connections_expect(deadlines->connections, connection, CONNECTION_NONE);
    unread_request_refuse(connection, limits_status(LIMIT_HANDSHAKE_TIMEOUT), deadlines->linger);
}

/* Closes what is late of those that DUE is to come from. When the next of them is; INT64_MAX: none. */
static int64_t close_late_ones(struct request_deadlines *deadlines, enum connection_due due, int64_t now_ns)
{
    int64_t most_ns = patience_ns(deadlines, due);
    struct connection *oldest;

    while (most_ns > 0 && (oldest = TAILQ_FIRST(&deadlines->connections->due[due])) != NULL) {
        if (oldest->since_ns + most_ns > now_ns) {
            return oldest->since_ns + most_ns;
        }
        if (lws_partial_buffered(oldest->wsi)) {
            connections_expect(deadlines->connections, oldest, due); /* it is still taking an answer */
        } else {
            close_late(deadlines, oldest);
        }
    }
    return INT64_MAX;
}

static void arm(struct request_deadlines *deadlines, int64_t when_ns)
{
    deadlines->armed = true;
    deadlines->due_ns = when_ns;
    watch_timer_arm(&deadlines->timer, (long)((when_ns - clock_now_ns()) / NS_PER_MS) + 1);
}

void request_deadlines_check(struct request_deadlines *deadlines)
{
    int64_t now_ns = clock_now_ns();

    deadlines->armed = false;
    int64_t first = close_late_ones(deadlines, CONNECTION_FIRST, now_ns);
    int64_t next = close_late_ones(deadlines, CONNECTION_NEXT, now_ns);
    if (first != INT64_MAX || next != INT64_MAX) {
        arm(deadlines, first < next ? first : next);
    }
}

static void expired(void *context)
{
    request_deadlines_check(context);
}

void request_deadlines_add(struct request_deadlines *deadlines, const struct connection *connection)
{
    int64_t most_ns = patience_ns(deadlines, connection->due);

    if (most_ns > 0 && (!deadlines->armed || connection->since_ns + most_ns < deadlines->due_ns)) {
        arm(deadlines, connection->since_ns + most_ns);
    }
}

/* The loop is not woken for nothing. */
void request_deadlines_removed(struct request_deadlines *deadlines)
{
    if (deadlines->armed && TAILQ_EMPTY(&deadlines->connections->due[CONNECTION_FIRST]) &&
        TAILQ_EMPTY(&deadlines->connections->due[CONNECTION_NEXT])) {
        deadlines->armed = false;
        watch_timer_arm(&deadlines->timer, 0);
    }
}

void request_deadlines_expect(struct request_deadlines *deadlines, struct connection *connection,
                              enum connection_due due)
{
    connections_expect(deadlines->connections, connection, due);
    if (due == CONNECTION_NONE) {
        request_deadlines_removed(deadlines);
    } else {
        request_deadlines_add(deadlines, connection);
    }
}

int request_deadlines_begin(struct request_deadlines *deadlines, struct loop *loop,
                            struct connections *connections, struct limits *limits, struct linger_set *linger)
{
    deadlines->connections = connections;
    deadlines->limits = limits;
    deadlines->linger = linger;
    return watch_timer_begin(&deadlines->timer, loop, expired, deadlines);
}

void request_deadlines_end(struct request_deadlines *deadlines)
{
    watch_end(&deadlines->timer.watch);
}
