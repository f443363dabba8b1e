#include "supervisor/camera/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/process/child.h"
#include "supervisor/process/limit.h"

struct worker {
    struct children *children;
    struct worker_host host;
    char *name;
    char *camera;
    enum worker_phase phase;
    struct child *child;
    pid_t pid; /* also after its end, until `gone` */
    json_t *last_lines;
    bool ending;
    int far_end; /* the worker's end of its channel, until the template has it; else -1 */
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

/* No process any more. The last thing a function does: the host may begin the next worker in `gone`. */
static void finish(struct worker *worker, enum worker_end end, const char *reason)
{
    pid_t pid = worker->pid;

    close_far_end(worker);
    json_decref(worker->last_lines);
    worker->last_lines = worker->child == NULL ? NULL : child_lines(worker->child, LIMIT_LAST_WORDS);
    child_destroy(worker->child);
    worker->child = NULL;
    worker->pid = 0;
    enter_phase(worker, WORKER_NONE);
    worker->host.gone(worker->host.data, end, pid, reason);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct worker *worker = owner;

    worker->host.message(worker->host.data, message);
}

static void on_exited(void *owner, const char *reason)
{
    struct worker *worker = owner;

    finish(worker, worker->phase == WORKER_LOST ? WORKER_WAS_LOST : WORKER_EXITED, reason);
}

struct worker *worker_create(struct children *children, const char *name, const struct worker_host *host)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL) {
        return NULL;
    }
    *worker = (struct worker){.children = children, .host = *host, .far_end = -1};
    worker->camera = strdup(name);
    if (worker->camera == NULL || asprintf(&worker->name, "ingest[%s]", name) < 0) {
        free(worker->camera);
        free(worker);
        return NULL;
    }
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    close_far_end(worker);
    child_destroy(worker->child);
    json_decref(worker->last_lines);
    enter_phase(worker, WORKER_NONE);
    free(worker->camera);
    free(worker->name);
    free(worker);
}

/* 0, -EAGAIN while the template is away, or what went wrong. */
static int request(struct worker *worker)
{
    int error = worker->host.spawn(worker->host.data, worker->far_end);

    if (error < 0) {
        return error;
    }
    close_far_end(worker);
    enter_phase(worker, WORKER_REQUESTED);
    return 0;
}

int worker_begin(struct worker *worker, const json_t *message, const int *fds, int fd_count)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    int error =
        child_create(worker->children, worker->name, &handlers, worker, &worker->child, &worker->far_end);

    worker->ending = false;
    if (error < 0) {
        return error;
    }
    child_set_camera(worker->child, worker->camera);
    error = child_send(worker->child, message, fds, fd_count);
    if (error == 0) {
        error = request(worker);
    }
    if (error == -EAGAIN) {
        enter_phase(worker, WORKER_WAITING);
        return 0;
    }
    if (error < 0) {
        close_far_end(worker);
        child_destroy(worker->child);
        worker->child = NULL;
    }
    return error;
}

bool worker_take(struct worker *worker)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    struct keep_record record;

    if (!keep_take(children_keep(worker->children), KEEP_PROCESS, worker->name, &record)) {
        return false;
    }
    int error = child_take(worker->children, worker->name, &handlers, worker, &record, &worker->child);
    if (error < 0) {
        log_camera(LOG_LEVEL_WARNING, worker->camera, "%s: the running one cannot be taken over: %s",
                   worker->name, strerror(-error));
        return false;
    }
    child_set_camera(worker->child, worker->camera);
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

void worker_template_ready(struct worker *worker)
{
    if (worker->phase != WORKER_WAITING) {
        return;
    }
    int error = request(worker);
    if (error < 0 && error != -EAGAIN) {
        finish(worker, WORKER_NOT_FORKED, strerror(-error));
    }
}

void worker_template_gone(struct worker *worker)
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
    int error = child_adopt(worker->child, pid);
    if (error == 0) {
        worker->pid = pid;
        enter_phase(worker, WORKER_RUNNING);
        if (worker->ending) {
            child_end(worker->child);
        }
    } else {
        snprintf(why, sizeof(why), "process %d of the template cannot be watched: %s", (int)pid,
                 strerror(-error));
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
    return worker->phase == WORKER_RUNNING ? child_send(worker->child, body, fds, fd_count) : 0;
}

void worker_set_log_level(struct worker *worker, enum log_level level)
{
    static const char *const levels[] = {[LOG_LEVEL_ERROR] = "error",
                                         [LOG_LEVEL_WARNING] = "warning",
                                         [LOG_LEVEL_INFO] = "info",
                                         [LOG_LEVEL_DEBUG] = "debug"};
    json_t *message = worker->phase == WORKER_RUNNING ? message_new("log-level") : NULL;

    if (message == NULL) {
        return;
    }
    json_object_set_new(message, "level", json_string(levels[level]));
    child_send(worker->child, message, NULL, 0);
    json_decref(message);
}

json_t *worker_lines(const struct worker *worker, size_t count)
{
    if (worker->child != NULL) {
        return child_lines(worker->child, count);
    }
    return json_incref(worker->last_lines);
}

enum worker_phase worker_phase(const struct worker *worker)
{
    return worker->phase;
}

pid_t worker_pid(const struct worker *worker)
{
    return worker->child == NULL ? 0 : child_pid(worker->child);
}
