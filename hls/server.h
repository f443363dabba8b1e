/* SPDX-License-Identifier: MIT */
/*
 * ringcast-hls: the questions of the fan-outs, each for its camera's presentation. Owned by main; one thread.
 */
#ifndef HLS_SERVER_H
#define HLS_SERVER_H

struct server;

/* CHANNEL, to ringcastd, stays the caller's. 0 or negative errno. */
int server_create(int channel, struct server **made);
void server_destroy(struct server *server);

/* Serves until ringcastd says `stop` or is gone: 0. Negative errno: it cannot go on. */
int server_run(struct server *server);

#endif
