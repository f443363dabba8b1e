/*
 * The control socket: NNG REP, for ringcastctl, behind a proxy (control_proxy.h). A request is taken out of
 * NNG in the event loop and answered there, at once or, if others must be asked first, later; NNG's threads
 * never run code of ours.
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

/* The reply to REQUEST, a new reference. NULL only when out of memory, or after control_defer. Called on the
 * event loop's thread. */
typedef json_t *(*control_answer)(void *data, const json_t *request);

/*
 * Listens at DIRECTORY/control.sock. The socket is 0600, and peers other than root and our own user are
 * turned away. No stale socket may be there. Errors are logged. 0 or negative errno.
 */
int control_create(sd_event *event, const char *directory, control_answer answer, void *data,
                   struct control **control);

/* Within an answer function: its request is answered by control_reply. NULL: out of memory. */
struct control_ticket *control_defer(struct control *control);

/*
 * Answers with REPLY (consumed; NULL: not at all) and frees the ticket, which must not outlive the control.
 */
void control_reply(struct control_ticket *ticket, json_t *reply);

/*
 * Closes the control socket; its name stays, and so does NNG's socket behind it: only for the end of the
 * process. NULL is allowed.
 */
void control_destroy(struct control *control);

#endif
