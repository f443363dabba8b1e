/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket with several cameras: subscriptions come and go, each with a right of its own, and what happens to one is told with its
 * number (docs/reference/websocket.md). Part of viewer_connection.h, which hears from libwebsockets. ringcast-fanout's only thread.
 */
#ifndef FANOUT_BUNDLE_CONNECTION_H
#define FANOUT_BUNDLE_CONNECTION_H

#include <stdint.h>

#include "fanout/http/bundle_command.h"

struct server;
struct viewer;

/* Subscriptions of one socket at a time. */
#define BUNDLE_SUBSCRIPTIONS_MAX 512u

/* A subscription that is asked for wrongly ends with this; all others with the codes of streams of their own (docs/reference/http.md). */
#define BUNDLE_CLOSE_WRONG 4400

/* SOCKET, which has been made a viewer (viewer_init), is to have a bundle. What libwebsockets' callback returns. */
int bundle_connection_begin(struct server *server, struct viewer *socket);

/* Its client has said COMMAND. What libwebsockets' callback returns. */
int bundle_connection_obey(struct server *server, struct viewer *socket,
                           const struct bundle_command *command);

/* The socket takes something, and nothing waits in it. What libwebsockets' callback returns. */
int bundle_connection_writable(struct server *server, struct viewer *socket);

/* The socket is gone: all subscriptions and the bundle are freed. */
void bundle_connection_gone(struct server *server, struct viewer *socket);

/* Begins to close SOCKET with CODE and REASON; its subscriptions end without a word. */
void bundle_connection_close(struct viewer *socket, uint16_t code, const char *reason);

#endif
