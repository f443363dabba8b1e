/* SPDX-License-Identifier: MIT */
/*
 * The control socket: NNG REP, for ringcastctl, behind a proxy (control_proxy.h). A request is received and
 * answered in the event loop, at once, or later if fan-outs must be asked first. NNG's threads never run code
 * of ours.
 */
#ifndef SUPERVISOR_CONTROL_CONTROL_H
#define SUPERVISOR_CONTROL_CONTROL_H

#include <jansson.h>
#include <systemd/sd-event.h>

/* Names in the run-time directory: of the control socket, and of NNG's own behind the proxy. */
#define CONTROL_SOCKET_NAME "control.sock"
#define CONTROL_INNER_NAME "control.nng"

struct control;

/* A request that is answered later. */
struct control_ticket;

/*
 * Returns the reply to REQUEST, a new reference; NULL after control_defer, or if there is no memory. Called
 * on the event loop's thread.
 */
typedef json_t *(*control_answer)(void *data, const json_t *request);

/*
 * Listens at DIRECTORY/control.sock. The socket has mode 0600, and peers other than root and our own user are
 * refused. No old socket may be there. 0 or negative errno, logged.
 */
int control_create(sd_event *event, const char *directory, control_answer answer, void *data,
                   struct control **control);

/* Call it in an answer function to answer its request later, with control_reply. NULL: out of memory. */
struct control_ticket *control_defer(struct control *control);

/*
 * Answers with REPLY (consumed; NULL: not at all) and frees the ticket, which must not outlive the control.
 */
void control_reply(struct control_ticket *ticket, json_t *reply);

/*
 * Closes the control socket at the end of the process. Its name and NNG's socket behind it stay. NULL is
 * allowed.
 */
void control_destroy(struct control *control);

#endif
