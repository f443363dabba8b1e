/* SPDX-License-Identifier: MIT */
#include "supervisor/process/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/process/backoff.h"
#include "supervisor/process/child.h"
#include "supervisor/process/timer.h"

#define REASON_SIZE 320

/*
 * From exec to `ready`. FFmpeg's 135 libraries load in 0.1 s, under sanitizers on a busy machine in several
 * seconds. The daemon tests are built with less.
 */
#ifndef SERVICE_READY_MS
#define SERVICE_READY_MS 30000
#endif

struct service {
    struct children *children;
    struct service_handlers handlers;
    void *owner;
    char *name;
    char *const *argv;
    struct child *child; /* NULL while there is no process */
    enum service_state state;
    struct backoff backoff;
    sd_event_source *timer; /* the deadline of `ready`, or the end of the backoff */
    uint64_t running_since_ms;
    unsigned starts;
    json_t *last_exit;
    json_t *sandbox; /* what `ready` said of it; NULL: nothing */
    bool ended;      /* for good */
};

const char *service_strstate(enum service_state state)
{
    switch (state) {
    case SERVICE_STOPPED:
        return "stopped";
    case SERVICE_STARTING:
        return "starting";
    case SERVICE_RUNNING:
        return "running";
    case SERVICE_ENDING:
        return "ending";
    case SERVICE_BACKOFF:
        return "backoff";
    }
    return "unknown";
}

static void enter_state(struct service *service, enum service_state state, const char *why)
{
    log_info("%s: %s -> %s%s%s", service->name, service_strstate(service->state), service_strstate(state),
             !why ? "" : ": ", !why ? "" : why);
    service->state = state;
    timer_disarm(&service->timer);
    if (state == SERVICE_RUNNING) {
        service->running_since_ms = clock_now_ms();
    }
    if (service->handlers.changed) {
        service->handlers.changed(service->owner, why);
    }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
    (void)source, (void)usec;
    service_start(data);
    return 0;
}

/* The first death after a healthy spell costs no delay at all. */
static uint64_t next_delay_ms(struct service *service)
{
    uint32_t random = 0;
    bool healthy = service->backoff.deaths == 0;

    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    uint64_t delay = backoff_next_ms(&service->backoff, random);
    return healthy ? 0 : delay;
}

static void process_gone(struct service *service, const char *reason)
{
    char why[REASON_SIZE];

    if (service->ended) {
        enter_state(service, SERVICE_STOPPED, reason);
    } else {
        if (service->state == SERVICE_RUNNING) {
            backoff_credit(&service->backoff, clock_now_ms() - service->running_since_ms);
        }
        uint64_t delay = next_delay_ms(service);
        snprintf(why, sizeof(why), "%s; next start in %llu ms", reason, (unsigned long long)delay);
        enter_state(service, SERVICE_BACKOFF, why);
        timer_arm(children_event(service->children), &service->timer, delay, on_retry, service);
    }
    service->handlers.gone(service->owner, reason);
}

static void on_exited(void *owner, const char *reason)
{
    struct service *service = owner;

    json_decref(service->last_exit);
    service->last_exit = child_last_exit(service->child, reason);
    child_destroy(service->child);
    service->child = NULL;
    process_gone(service, reason);
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct service *service = owner;

    if (!message_is(message->body, "ready")) {
        service->handlers.message(service->owner, message);
    } else if (service->state == SERVICE_STARTING) {
        json_decref(service->sandbox);
        service->sandbox = sandbox_read(json_object_get(message->body, "sandbox"));
        enter_state(service, SERVICE_RUNNING, NULL);
        service->handlers.ready(service->owner);
    }
}

static int on_not_ready(sd_event_source *source, uint64_t usec, void *data)
{
    struct service *service = data;
    char why[64];

    (void)source, (void)usec;
    snprintf(why, sizeof(why), "was not ready within %.1f s", SERVICE_READY_MS / 1000.0);
    child_kill(service->child, why);
    return 0;
}

static int start_process(struct service *service)
{
    static const struct child_handlers handlers = {.message = on_message, .exited = on_exited};
    int far_end = -1;
    int result =
        child_create(service->children, service->name, &handlers, service, &service->child, &far_end);

    if (result < 0) {
        return result;
    }
    result = child_exec(service->child, service->argv, far_end);
    close(far_end);
    if (result < 0) {
        child_destroy(service->child);
        service->child = NULL;
    }
    return result;
}

