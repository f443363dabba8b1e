/* SPDX-License-Identifier: MIT */
/*
 * ringcast-rtsp itself: what ringcastd says of cameras, settings and who may watch comes to the streams and the log-in, and connections come
 * to the RTSP server. Owned by main; main thread only. Clients have threads of their own (door/client.h), which come in by client_handlers.
 */
#ifndef RTSP_SERVER_H
#define RTSP_SERVER_H

struct server;

/* Before the sandbox is entered. CHANNEL, to ringcastd, stays the caller's. 0 or negative errno. */
int server_create(int channel, struct server **made);
/* NULL is allowed. */
void server_destroy(struct server *server);

/* Serves until ringcastd says `stop` or is gone: 0. Negative errno: it cannot go on. */
int server_run(struct server *server);

#endif
