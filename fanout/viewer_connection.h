/* SPDX-License-Identifier: MIT */
/*
 * From a connection to a viewer, and back: joining a stream, what the viewer says and is told, and how it ends; by WebSocket, as a
 * file over HTTP, or in go2rtc's way (feed/guest.h). Called from libwebsockets' callbacks (server.c); an int is what the callback
 * returns: -1 ends the connection. ringcast-fanout's only thread.
 */
#ifndef FANOUT_VIEWER_CONNECTION_H
#define FANOUT_VIEWER_CONNECTION_H

#include <libwebsockets.h>

struct connection;
struct server;
struct viewer;

/* A WebSocket has been opened. */
int viewer_connection_begin(struct server *server, struct lws *wsi, struct viewer *viewer);

/* The request in WSI has been read: begins the stream that answers it, if one does. */
void viewer_connection_begin_guest(struct server *server, struct lws *wsi);

/* Its socket takes something. */
int viewer_connection_writable(struct viewer *viewer);

/* It has sent LENGTH bytes of DATA, a piece of a message. */
int viewer_connection_received(struct viewer *viewer, const void *data, size_t length);

/* It has sent a close frame with PAYLOAD. */
int viewer_connection_closes(struct viewer *viewer, const void *payload, size_t length);

/* libwebsockets closes it for what it sent. VIEWER may be NULL, or not a viewer. */
void viewer_connection_refused(struct viewer *viewer);

/* The connection is gone; for some more than once. VIEWER may be NULL, or not a viewer. */
void viewer_connection_gone(struct server *server, struct viewer *viewer);

/* Too many are paused, and this one is the next to go. Not from VIEWER's own callback. */
void viewer_connection_close_paused(struct server *server, struct connection *connection,
                                    struct viewer *viewer);

/* Where nothing looks beside libwebsockets at what the clients of files send: looks at all of them. */
void viewer_connections_drain_guests(struct server *server);

#endif
