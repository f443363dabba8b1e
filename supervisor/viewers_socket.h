/* SPDX-License-Identifier: MIT */
/*
 * The listening socket of the viewers in supervisor.listener: opened, or taken over from a ringcastd that was
 * killed, and kept by the keeper for the next one. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_VIEWERS_SOCKET_H
#define SUPERVISOR_VIEWERS_SOCKET_H

#include <stdbool.h>

struct supervisor;

/* Listens on HOST and PORT, and keeps the socket. 0 or negative errno, logged. */
int viewers_socket_open(struct supervisor *supervisor, const char *host, int port);

/*
 * Takes over the socket of a ringcastd that was killed, if the configuration still has its address, and the
 * load board of its fan-outs in any case. False: there is none for this address.
 */
bool viewers_socket_take(struct supervisor *supervisor);

/* Has the keeper keep the socket, which listens on HOST and PORT, and the load board. */
void viewers_socket_keep(struct supervisor *supervisor, const char *host, int port);

#endif
