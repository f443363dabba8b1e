/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/child.h"

struct worker {
    struct children *children;
    struct fork_server *fork_server;
    struct fork_client client; /* of the fork server */
    struct camera *camera;
    char *name; /* "ingest[front]" */
    char *camera_name;
    enum worker_phase phase;
    struct child *child;
    pid_t pid; /* also after its end, until the camera knows of it */
    json_t *last_lines, *last_exit;
    bool ending;
    int far_end; /* the worker's end of its channel, until the fork server has it; else -1 */
};

static void enter_phase(struct worker *worker, enum worker_phase phase)
{
    if (phase == WORKER_REQUESTED) {
        children_hold(worker->children);
    } else if (worker->phase == WORKER_REQUESTED) {
        children_release(worker->children);
    }
    worker->phase = phase;
}

static void close_far_end(struct worker *worker)
{
    if (worker->far_end >= 0) {
        close(worker->far_end);
    }
    worker->far_end = -1;
}

/* No process any more. The last thing that a function does: the camera may begin the next worker at once. */
static void finish(struct worker *worker, enum worker_end end, const char *reason)
{
    pid_t pid = worker->pid;

    close_far_end(worker);
    if (end == WORKER_EXITED) {
        json_decref(worker->last_lines);
        worker->last_lines = child_lines(worker->child, SIZE_MAX);
        json_decref(worker->last_exit);
        worker->last_exit = child_last_exit(worker->child, reason);
    }
    child_destroy(worker->child);
    worker->child = NULL;
    worker->pid = 0;
    enter_phase(worker, WORKER_NONE);
    camera_worker_gone(worker->camera, end, pid, reason);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct worker *worker = owner;

    camera_worker_said(worker->camera, message);
}

static void on_exited(void *owner, const char *reason)
{
    struct worker *worker = owner;

    finish(worker, worker->phase == WORKER_LOST ? WORKER_WAS_LOST : WORKER_EXITED, reason);
}

struct worker *worker_create(struct children *children, struct fork_server *fork_server, const char *name,
                             struct camera *camera)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (!worker) {
        return NULL;
    }
    *worker =
        (struct worker){.children = children, .fork_server = fork_server, .camera = camera, .far_end = -1};
    worker->camera_name = strdup(name);
    if (!worker->camera_name || asprintf(&worker->name, "ingest[%s]", name) < 0) {
        free(worker->camera_name);
        free(worker);
        return NULL;
    }
    worker->client = (struct fork_client){.camera = worker->camera_name, .worker = worker};
    fork_server_join(fork_server, &worker->client);
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (!worker) {
        return;
    }
    fork_server_leave(worker->fork_server, &worker->client);
    close_far_end(worker);
    child_destroy(worker->child);
    json_decref(worker->last_lines);
    json_decref(worker->last_exit);
    enter_phase(worker, WORKER_NONE);
    free(worker->camera_name);
    free(worker->name);
    free(worker);
}

/* 0, -EAGAIN while the fork server is away, or what went wrong. */
static int request(struct worker *worker)
{
    int result = fork_server_request(worker->fork_server, &worker->client, worker->far_end);

    if (result < 0) {
        return result;
    }
    close_far_end(worker);
    enter_phase(worker, WORKER_REQUESTED);
    return 0;
}

int worker_begin(struct worker *worker, const json_t *message, const int *fds, int fd_count)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    int result =
        child_create(worker->children, worker->name, &handlers, worker, &worker->child, &worker->far_end);

    worker->ending = false;
    if (result < 0) {
        return result;
    }
    child_set_camera(worker->child, worker->camera_name);
    result = child_send(worker->child, message, fds, fd_count);
    if (result == 0) {
        result = request(worker);
    }
    if (result == -EAGAIN) {
        enter_phase(worker, WORKER_WAITING);
        return 0;
    }
    if (result < 0) {
        close_far_end(worker);
        child_destroy(worker->child);
        worker->child = NULL;
    }
    return result;
}

