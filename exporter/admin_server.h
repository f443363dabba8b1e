/* SPDX-License-Identifier: MIT */
/*
 * The admin plane over HTTP: /metrics, /healthz, /readyz. It only reads: all that it serves comes from
 * ringcastd over the channel, and requests that come at the same time share one status. One thread.
 */
#ifndef EXPORTER_ADMIN_SERVER_H
#define EXPORTER_ADMIN_SERVER_H

struct admin_server;

/*
 * Answers the requests that come to LISTENER with the status that ringcastd sends over CHANNEL. The server
 * owns LISTENER, also after an error; the caller keeps CHANNEL. 0; -ENOMEM; -EIO: the HTTP library does not
 * start.
 */
int admin_server_create(int channel, int listener, struct admin_server **server);

/* NULL is allowed. */
void admin_server_destroy(struct admin_server *server);

/* Runs until the channel ends or the message `stop` comes. 0 or negative errno. */
int admin_server_run(struct admin_server *server);

#endif
