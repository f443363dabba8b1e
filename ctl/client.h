/* SPDX-License-Identifier: MIT */
/*
 * A connection to ringcastd's control socket (docs/reference/control.md), over NNG. One request at a time,
 * from one thread. A request is sent once: it is not repeated when the connection breaks, because the next
 * ringcastd to listen there did not ask for it. Failures are printed on standard error and returned as exit
 * status.
 *
 * A program opens one client and leaves NNG's resources to the end of the process: nng_close and nng_fini of
 * NNG 1.5.2 leak or wait for ever if the peer goes away at that moment.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <sys/types.h>

#include "ctl/options.h"

struct client;

/* What a client does when its ringcastd has ended. */
enum client_life {
    CLIENT_OF_ONE,   /* nothing: its later requests fail */
    CLIENT_OF_EVERY, /* it connects to the next ringcastd that listens at its URL */
};

/* URL ("ipc://…") must outlive the client. On EXIT_CODE_OK the caller frees *client with client_free. */
enum exit_code client_open(const char *url, enum client_life life, struct client **client);

/* NULL is allowed. */
void client_free(struct client *client);

/* Checks without a request whether a ringcastd answers at the client's URL; prints an error if none does. */
enum exit_code client_probe(const struct client *client);

/*
 * Sends REQUEST (consumed) and waits for the reply, which may be any well-formed message. The caller frees
 * *reply with json_decref.
 */
enum exit_code client_ask(struct client *client, json_t *request, json_t **reply);

/* Id of the process that sent the last reply, as the kernel reports it; 0: it is not visible from here. */
pid_t client_peer(const struct client *client);

/* Prints that no ringcastd answers at URL, and what to do; ERROR is the result of probe_socket. */
enum exit_code client_unreachable(const char *url, int error);

/* Prints "ringcastctl: …" on standard error with control characters escaped. */
void client_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
