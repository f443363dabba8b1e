/* SPDX-License-Identifier: MIT */
/*
 * One child process: its channel, its life and its end. It is started by exec (fan-out, fork server), adopted
 * when the fork server has forked it (worker), or taken over from a ringcastd that was killed. A process that
 * was taken over is not a child of ringcastd for the kernel, so its exit code stays unknown. All are watched
 * through a pidfd, so that a reused process id is never mistaken for them. What a next ringcastd needs to
 * take the process over is kept under its name (fd_store.h). It has a black box (blackbox.h), and is killed
 * when its heartbeat is overdue. Owned by its creator; supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_CHILD_H
#define SUPERVISOR_PROCESS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipc/channel.h"
#include "supervisor/process/children.h"

/*
 * A child that has not ended this long after SIGTERM is killed. This is well within the 5 s that a stop may
 * take. The daemon tests are built with less.
 */
#ifndef CHILD_END_MS
#define CHILD_END_MS 2000
#endif

struct child;

struct child_handlers {
    /*
     * A message has come. The handler must not destroy the child. What it does not take out of MESSAGE is
     * freed.
     */
    void (*message)(void *owner, const struct channel_message *message);
    /*
     * The process has ended and is reaped; REASON says why in words. The last call: the owner destroys the
     * child.
     */
    void (*exited)(void *owner, const char *reason);
};

/*
 * Creates a child that has no process yet. NAME ("ingest[front]") is for log lines and is copied. *FAR_END is
 * the process's end of the channel, which the caller hands over and closes. 0 or negative errno.
 */
int child_create(struct children *children, const char *name, const struct child_handlers *handlers,
                 void *owner, struct child **child, int *far_end);

/* Frees the child. A process that still runs is killed and reaped as an orphan. NULL is allowed. */
void child_destroy(struct child *child);

/* Frees a child that was taken over, and leaves its process as it is. */
void child_leave(struct child *child);

/*
 * Takes a running process over from a ringcastd that was killed: everything in RECORD. FAR_END is not needed.
 */
int child_take(struct children *children, const char *name, const struct child_handlers *handlers,
               void *owner, struct fd_record *record, struct child **child);

/*
 * The same for the keeper, which is found by its socket: CHANNEL is connected to it. On 0 PIDFD and CHANNEL
 * belong to the child.
 */
int child_meet(struct children *children, const char *name, const struct child_handlers *handlers,
               void *owner, pid_t pid, int pidfd, int channel, struct child **child);

/* Starts ARGV[0] with FAR_END as its channel. 0 or negative errno. */
int child_exec(struct child *child, char *const argv[], int far_end);

/* Makes PID the child's process. 0; -ECHILD: it is not a child of ringcastd; other negative errno. */
int child_adopt(struct child *child, pid_t pid);

/*
 * Gives up a child whose process id will never be known, because the fork server died between fork and
 * answer. Its channel is shut, which makes the process end; `exited` follows then, and after CHILD_END_MS at
 * the latest.
 */
void child_abandon(struct child *child);

/* Has log lines about the process name CAMERA, which is copied. */
void child_set_camera(struct child *child, const char *camera);

/* 0 while there is no process. */
pid_t child_pid(const struct child *child);

/* The last COUNT lines that the process logged; a new array. It may be called in and after `exited`, too. */
json_t *child_lines(const struct child *child, size_t count);

/* What the process uses (blackbox_usage). A new reference. */
json_t *child_usage(const struct child *child);

/*
 * How the process ended, for the status: {"reason", "at" (seconds since 1970), "log" (its last lines,
 * shortened)}. REASON is that of `exited`. A new object; NULL: out of memory.
 */
json_t *child_last_exit(const struct child *child, const char *reason);

/*
 * Sends BODY (not consumed) and FDS (duplicated if they must wait) after everything that was sent before. A
 * child that takes nothing for OUTBOX_STUCK_MS is killed. 0, also if the process has ended already (`exited`
 * follows); -EMSGSIZE; -ENOMEM; -EMFILE; -ENOBUFS: more than OUTBOX_MAX messages wait.
 */
int child_send(struct child *child, const json_t *body, const int *fds, int fd_count);

/* As outbox_send_newest. */
int child_send_newest(struct child *child, const char *key, const json_t *body, const int *fds, int fd_count);

/* True while messages wait for the process to take them. */
bool child_is_behind(const struct child *child);

/* How many. */
size_t child_waiting(const struct child *child);

/*
 * Ends the process with SIGTERM, and with SIGKILL after CHILD_END_MS. If its process id is not known, its
 * channel is shut instead.
 */
void child_end(struct child *child);

/*
 * True if a killed ringcastd left the child's channel but had not learned the process id. Shutting the
 * channel then makes the process end.
 */
bool child_is_nameless(const struct child *child);

/* Kills the process now. WHY ("took no messages for 5 s") becomes the reason of `exited`. */
void child_kill(struct child *child, const char *why);

#endif
