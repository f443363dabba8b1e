/* SPDX-License-Identifier: MIT */
/*
 * Refuses a request before it is read, because it grows too large or its time is over, and takes the size of those that are
 * read. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_UNREAD_REQUEST_H
#define FANOUT_HTTP_UNREAD_REQUEST_H

#include <libwebsockets.h>

#include "fanout/loop/connections.h"
#include "fanout/loop/linger.h"

/*
 * Bytes that have come on CONNECTION since the last request was read: of the present request's line and headers, if the
 * client waits for answers, and of its body.
 */
uint64_t unread_request_size(const struct connection *connection);

/* True unless a TLS handshake is under way: what comes is a request's, and an answer can be sent. */
bool unread_request_is_plain(const struct connection *connection);

/* The present request has been read. */
void unread_request_done(struct connection *connection);

/*
 * Closes CONNECTION, of which a part of a request may have come. The client is told STATUS, as far as the connection takes it
 * at once. Not from CONNECTION's own callback.
 */
void unread_request_refuse(struct connection *connection, int status, struct linger_set *linger);

#endif
