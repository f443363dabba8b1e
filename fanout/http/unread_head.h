/* SPDX-License-Identifier: MIT */
/*
 * Shows the heads of requests before libwebsockets reads them, and holds what has come of one back until the rest is there,
 * because libwebsockets decides on a WebSocket in the moment in which it has read its head. Without TLS the kernel keeps the
 * bytes meanwhile (MSG_PEEK, SO_RCVLOWAT). With TLS one record can be seen at a time (SSL_peek(3)): libwebsockets reads it then,
 * and what it was of a head is remembered.
 *
 * Not seen are heads that come in one packet behind other requests and are not whole then, those of a client that sends no more,
 * and those longer than UNREAD_HEAD_MAX. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_UNREAD_HEAD_H
#define FANOUT_HTTP_UNREAD_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"

#define UNREAD_HEAD_MAX LIMITS_HEADER_ROOM

enum unread_head {
    UNREAD_HEAD_READ, /* libwebsockets may read what is there */
    UNREAD_HEAD_PART, /* more must come first, which is told like anything that comes */
    UNREAD_HEAD_HELD, /* TAKE wants libwebsockets to wait */
};

/*
 * Told of HEAD, a whole head of LENGTH bytes that has come on CONNECTION. True: libwebsockets is not to read it yet. The text is
 * overwritten afterwards.
 */
typedef bool unread_head_taker(void *context, struct connection *connection, const char *head, size_t length);

/*
 * Something has come on CONNECTION, from which requests are to come. ALL: also requests that cannot be for a WebSocket are held
 * back until they are whole.
 */
enum unread_head unread_head_look(struct connection *connection, bool all, unread_head_taker *take,
                                  void *context);

/*
 * True if bytes that were shown have left CONNECTION's socket and were not read by libwebsockets yet. Nothing tells it of them
 * if it was busy otherwise.
 */
bool unread_head_is_seen(const struct connection *connection);

/* What has come on CONNECTION is told of as usual again. While it is open. */
void unread_head_let_go(struct connection *connection);

/* CONNECTION has ended, or no head is to come on it any more. */
void unread_head_forget(struct connection *connection);

#endif
