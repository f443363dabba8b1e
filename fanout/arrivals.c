/* SPDX-License-Identifier: MIT */
#include "fanout/arrivals.h"

#include <libwebsockets.h>

#include "fanout/http/raw_head.h"
#include "fanout/http/unread_head.h"
#include "fanout/http/unread_request.h"
#include "fanout/loop/watch.h"
#include "fanout/server.h"

static bool take_head(void *context, struct connection *connection, const char *head, size_t length)
{
    struct arrivals *arrivals = context;

    connection->is_folded = connection->is_folded || raw_head_has_folds(head, length);
    return !connection->is_folded &&
           gate_ask_early(arrivals->gate, connection, arrivals->policy, head, length);
}

/*
 * libwebsockets does not read in this turn of the loop, in which it would, and does not take the connection for idle
 * (request_deadlines.h has its time).
 */
static void skip_turn(struct lws *wsi)
{
    lws_rx_flow_control(wsi, 0);
    lws_rx_flow_control(wsi, 1);
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, REQUEST_DEADLINES_LONGEST_S);
}

/* ---- What was seen over TLS ---- */

static void leave_seen(struct arrivals *arrivals, struct connection *connection)
{
    if (connection->is_seen) {
        connection->is_seen = false;
        TAILQ_REMOVE(&arrivals->seen, connection, of_seen);
        if (TAILQ_EMPTY(&arrivals->seen)) {
            watch_turn_end(&arrivals->turn);
        }
    }
}

static void enter_seen(struct arrivals *arrivals, struct connection *connection)
{
    if (!connection->is_seen && unread_head_is_seen(connection)) {
        if (TAILQ_EMPTY(&arrivals->seen)) {
            watch_turn_begin(&arrivals->turn);
        }
        connection->is_seen = true;
        TAILQ_INSERT_TAIL(&arrivals->seen, connection, of_seen);
    }
}

/* libwebsockets is told again and again, because while it sends an answer it does not read. */
static void tell_of_seen(void *context)
{
    struct arrivals *arrivals = context;
    struct connection *connection, *next;

    for (connection = TAILQ_FIRST(&arrivals->seen); connection; connection = next) {
        next = TAILQ_NEXT(connection, of_seen);
        if (unread_head_is_seen(connection)) {
            watch_again(&connection->arrivals);
        } else {
            leave_seen(arrivals, connection);
        }
    }
}

/* ---- All that comes ---- */

/* Its time to come is over: from now on the gate's patience counts. */
static void hold(struct arrivals *arrivals, struct connection *connection)
{
    lws_rx_flow_control(connection->wsi, 0);
    arrivals_leave(arrivals, connection);
    request_deadlines_expect(arrivals->deadlines, connection, CONNECTION_NONE);
}

static void look_at_head(struct arrivals *arrivals, struct connection *connection)
{
    bool all = gate_believes_proxy(arrivals->gate, arrivals->policy, &connection->peer);

    switch (unread_head_look(connection, all, take_head, arrivals)) {
    case UNREAD_HEAD_READ:
        enter_seen(arrivals, connection);
        break;
    case UNREAD_HEAD_PART:
        skip_turn(connection->wsi);
        break;
    case UNREAD_HEAD_HELD:
        hold(arrivals, connection);
        break;
    }
}

static bool is_too_large(const struct arrivals *arrivals, const struct connection *connection)
{
    unsigned most = arrivals->limits->max[LIMIT_HEADER_BYTES];

    return most > 0 && unread_request_size(connection) > most;
}

/* libwebsockets is told after this. */
static void arrived(void *context)
{
    struct connection *connection = context;
    struct server *server = lws_context_user(lws_get_context(connection->wsi));
    struct arrivals *arrivals = &server->arrivals;

    if (connection->is_ended || !unread_request_is_plain(connection)) {
        return;
    }
    if (is_too_large(arrivals, connection)) {
        limits_count(arrivals->limits, LIMIT_HEADER_BYTES, &connection->peer);
        unread_request_refuse(connection, limits_status(LIMIT_HEADER_BYTES), arrivals->linger);
    } else if (gate_is_on(arrivals->gate)) {
        look_at_head(arrivals, connection);
        if (connection->is_folded) {
            unread_request_refuse(connection, 400, arrivals->linger);
        }
    }
}

void arrivals_begin(struct arrivals *arrivals)
{
    TAILQ_INIT(&arrivals->seen);
    watch_turn_init(&arrivals->turn, arrivals->loop, tell_of_seen, arrivals);
}

void arrivals_end(struct arrivals *arrivals)
{
    watch_turn_end(&arrivals->turn);
}

void arrivals_expect(struct arrivals *arrivals, struct connection *connection)
{
    watch_beside(&connection->arrivals, arrivals->loop, lws_get_socket_fd(connection->wsi), arrived,
                 connection);
}

void arrivals_leave(struct arrivals *arrivals, struct connection *connection)
{
    leave_seen(arrivals, connection);
    watch_leave(&connection->arrivals);
    unread_head_forget(connection);
}

void arrivals_go_on(struct arrivals *arrivals, struct connection *connection)
{
    arrivals_expect(arrivals, connection);
    request_deadlines_expect(arrivals->deadlines, connection, CONNECTION_NEXT);
    lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
    lws_rx_flow_control(connection->wsi, 1);
    enter_seen(arrivals, connection);
}
