/* SPDX-License-Identifier: MIT */
/*
 * Opens the viewers' listening socket. It belongs to ringcastd, which gives it to the fan-outs, so
 * connections wait in its backlog while a fan-out is replaced. Any thread.
 */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

/* "https://[" + address with scope + "]:65535/". */
#define LISTEN_URL_SIZE 96

/*
 * Listens on HOST (numeric, without brackets) and PORT (0: any). *FD is non-blocking and close-on-exec; URL
 * gets the address with the port that it got. 0 or negative errno.
 */
int listen_open(const char *host, int port, int *fd, char url[LISTEN_URL_SIZE]);

/*
 * True if the socket that URL describes, as listen_open did, listens on HOST and PORT, which a socket of port 0 does on the port
 * that it got.
 */
bool listen_is_at(const char *url, const char *host, int port);

/* Sets the scheme of URL to https if TLS, otherwise to http, and leaves the rest. */
void listen_set_scheme(char url[LISTEN_URL_SIZE], bool tls);

/* Logs why ringcastd cannot listen on HOST and PORT, and what to do. ERROR: the result of listen_open. */
void listen_explain(int error, const char *host, int port);

#endif
