/*
 * The process side of a camera: one ringcast-ingest worker at a time, from the request for it until it is
 * reaped. The camera's configuration waits in the channel before the worker exists, so the fork
 * server never sees it. Owned by its camera; supervisor's main thread only.
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
    WORKER_WAITING,   /* wanted; the fork server is away */
    WORKER_REQUESTED, /* the fork server was asked */
    WORKER_RUNNING,   /* its process id is known */
    WORKER_LOST /* asked for, but the fork server died before it said which process it is; being ended */
};

enum worker_end {
    WORKER_EXITED,     /* it ran and is reaped */
    WORKER_NOT_FORKED, /* it never ran, or could not be taken over */
    WORKER_WAS_LOST    /* lost with the fork server: not its own fault */
};

/*
 * Of CAMERA, called NAME; processes are asked of FORK_SERVER, which outlives the worker. NULL: out of memory.
 */
struct worker *worker_create(struct children *children, struct fork_server *fork_server, const char *name,
                             struct camera *camera);

/* A process that still runs is killed. NULL is allowed. */
void worker_destroy(struct worker *worker);

/*
 * Requests a worker that finds MESSAGE (not consumed) with FDS in its channel. Only in phase NONE.
 * 0, or negative errno and the phase is still NONE.
 */
int worker_begin(struct worker *worker, const json_t *message, const int *fds, int fd_count);

/*
 * Takes the worker over that a ringcastd that was killed had for this camera. True: there is one (RUNNING),
 * or the process id of one is not known and it is being ended (LOST). False: none.
 */
bool worker_take(struct worker *worker);

/*
 * Ends the process, or the request for one; `gone` follows, at once if there is no process. Nothing happens
 * in phase NONE.
 */
void worker_end(struct worker *worker);

/* As child_send. Nothing is sent while no process was asked for. */
int worker_send(struct worker *worker, const json_t *body, const int *fds, int fd_count);

/* Kills a running process; `gone` follows. */
void worker_kill(struct worker *worker, const char *why);

/* Tells a running worker. */
void worker_set_log_level(struct worker *worker, enum log_level level);

/*
 * The last COUNT log lines of the present process, or of the last one; a new array, NULL if there was none.
 */
json_t *worker_lines(const struct worker *worker, size_t count);

/* How the last process ended (child_last_exit); NULL: none has. Borrowed. */
const json_t *worker_last_exit(const struct worker *worker);

/* Takes a copy of what another ringcastd knew of it. */
void worker_recall_exit(struct worker *worker, const json_t *last_exit);

enum worker_phase worker_phase(const struct worker *worker);

/* 0 unless running. */
pid_t worker_pid(const struct worker *worker);

/* --- What its camera is told; camera.c has these -------------------------------------------------------- */

/* The process that was asked for is there. */
void camera_worker_begun(struct camera *camera);

void camera_worker_said(struct camera *camera, const struct channel_message *message);

/* No process any more (PID is that of the last one, or 0): worker_begin may be called again. */
void camera_worker_gone(struct camera *camera, enum worker_end end, pid_t pid, const char *reason);

#endif
