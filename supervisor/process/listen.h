/*
 * The viewers' listening socket. It belongs to ringcastd and is handed to fan-outs, so connections wait in
 * its backlog while a fan-out is replaced. Any thread.
 */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

/* "https://[" + address with scope + "]:65535/". */
#define LISTEN_URL_SIZE 96

/*
 * Listens on HOST (numeric, without brackets) and PORT (0: any). *FD is non-blocking and close-on-exec; URL
 * says where it really listens. 0 or negative errno.
 */
int listen_open(const char *host, int port, int *fd, char url[LISTEN_URL_SIZE]);

/* Makes URL one of https, if TLS, or of http; of the rest nothing changes. */
void listen_set_scheme(char url[LISTEN_URL_SIZE], bool tls);

/* Logs why HOST and PORT cannot be listened on and what to do. */
void listen_explain(int error, const char *host, int port);

#endif
