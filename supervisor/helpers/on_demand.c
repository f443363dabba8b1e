/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/on_demand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "supervisor/process/timer.h"

/* Bytes of a message's type and a camera's name. */
#define KEY_SIZE 160

/* Most fan-outs. */
#define FANOUTS_MAX 64

/*
 * How long the program keeps off a camera whose stream has killed it: doubled each time, as long as no work for that camera ends well.
 * Without this a picture that kills would take the program from all other cameras, over and over.
 */
#define AVOID_MIN_MS 5000u
#define AVOID_MAX_MS 300000u

struct on_demand {
    struct children *children;
    struct supervisor *supervisor;
    struct on_demand_config config;
    struct service *service; /* NULL: none was wanted yet */
    sd_event_source *renew_timer;
    char *argv[2];
    json_t *viewers;  /* the last `viewers` message; NULL: none yet */
    json_t *counts;   /* the last `counts` message, without what every message has; NULL: none yet */
    json_t *avoid;    /* camera -> CLOCK_MONOTONIC milliseconds until which it is avoided */
    json_t *spans;    /* camera -> milliseconds of its last time */
    char *working;    /* the camera that the process is working for; NULL: none */
    uint64_t waiting; /* fan-outs that are to be connected, a bit for each */
    unsigned starts;
    unsigned restarts; /* of services before the present one */
    bool wanted;       /* there is to be a process */
};

/* A program that misses a message would serve something else than was configured. */
static void check_sent(struct on_demand *program, int result)
{
    char why[96];

    if (result < 0) {
        snprintf(why, sizeof(why), "a message could not be sent to it: %s", strerror(-result));
        service_kill(program->service, why);
    }
}

/* A process is there that has not been told to end. */
bool on_demand_runs(const struct on_demand *program)
{
    enum service_state state = program->service ? service_state(program->service) : SERVICE_STOPPED;

    return state == SERVICE_STARTING || state == SERVICE_RUNNING;
}

int on_demand_send(struct on_demand *program, json_t *message, const int *fds, int fd_count)
{
    int result = -EAGAIN;

    if (on_demand_runs(program)) {
        result = message ? service_send(program->service, message, fds, fd_count) : -ENOMEM;
        check_sent(program, result);
    }
    json_decref(message);
    return result;
}

void on_demand_tell(struct on_demand *program, const char *key, json_t *message, const int *fds, int fd_count)
{
    if (on_demand_runs(program)) {
        check_sent(program,
                   message ? service_send_newest(program->service, key, message, fds, fd_count) : -ENOMEM);
    }
    json_decref(message);
}

/* --- What kills it -------------------------------------------------------------------------------------- */

static void set_working(struct on_demand *program, const char *camera)
{
    if (program->working && !camera) { /* it went well */
        json_object_del(program->avoid, program->working);
        json_object_del(program->spans, program->working);
    }
    free(program->working);
    program->working = camera ? strdup(camera) : NULL;
}

/* The process has died while it worked for a camera. */
static void blame(struct on_demand *program)
{
    json_int_t span = json_integer_value(json_object_get(program->spans, program->working));

    span = span == 0 ? AVOID_MIN_MS : span * 2 < AVOID_MAX_MS ? span * 2 : AVOID_MAX_MS;
    json_object_set_new(program->spans, program->working, json_integer(span));
    json_object_set_new(program->avoid, program->working, json_integer((json_int_t)clock_now_ms() + span));
    log_camera(LOG_LEVEL_WARNING, program->working,
               "%s: died of what camera %s sent, and leaves it alone for %d s", program->config.name,
               program->working, (int)(span / MS_PER_SECOND));
    free(program->working);
    program->working = NULL;
}

/* --- The process ---------------------------------------------------------------------------------------- */

static void connect_waiting(struct on_demand *program)
{
    for (size_t i = 0; i < FANOUTS_MAX && on_demand_runs(program); i++) {
        if (program->waiting & UINT64_C(1) << i) {
            program->waiting &= ~(UINT64_C(1) << i);
            supervisor_on_demand_connect(program->supervisor, program, i);
        }
    }
}