bool worker_take(struct worker *worker)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    struct fd_record record;

    if (!fd_store_take(children_fd_store(worker->children), FD_STORE_PROCESS, worker->name, &record)) {
        return false;
    }
    int result = child_take(worker->children, worker->name, &handlers, worker, &record, &worker->child);
    if (result < 0) {
        log_camera(LOG_LEVEL_WARNING, worker->camera_name, "%s: the running one cannot be taken over: %s",
                   worker->name, strerror(-result));
        return false;
    }
    child_set_camera(worker->child, worker->camera_name);
    worker->ending = false;
    if (child_is_nameless(worker->child)) {
        enter_phase(worker, WORKER_LOST);
        child_abandon(worker->child);
    } else {
        worker->pid = child_pid(worker->child);
        enter_phase(worker, WORKER_RUNNING);
    }
    return true;
}

void worker_fork_server_ready(struct worker *worker)
{
    if (worker->phase != WORKER_WAITING) {
        return;
    }
    int result = request(worker);
    if (result < 0 && result != -EAGAIN) {
        finish(worker, WORKER_NOT_FORKED, strerror(-result));
    }
}

void worker_fork_server_gone(struct worker *worker)
{
    if (worker->phase != WORKER_REQUESTED) {
        return;
    }
    enter_phase(worker, WORKER_LOST);
    child_abandon(worker->child);
}

bool worker_spawned(struct worker *worker, pid_t pid)
{
    char why[96];

    if (worker->phase != WORKER_REQUESTED) {
        return false;
    }
    int result = child_adopt(worker->child, pid);
    if (result == 0) {
        worker->pid = pid;
        enter_phase(worker, WORKER_RUNNING);
        if (worker->ending) {
            child_end(worker->child);
        }
        camera_worker_begun(worker->camera);
    } else {
        snprintf(why, sizeof(why), "process %d of the fork server cannot be watched: %s", (int)pid,
                 strerror(-result));
        finish(worker, WORKER_NOT_FORKED, why);
    }
    return true;
}

bool worker_spawn_failed(struct worker *worker, const char *error)
{
    if (worker->phase != WORKER_REQUESTED) {
        return false;
    }
    finish(worker, WORKER_NOT_FORKED, error);
    return true;
}

void worker_end(struct worker *worker)
{
    switch (worker->phase) {
    case WORKER_WAITING:
        finish(worker, WORKER_NOT_FORKED, "not needed any more");
        break;
    case WORKER_REQUESTED:
    case WORKER_RUNNING:
        worker->ending = true;
        child_end(worker->child);
        break;
    case WORKER_NONE:
    case WORKER_LOST:
        break;
    }
}

void worker_kill(struct worker *worker, const char *why)
{
    if (worker->phase == WORKER_RUNNING) {
        child_kill(worker->child, why);
    }
}

int worker_send(struct worker *worker, const json_t *body, const int *fds, int fd_count)
{
    /* It may be at work, and have asked for something, before the fork server has said which process it is. */
    bool reachable = worker->phase == WORKER_RUNNING || worker->phase == WORKER_REQUESTED;

    return reachable ? child_send(worker->child, body, fds, fd_count) : 0;
}

void worker_set_log_level(struct worker *worker, enum log_level level)
{
    json_t *message = message_pack("log-level", "{s:s}", "level", log_level_name(level));

    if (message) {
        worker_send(worker, message, NULL, 0);
    }
    json_decref(message);
}

json_t *worker_lines(const struct worker *worker, size_t count)
{
    return worker->child ? child_lines(worker->child, count) : json_incref(worker->last_lines);
}

json_t *worker_usage(const struct worker *worker)
{
    return worker->child ? child_usage(worker->child) : json_null();
}

const json_t *worker_last_exit(const struct worker *worker)
{
    return worker->last_exit;
}

void worker_recall_exit(struct worker *worker, const json_t *last_exit)
{
    if (json_is_object(last_exit)) {
        worker->last_exit = json_deep_copy(last_exit);
    }
}

enum worker_phase worker_phase(const struct worker *worker)
{
    return worker->phase;
}

pid_t worker_pid(const struct worker *worker)
{
    return !worker->child ? 0 : child_pid(worker->child);
}