void service_start(struct service *service)
{
    char reason[REASON_SIZE];

    enter_state(service, SERVICE_STARTING, NULL);
    service->starts++;
    int result = start_process(service);
    if (result < 0) {
        snprintf(reason, sizeof(reason), "cannot run %s: %s", service->argv[0], strerror(-result));
        process_gone(service, reason);
        return;
    }
    timer_arm(children_event(service->children), &service->timer, SERVICE_READY_MS, on_not_ready, service);
    service->handlers.begun(service->owner);
}

static const struct child_handlers handlers_of_taken = {.message = on_message, .exited = on_exited};

static void await_ready(struct service *service)
{
    enter_state(service, SERVICE_STARTING, "taken over");
    service->starts++;
    timer_arm(children_event(service->children), &service->timer, SERVICE_READY_MS, on_not_ready, service);
}

bool service_take(struct service *service)
{
    struct fd_record record;

    if (!fd_store_take(children_fd_store(service->children), FD_STORE_PROCESS, service->name, &record)) {
        return false;
    }
    int result =
        child_take(service->children, service->name, &handlers_of_taken, service, &record, &service->child);
    if (result == 0 && child_is_nameless(service->child)) {
        child_destroy(
            service->child); /* its channel ends, and so does the process that holds the other end */
        service->child = NULL;
        return false;
    }
    if (result < 0) {
        log_warning("%s: the running one cannot be taken over: %s", service->name, strerror(-result));
        return false;
    }
    await_ready(service);
    service->handlers.begun(service->owner);
    return true;
}

int service_meet(struct service *service, pid_t pid, int pidfd, int channel)
{
    int result = child_meet(service->children, service->name, &handlers_of_taken, service, pid, pidfd,
                            channel, &service->child);

    if (result == 0) {
        await_ready(service);
    }
    return result;
}

void service_end(struct service *service)
{
    service->ended = true;
    if (!service->child) {
        if (service->state != SERVICE_STOPPED) {
            enter_state(service, SERVICE_STOPPED, NULL);
        }
        return;
    }
    if (service->state != SERVICE_ENDING) {
        enter_state(service, SERVICE_ENDING, NULL);
    }
    child_end(service->child);
}

void service_renew(struct service *service)
{
    if (service->child) {
        child_end(service->child);
    }
}

void service_kill(struct service *service, const char *why)
{
    if (service->child) {
        child_kill(service->child, why);
    }
}

int service_send(struct service *service, const json_t *body, const int *fds, int fd_count)
{
    return !service->child ? 0 : child_send(service->child, body, fds, fd_count);
}

int service_send_newest(struct service *service, const char *key, const json_t *body, const int *fds,
                        int fd_count)
{
    return service->child ? child_send_newest(service->child, key, body, fds, fd_count) : 0;
}

bool service_is_behind(const struct service *service)
{
    return service->child && child_is_behind(service->child);
}

size_t service_waiting(const struct service *service)
{
    return service->child ? child_waiting(service->child) : 0;
}

enum service_state service_state(const struct service *service)
{
    return service->state;
}

pid_t service_pid(const struct service *service)
{
    return !service->child ? 0 : child_pid(service->child);
}

unsigned service_restarts(const struct service *service)
{
    return service->starts > 0 ? service->starts - 1 : 0;
}

const json_t *service_sandbox(const struct service *service)
{
    return service->sandbox;
}

const json_t *service_last_exit(const struct service *service)
{
    return service->last_exit;
}

json_t *service_usage(const struct service *service)
{
    return service->child ? child_usage(service->child) : json_null();
}

json_t *service_lines(const struct service *service, size_t count)
{
    return !service->child ? NULL : child_lines(service->child, count);
}

struct service *service_create(struct children *children, const char *name, char *const *argv,
                               const struct service_handlers *handlers, void *owner)
{
    struct service *service = calloc(1, sizeof(*service));

    if (!service) {
        return NULL;
    }
    *service = (struct service){.children = children, .argv = argv, .handlers = *handlers, .owner = owner};
    service->name = strdup(name);
    if (!service->name) {
        free(service);
        return NULL;
    }
    return service;
}

void service_leave(struct service *service)
{
    if (service->child) {
        child_leave(service->child);
        service->child = NULL;
    }
    service_destroy(service);
}

void service_destroy(struct service *service)
{
    if (!service) {
        return;
    }
    timer_disarm(&service->timer);
    child_destroy(service->child);
    json_decref(service->last_exit);
    json_decref(service->sandbox);
    free(service->name);
    free(service);
}