static void on_begun(void *owner)
{
    struct on_demand *program = owner;
    int fds[CHANNEL_FDS_MAX], count = 0;
    json_decref(program->counts);
    program->counts = NULL;
    json_t *message = message_pack("begin", "{s:s, s:O}", "log_level", log_level_name(program->config.level),
                                   "avoid", program->avoid);

    if (message && program->config.begin) {
        count = program->config.begin(program->config.data, message, fds);
    }
    on_demand_send(program, message, fds, count);
    supervisor_on_demand_begun(program->supervisor, program);
    connect_waiting(program);
}

static void on_ready(void *owner)
{
    (void)owner;
}

static void on_idle(struct on_demand *program)
{
    if (program->waiting == 0 && !program->config.always) {
        program->wanted = false;
        service_end(program->service);
    }
}

static void take_counts(struct on_demand *program, const json_t *body)
{
    const char *name;
    json_t *value;

    json_decref(program->counts);
    program->counts = json_object();
    json_object_foreach((json_t *)body, name, value) {
        if (json_is_integer(value) && strcmp(name, "v") != 0) {
            json_object_set(program->counts, name, value);
        }
    }
}

static void on_message(void *owner, const struct channel_message *message)
{
    struct on_demand *program = owner;
    const json_t *body = message->body;

    if (message_is(body, "wanted")) {
        supervisor_on_demand_wants(program->supervisor, message_string(body, "name", ""));
    } else if (message_is(body, "viewers")) {
        json_decref(program->viewers);
        program->viewers = json_incref(message->body);
        supervisor_on_demand_viewers(program->supervisor);
    } else if (message_is(body, "counts")) {
        take_counts(program, body);
    } else if (message_is(body, "working")) {
        set_working(program, message_string(body, "name", NULL));
    } else if (message_is(body, "idle")) {
        on_idle(program);
    } else if (program->config.message) {
        program->config.message(program->config.data, message);
    } else {
        log_warning("%s: unexpected message \"%s\"", program->config.name, message_type(body));
    }
}

static void on_state(void *owner, const char *reason)
{
    struct on_demand *program = owner;

    supervisor_on_demand_changed(program->supervisor, program, reason);
}

static int on_renew(sd_event_source *source, uint64_t usec, void *data);

static void on_gone(void *owner, const char *reason)
{
    struct on_demand *program = owner;

    json_decref(program->viewers);
    program->viewers = NULL;
    if (program->working && service_state(program->service) != SERVICE_STOPPED) {
        blame(program);
    }
    free(program->working);
    program->working = NULL;
    if (program->wanted && service_state(program->service) == SERVICE_STOPPED) {
        /* It was ended, and then wanted again: not from within this handler of the old service. */
        timer_arm(children_event(program->children), &program->renew_timer, 0, on_renew, program);
    }
    supervisor_on_demand_viewers(program->supervisor);
    supervisor_on_demand_gone(program->supervisor, program, reason);
}

/* A service that has ended for good is replaced. */
static int make_service(struct on_demand *program)
{
    static const struct service_handlers handlers = {
        .begun = on_begun, .ready = on_ready, .message = on_message, .changed = on_state, .gone = on_gone};

    program->restarts += program->service ? service_restarts(program->service) : 0;
    service_destroy(program->service);
    program->service =
        service_create(program->children, program->config.name, program->argv, &handlers, program);
    return program->service ? 0 : -ENOMEM;
}

static void start(struct on_demand *program)
{
    if (make_service(program) < 0) {
        log_error("%s cannot be started: out of memory", program->config.name);
        program->wanted = false;
        return;
    }
    program->starts++;
    service_start(program->service);
}

static int on_renew(sd_event_source *source, uint64_t usec, void *data)
{
    struct on_demand *program = data;

    (void)source, (void)usec;
    timer_disarm(&program->renew_timer);
    if (program->wanted && service_state(program->service) == SERVICE_STOPPED) {
        start(program);
    }
    return 0;
}

struct on_demand *on_demand_create(struct children *children, const struct on_demand_config *config,
                                   struct supervisor *supervisor)
{
    struct on_demand *program = calloc(1, sizeof(*program));

