/*
 * The process side of a camera: one ringcast-ingest worker at a time, from the request for it until it is
 * reaped. The camera's configuration waits in the channel before the worker exists, so the template never
 * sees it. Owned by its camera; supervisor's main thread only.
 */
#ifndef SUPERVISOR_CAMERA_WORKER_H
#define SUPERVISOR_CAMERA_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipc/channel.h"
#include "common/log/log.h"
#include "supervisor/process/children.h"

struct worker;

enum worker_phase {
    WORKER_NONE,      /* no process, none wanted */
    WORKER_WAITING,   /* wanted; the template is away */
    WORKER_REQUESTED, /* the template was asked */
    WORKER_RUNNING,   /* its process id is known */
    WORKER_LOST       /* asked for, but the template died before it said which process it is; being ended */
};

enum worker_end {
    WORKER_EXITED,     /* it ran and is reaped */
    WORKER_NOT_FORKED, /* it never ran, or could not be taken over */
    WORKER_WAS_LOST    /* a victim of its template: not its own fault */
};

struct worker_host {
    void *data;
    /* As template_spawn. */
    int (*spawn)(void *data, int worker_end);
    void (*message)(void *data, const struct channel_message *message);
    /* No process any more (PID is that of the last one, or 0): worker_begin may be called again. */
    void (*gone)(void *data, enum worker_end end, pid_t pid, const char *reason);
};

/* NULL: out of memory. NAME is for log lines. */
struct worker *worker_create(struct children *children, const char *name, const struct worker_host *host);
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

/* The template is ready: a waiting request goes out now. */
void worker_template_ready(struct worker *worker);

/* The template is gone: a request without an answer is lost. */
void worker_template_gone(struct worker *worker);

/* The template's answers. False if none was due. */
bool worker_spawned(struct worker *worker, pid_t pid);
bool worker_spawn_failed(struct worker *worker, const char *error);

/*
 * Ends the process, or the wish for one; `gone` follows, at once if there is no process. No-op in phase NONE.
 */
void worker_end(struct worker *worker);

/* As child_send. Nothing is sent while there is no running process. */
int worker_send(struct worker *worker, const json_t *body, const int *fds, int fd_count);

/* Kills a running process; `gone` follows. */
void worker_kill(struct worker *worker, const char *why);

/* Tells a running worker. */
void worker_set_log_level(struct worker *worker, enum log_level level);

/* The last COUNT log lines of the present worker, or in `gone` of the last one; a new array, NULL if there is
 * none. */
json_t *worker_lines(const struct worker *worker, size_t count);

enum worker_phase worker_phase(const struct worker *worker);

/* 0 unless running. */
pid_t worker_pid(const struct worker *worker);

#endif
