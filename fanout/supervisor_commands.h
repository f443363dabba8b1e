/* SPDX-License-Identifier: MIT */
/*
 * Obeys what ringcastd sends on the channel (docs/reference/control.md, "ringcastd ↔ fan-out").
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_SUPERVISOR_COMMANDS_H
#define FANOUT_SUPERVISOR_COMMANDS_H

struct server;

/* Begins to receive on CHANNEL, which the server's link owns from now on. 0 or negative errno. */
int supervisor_commands_begin(struct server *server, int channel);

#endif
