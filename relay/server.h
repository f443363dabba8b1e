/* SPDX-License-Identifier: MIT */
/*
 * ringcast-relay as a whole: ringcastd's cameras and settings, the link to NATS, what goes up and what comes down. Owned by main; one thread beside
 * those of NATS's library.
 */
#ifndef RELAY_SERVER_H
#define RELAY_SERVER_H

struct server;

/* CHANNEL, to ringcastd, stays the caller's. 0 or negative errno. */
int server_create(int channel, struct server **made);

/* Serves until ringcastd says `stop` or is gone: 0. Negative errno: it cannot go on. */
int server_run(struct server *server);

/* NULL is allowed. */
void server_destroy(struct server *server);

#endif