    if (!program) {
        return NULL;
    }
    *program = (struct on_demand){.children = children, .supervisor = supervisor, .config = *config};
    program->argv[0] = strdup(config->path);
    program->avoid = json_object();
    program->spans = json_object();
    if (!program->argv[0] || !program->avoid || !program->spans) {
        on_demand_destroy(program);
        return NULL;
    }
    return program;
}

void on_demand_destroy(struct on_demand *program)
{
    if (!program) {
        return;
    }
    timer_disarm(&program->renew_timer);
    service_destroy(program->service);
    json_decref(program->viewers);
    json_decref(program->counts);
    json_decref(program->avoid);
    json_decref(program->spans);
    free(program->working);
    free(program->argv[0]);
    free(program);
}

void on_demand_take(struct on_demand *program)
{
    if (make_service(program) == 0) {
        program->wanted = service_take(program->service);
    }
}

void on_demand_want(struct on_demand *program)
{
    if (program->wanted) {
        return;
    }
    program->wanted = true;
    if (!program->service || service_state(program->service) == SERVICE_STOPPED) {
        start(program); /* else one is ending; another one follows (on_gone) */
    }
}

void on_demand_want_for(struct on_demand *program, size_t index)
{
    if (index < FANOUTS_MAX) {
        program->waiting |= UINT64_C(1) << index;
        on_demand_want(program);
        connect_waiting(program);
    }
}

void on_demand_forget(struct on_demand *program, size_t index)
{
    if (index < FANOUTS_MAX) {
        program->waiting &= ~(UINT64_C(1) << index);
    }
}

void on_demand_connect(struct on_demand *program, size_t index, int end)
{
    on_demand_send(program, message_pack("client", "{s:I}", "index", (json_int_t)index), &end, 1);
}

void on_demand_add_camera(struct on_demand *program, const struct camera_view *camera)
{
    const int fds[] = {camera->ring_reader, camera->wake};

    on_demand_send(program,
                   message_pack("camera-add", "{s:s, s:s, s:s?}", "name", camera->name, "state",
                                camera_strstate(camera->state), "remote", camera->node),
                   fds, camera->ring_reader >= 0 ? 2 : 0);
}

void on_demand_update_camera(struct on_demand *program, const struct camera_view *camera)
{
    char key[KEY_SIZE];

    if (!on_demand_runs(program)) {
        return;
    }
    snprintf(key, sizeof(key), "camera-state %s", camera->name);
    on_demand_tell(program, key, camera_state_message(camera), NULL, 0);
}

void on_demand_remove_camera(struct on_demand *program, const char *name)
{
    json_object_del(program->avoid, name);
    json_object_del(program->spans, name);
    on_demand_send(program, message_pack("camera-remove", "{s:s}", "name", name), NULL, 0);
}

void on_demand_set_log_level(struct on_demand *program, enum log_level level)
{
    program->config.level = level;
    on_demand_tell(program, "log-level", message_pack("log-level", "{s:s}", "level", log_level_name(level)),
                   NULL, 0);
}

void on_demand_end(struct on_demand *program)
{
    program->wanted = false;
    timer_disarm(&program->renew_timer);
    if (program->service) {
        service_end(program->service);
    }
}

bool on_demand_wanted(const struct on_demand *program)
{
    return program->wanted;
}

const char *on_demand_name(const struct on_demand *program)
{
    return program->config.name;
}

struct service *on_demand_service(const struct on_demand *program)
{
    return program->service;
}

unsigned on_demand_restarts(const struct on_demand *program)
{
    return program->restarts + (program->service ? service_restarts(program->service) : 0);
}

unsigned on_demand_starts(const struct on_demand *program)
{
    return program->starts;
}

const json_t *on_demand_counts(const struct on_demand *program)
{
    return program->counts;
}

int64_t on_demand_viewers(const struct on_demand *program, const char *camera)
{
    const json_t *counts = json_object_get(program->viewers, "cameras");
    int64_t viewers = !camera ? message_integer(program->viewers, "total", 0)
                              : json_integer_value(json_object_get(counts, camera));

    return viewers > 0 ? viewers : 0;
}
