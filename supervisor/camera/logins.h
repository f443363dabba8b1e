/*
 * Log-ins at cameras: what the workers of all streams are told of them, by the ledger (login_ledger.h), which is kept in a
 * file of the state directory, so that no restart of anything makes a camera lock an account. A worker asks with
 * `login-ask` before it sends credentials over a connection on which they have not worked yet, and tells the outcome with
 * `login-result`; docs/reference/control.md has the messages. Owned by the supervisor; its main thread only.
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
 * Reads <STATE_DIR>/<INSTANCE>.logins.json; STATE_DIR NULL: nothing is kept. A file that cannot be understood is put
 * aside and logged, and nothing is known then. 0; -EPERM, -ENOTDIR: the directory cannot be used, logged; -ENOMEM.
 */
int logins_open(const char *state_dir, const char *instance, struct logins **logins);

/* All clients have left. NULL is allowed. */
void logins_close(struct logins *logins);

/*
 * STREAM (copied) logs in as TASK says. SEND(DATA, MESSAGE) gives a message (borrowed) to its worker. NULL: out of memory.
 */
struct login_client *logins_join(struct logins *logins, const char *stream, const struct camera_task *task,
                                 void (*send)(void *data, const json_t *message), void *data);
void logins_leave(struct login_client *client); /* NULL is allowed */

/*
 * The settings changed. If the credentials or the host did, what the present worker still says of the old ones is not
 * listened to, and the new ones are not held.
 */
void logins_set(struct login_client *client, const struct camera_task *task);

/* The operator wants another try: what holds these credentials ends, for all streams of the host. */
void logins_lift(struct login_client *client);

/* What a worker must know when it begins: the member `login` of its task. NULL: there are no credentials, or no memory. */
json_t *logins_describe(struct login_client *client);

/* What the worker said. False: it is not about log-ins. */
bool logins_said(struct login_client *client, const json_t *message);

/*
 * Whether a log-in is under way. It is for whoever keeps what a next ringcastd must know; one that takes the worker over
 * says whether it was. That worker may be held, and waits for news.
 */
bool logins_pending(const struct login_client *client);
void logins_taken_over(struct login_client *client, bool pending);

/* The worker is gone. */
void logins_gone(struct login_client *client);

#endif
