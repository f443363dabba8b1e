/*
 * One child process: its channel, its life and its end. Started by exec (fan-out, fork server) or adopted
 * when the fork server has forked it (worker). Watched through a pidfd, so a reused process id can never be
 * mistaken for it. Or taken over from a ringcastd that was killed: then it is not our child as the kernel
 * sees it, and its exit code stays unknown. Whatever a next ringcastd would need to take it over is kept
 * (fd_store.h) under its name. It carries a black box (blackbox.h): one that breaks its promise to beat is
 * killed. Owned by its creator; supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_CHILD_H
#define SUPERVISOR_PROCESS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipc/channel.h"
#include "supervisor/process/children.h"

/*
 * A child that was told to end and has not after this time is killed: well inside the 5 s that a stop may
 * take. The daemon tests are built with less.
 */
#ifndef CHILD_END_MS
#define CHILD_END_MS 2000
#endif

struct child;

struct child_handlers {
    /* A message came. Must not destroy the child. What is not taken out of the message is freed. */
    void (*message)(void *owner, const struct channel_message *message);
    /*
     * The process is gone and reaped; REASON says why in words. The last call: the owner destroys the child.
     */
    void (*exited)(void *owner, const char *reason);
};

/*
 * A child without a process yet. NAME ("ingest[front]") is for log lines and copied. *FAR_END is the
 * process's end of the channel, the caller's to hand over and to close. 0 or negative errno.
 */
int child_create(struct children *children, const char *name, const struct child_handlers *handlers,
                 void *owner, struct child **child, int *far_end);

/* Forgets the child. A process that still runs is killed and reaped as an orphan. NULL is allowed. */
void child_destroy(struct child *child);

/* Forgets a process that was taken over, and leaves it as it is. */
void child_leave(struct child *child);

/*
 * Takes a running process over from a ringcastd that was killed: everything in RECORD. FAR_END is not needed.
 */
int child_take(struct children *children, const char *name, const struct child_handlers *handlers,
               void *owner, struct fd_record *record, struct child **child);

/* The same for the keeper, which is found by its socket: CHANNEL is connected with it. Both are taken over if
 * it is 0. */
int child_meet(struct children *children, const char *name, const struct child_handlers *handlers,
               void *owner, pid_t pid, int pidfd, int channel, struct child **child);

/* Starts ARGV[0] with FAR_END as its channel. 0 or negative errno. */
int child_exec(struct child *child, char *const argv[], int far_end);

/* PID is the child's process. -ECHILD: it is not a child of ringcastd. Other negative errno. */
int child_adopt(struct child *child, pid_t pid);

/*
 * The process id of this child will never be known (the fork server died between fork and answer). Its
 * channel is shut, which makes it end; `exited` follows when it has, and after CHILD_END_MS at the latest.
 */
void child_abandon(struct child *child);

/* Log lines about the process are about CAMERA; copied. */
void child_set_camera(struct child *child, const char *camera);

/* 0 while there is no process. */
pid_t child_pid(const struct child *child);

/* The last COUNT lines that the process logged; a new array. Also in and after `exited`. */
json_t *child_lines(const struct child *child, size_t count);

/*
 * How the process ended, for a status: {"reason", "at" (seconds since 1970), "log" (its last lines, cut)}.
 * REASON is what `exited` was given. A new object; NULL: out of memory.
 */
json_t *child_last_exit(const struct child *child, const char *reason);

/*
 * Sends BODY (not consumed) and FDS (duplicated if they must wait) after everything sent before. A child that
 * takes nothing for OUTBOX_STUCK_MS is killed. 0, also if the child is gone already (`exited` will follow);
 * -EMSGSIZE, -ENOMEM, -EMFILE, -ENOBUFS: over OUTBOX_MAX messages wait.
 */
int child_send(struct child *child, const json_t *body, const int *fds, int fd_count);

/* As outbox_send_newest. */
int child_send_newest(struct child *child, const char *key, const json_t *body, const int *fds, int fd_count);

/* True while messages wait to be taken. */
bool child_is_behind(const struct child *child);

/*
 * Tells it to end: SIGTERM, and SIGKILL after CHILD_END_MS. A child without process id sees its channel end.
 */
void child_end(struct child *child);

/*
 * A channel without process id, of a ringcastd that was killed before it learned it: the process that holds
 * its other end sees it end.
 */
bool child_is_nameless(const struct child *child);

/* SIGKILL now. WHY ("took no messages for 5 s") becomes the reason that `exited` gives. */
void child_kill(struct child *child, const char *why);

#endif
