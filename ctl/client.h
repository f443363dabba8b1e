/*
 * A connection to ringcastd's control socket (docs/reference/control.md), over NNG. One request at a time,
 * from one thread. A request is sent once: it is not repeated when the connection breaks, because the next
 * ringcastd to listen there did not ask for it. Failures are printed on standard error and returned as exit
 * status.
 *
 * A program opens one client, and NNG is left to the end of the process: nng_close and nng_fini of 1.5.2 leak
 * or wait for ever if the peer goes at that moment.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <sys/types.h>

#include "ctl/options.h"

struct client;

/* What becomes of a client whose ringcastd has ended. */
enum client_life {
    CLIENT_OF_ONE,   /* it is of no more use */
    CLIENT_OF_EVERY, /* it connects to the next one */
};

/* URL ("ipc://…") must outlive the client. On EXIT_CODE_OK *client is to be freed with client_free. */
enum exit_code client_open(const char *url, enum client_life life, struct client **client);

/* NULL is allowed. */
void client_free(struct client *client);

/* Whether somebody answers at the client's URL, without a request; says so if not. */
enum exit_code client_greet(const struct client *client);

/*
 * Sends REQUEST (consumed) and waits for the reply: any well-formed message. *reply is to be freed with
 * json_decref.
 */
enum exit_code client_ask(struct client *client, json_t *request, json_t **reply);

/* Process id of whoever gave the last reply, as the kernel knows it; 0: it is not visible from here. */
pid_t client_peer(const struct client *client);

/* Says that nobody answers at URL, and what to do; ERROR is that of greet(). */
enum exit_code client_unreachable(const char *url, int error);

/* Prints "ringcastctl: …" on standard error with control characters escaped. */
void client_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
