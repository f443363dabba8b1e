/* SPDX-License-Identifier: MIT */
/*
 * Log-ins at cameras: decides by the ledger (login_ledger.h) when the workers of all streams may log in. The
 * ledger is kept in a file of the state directory, so that no restart of any process makes a camera lock an
 * account. A worker asks with `login-ask` before it sends credentials over a connection on which they have
 * not worked yet, and reports the outcome with `login-result` (docs/reference/control.md). Owned by the
 * supervisor; its main thread only.
 */
#ifndef SUPERVISOR_CAMERA_LOGINS_H
#define SUPERVISOR_CAMERA_LOGINS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/config/camera_task.h"

struct logins;

/* One stream: a camera's main or sub stream. */
struct login_client;

/*
 * Reads <STATE_DIR>/<INSTANCE>.logins.json; STATE_DIR NULL: nothing is kept. A file that cannot be understood
 * is put aside and logged, and nothing is known then. 0; -EPERM, -ENOTDIR: the directory cannot be used,
 * logged; -ENOMEM.
 */
int logins_open(const char *state_dir, const char *instance, struct logins **logins);

/* All clients have left. NULL is allowed. */
void logins_close(struct logins *logins);

/*
 * STREAM (copied) logs in as TASK says. SEND(DATA, MESSAGE) gives a message (borrowed) to its worker. NULL:
 * out of memory.
 */
struct login_client *logins_join(struct logins *logins, const char *stream, const struct camera_task *task,
                                 void (*send)(void *data, const json_t *message), void *data);
void logins_leave(struct login_client *client); /* NULL is allowed */

/*
 * The settings changed. If the credentials or the host did, what the present worker still says of the old
 * ones is not listened to, and the new ones are not held.
 */
void logins_set(struct login_client *client, const struct camera_task *task);

/* The operator wants another try: what holds these credentials ends, for all streams of the host. */
void logins_lift(struct login_client *client);

/* The member `login` of a new worker's task. NULL: there are no credentials, or there is no memory. */
json_t *logins_describe(struct login_client *client);

/* Takes a message of the worker. False: it is not about log-ins. */
bool logins_said(struct login_client *client, const json_t *message);

/*
 * Whether a log-in is under way. The caller keeps it for a next ringcastd, which passes it to
 * logins_taken_over when it takes the worker over: that worker may be held, and waits for an answer.
 */
bool logins_pending(const struct login_client *client);
void logins_taken_over(struct login_client *client, bool pending);

/* The worker has ended. */
void logins_gone(struct login_client *client);

#endif
