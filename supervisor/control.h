/*
 * The control socket: NNG REP at ipc://<runtime_dir>/control.sock, for ringcastctl. A request is taken out of
 * NNG and answered in the event loop, one at a time; NNG's threads never run code of ours but the check of
 * who connects.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <systemd/sd-event.h>

/* Name of the socket in the run-time directory. */
#define CONTROL_SOCKET_NAME "control.sock"

struct control;

/* The reply to REQUEST, a new reference. NULL only when out of memory. Called on the event loop's thread. */
typedef json_t *(*control_answer)(void *data, const json_t *request);

/*
 * Listens at URL ("ipc://…"). The socket is 0600, and peers other than root and our own user are turned away.
 * No stale socket may be there. URL must outlive the control socket. Errors are logged. 0 or negative errno.
 */
int control_create(sd_event *event, const char *url, control_answer answer, void *data,
                   struct control **control);

/* Closes the socket. NULL is allowed. */
void control_destroy(struct control *control);

#endif
