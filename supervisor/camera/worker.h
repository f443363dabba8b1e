/* SPDX-License-Identifier: MIT */
/*
 * The process side of a camera: one ringcast-ingest worker at a time, from the request for it until it is
 * reaped. The camera's configuration waits in the channel before the worker exists, so the fork server never
 * sees it. Owned by its camera; supervisor's main thread only.
 */
#ifndef SUPERVISOR_CAMERA_WORKER_H
#define SUPERVISOR_CAMERA_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "supervisor/process/fork_server.h"

struct camera;
struct worker;

enum worker_phase {
    WORKER_NONE,      /* no process, none wanted */
    WORKER_WAITING,   /* wanted; the fork server is not ready */
    WORKER_REQUESTED, /* requested from the fork server */
    WORKER_RUNNING,   /* its process id is known */
    WORKER_LOST       /* requested, but the fork server died before it reported the process id; being ended */
};

enum worker_end {
    WORKER_EXITED,     /* it ran and is reaped */
    WORKER_NOT_FORKED, /* it never ran, or could not be taken over */
    WORKER_WAS_LOST    /* lost with the fork server: not a failure of its own */
};

/*
 * Creates the worker of CAMERA, whose name is NAME. FORK_SERVER, which provides its processes, must outlive
 * it. NULL: out of memory.
 */
struct worker *worker_create(struct children *children, struct fork_server *fork_server, const char *name,
                             struct camera *camera);

/* A process that still runs is killed. NULL is allowed. */
void worker_destroy(struct worker *worker);

/*
 * Requests a process that finds MESSAGE (not consumed) with FDS in its channel. Only in phase NONE. 0;
 * negative errno: the phase is still NONE.
 */
int worker_begin(struct worker *worker, const json_t *message, const int *fds, int fd_count);

/*
 * Takes over the process that a ringcastd that was killed had for this camera. True: the phase is RUNNING, or
 * LOST if the process id is not known and the process is being ended. False: there is none.
 */
bool worker_take(struct worker *worker);

/*
 * Ends the process or the request for one; camera_worker_gone follows, at once if there is no process. Does
 * nothing in phase NONE.
 */
void worker_end(struct worker *worker);

/* As child_send. Nothing is sent while no process was asked for. */
int worker_send(struct worker *worker, const json_t *body, const int *fds, int fd_count);

/* Kills a running process; camera_worker_gone follows. */
void worker_kill(struct worker *worker, const char *why);

/* Sends the level to a running process. */
void worker_set_log_level(struct worker *worker, enum log_level level);

/*
 * The last COUNT log lines of the present process, or of the last one; a new array, NULL if there was none.
 */
json_t *worker_lines(const struct worker *worker, size_t count);

/* What the present process uses (child_usage); null: there is none. A new reference. */
json_t *worker_usage(const struct worker *worker);

/* How the last process ended (child_last_exit); NULL: none has. Borrowed. */
const json_t *worker_last_exit(const struct worker *worker);

/* Copies LAST_EXIT, which another ringcastd had for this worker. */
void worker_recall_exit(struct worker *worker, const json_t *last_exit);

enum worker_phase worker_phase(const struct worker *worker);

/* 0 unless running. */
pid_t worker_pid(const struct worker *worker);

/* --- What its camera learns; camera.c has these --------------------------------------------------------- */

/* The requested process runs. */
void camera_worker_begun(struct camera *camera);

/* The process has sent MESSAGE. */
void camera_worker_said(struct camera *camera, const struct channel_message *message);

/* The process has ended, or there was none. PID is its process id, or 0. worker_begin may be called again. */
void camera_worker_gone(struct camera *camera, enum worker_end end, pid_t pid, const char *reason);

#endif
