/* SPDX-License-Identifier: MIT */
/*
 * The messages of ringcast-password (docs/reference/control.md): with ringcastd over its channel, and with each fan-out over a
 * socket pair that ringcastd hands to both. Owned by main; one thread.
 */
#ifndef PASSWORD_SERVER_H
#define PASSWORD_SERVER_H

struct server;

/* CHANNEL, to ringcastd, stays the caller's. 0 or negative errno. */
int server_create(int channel, struct server **server);
void server_destroy(struct server *server);

/* Serves until ringcastd says `stop` or is gone: 0. Negative errno: it cannot go on. */
int server_run(struct server *server);

#endif
