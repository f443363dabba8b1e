/* SPDX-License-Identifier: MIT */
/*
 * The questions for pictures, and the answers (docs/reference/control.md, "Programs on demand"). Owned by main; one thread.
 */
#ifndef SNAPSHOT_SERVER_H
#define SNAPSHOT_SERVER_H

#include "common/program/program.h"

struct server;

/* CHANNEL, to ringcastd, stays the caller's. 0 or negative errno. */
int server_create(int channel, struct server **server);
void server_destroy(struct server *server);

/* Serves until ringcastd says `stop` or is gone: 0. Negative errno: it cannot go on. */
int server_run(struct server *server);

#endif
