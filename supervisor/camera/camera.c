/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/camera.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/config/config_camera.h"
#include "common/config/config_check.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/camera/camera_ring.h"
#include "supervisor/camera/worker.h"
#include "supervisor/process/backoff.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/timer.h"

/*
 * A worker speaks after its start, and once a second while it streams; one that is silent for this long
 * hangs.
 */
#ifndef CAMERA_SILENCE_MS
#define CAMERA_SILENCE_MS 30000
#endif

/* Longest error text that is kept; what a worker says more is cut. */
#define ERROR_SIZE 256

/* Longest codecs parameter, as in the ring. */
#define CODECS_SIZE 128

/* Longest word for the sound, and text for why there is none, that are kept. */
#define AUDIO_SIZE 64
#define AUDIO_ERROR_SIZE 256

/* Largest picture that is believed: twice 16K. */
#define DIMENSION_MAX 32768

struct camera {
    struct config_camera settings;      /* its own copy */
    const struct config_camera *config; /* the same */
    struct camera_remote remote;        /* node "": it is this node's own */
    struct children *children;
    struct camera_callbacks callbacks;
    enum log_level log_level;
    struct camera_ring *ring; /* may not be open: it could not be made, and is tried again */
    int wake;                 /* -1 while the ring is not open */
    struct worker *worker;
    struct login_client *login;
    enum camera_state state;
    uint64_t since_ms;
    uint64_t worker_ms;          /* when the last worker began */
    struct backoff backoff;      /* of the worker */
    struct backoff ring_backoff; /* of the ring */
    sd_event_source *retry_timer;
    sd_event_source *silence_timer; /* armed while a worker must say something */
    char error[ERROR_SIZE];         /* "" : none */
    char codecs[CODECS_SIZE];       /* "": not known */
    int64_t width, height;
    char audio[AUDIO_SIZE];             /* "": not known */
    char audio_error[AUDIO_ERROR_SIZE]; /* "": none */
    int64_t fragments;
    double fps, bitrate;
    unsigned starts;
    bool handed_over;
    bool restarting;          /* the worker is being ended for a restart */
    bool ending;              /* no worker any more */
    bool ended;               /* and there is none */
    int64_t viewers;          /* over all fan-outs */
    uint64_t wanted_until_ms; /* by readers that say so (`want`) */
    char held[ERROR_SIZE];    /* why no worker may run; "": it may */
    bool sleepy;              /* on demand, and not wanted for the idle time */
    sd_event_source *idle_timer;
    json_t *sandbox; /* what the worker said of it; NULL: nothing yet */
    json_t *counts;  /* the present worker's last `stats`; NULL: none yet */
};

static void settle(struct camera *camera);

const char *camera_strstate(enum camera_state state)
{
    switch (state) {
    case CAMERA_STARTING:
        return "starting";
    case CAMERA_STREAMING:
        return "streaming";
    case CAMERA_STALLED:
        return "stalled";
    case CAMERA_BACKOFF:
        return "backoff";
    case CAMERA_DISABLED:
        return "disabled";
    case CAMERA_FAILED:
        return "failed";
    case CAMERA_IDLE:
        return "idle";
    }
    return "unknown";
}

/*
 * What a process says of itself is kept without credentials, whatever it forgot, and as text that can be
 * shown.
 */
static void set_error(struct camera *camera, const char *text)
{
    char redacted[ERROR_SIZE * 2];

    text_copy(redacted, sizeof(redacted), text);
    log_redact(redacted, sizeof(redacted));
    text_escape(camera->error, sizeof(camera->error), redacted);
}

/*
 * What a next ringcastd must know beside the ring (camera_ring.c). The hash of the task tells it whether the
 * running worker does what the configuration, which may have changed in between, says then.
 */
static json_t *describe(const struct camera *camera)
{
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:s, s:s, s:O?, s:O?, s:b}", "task",
                     (json_int_t)config_camera_task_hash(camera->config), "state",
                     camera_strstate(camera->state), "since_ms", (json_int_t)camera->since_ms, "worker_ms",
                     (json_int_t)camera->worker_ms, "starts", (json_int_t)camera->starts, "deaths",
                     (json_int_t)camera->backoff.deaths, "error", camera->error, "codecs", camera->codecs,
                     "width", (json_int_t)camera->width, "height", (json_int_t)camera->height, "audio",
                     camera->audio, "audio_error", camera->audio_error, "last_exit",
                     worker_last_exit(camera->worker), "sandbox", camera->sandbox, "login_pending",
                     logins_pending(camera->login));
}

static void store_all(const struct camera *camera)
{
    fd_store_put(children_fd_store(camera->children), FD_STORE_CAMERA, camera->config->name, describe(camera),
                 &camera->wake, 1);
}

static void store_state(const struct camera *camera)
{
    fd_store_note(children_fd_store(camera->children), FD_STORE_CAMERA, camera->config->name,
                  describe(camera));
}

/* --- States --------------------------------------------------------------------------------------------- */

static void enter_state(struct camera *camera, enum camera_state state, const char *why)
{
    uint64_t now = clock_now_ms();

    log_set_state(camera->config->name, camera_strstate(state));
    log_camera(state == CAMERA_BACKOFF || state == CAMERA_FAILED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
               camera->config->name, "camera %s: %s -> %s%s%s", camera->config->name,
               camera_strstate(camera->state), camera_strstate(state), !why ? "" : ": ", !why ? "" : why);
    if (camera->state == CAMERA_STREAMING) {
        backoff_credit(&camera->backoff, now - camera->since_ms);
    }
    camera->state = state;
    camera->since_ms = now;
    if (state != CAMERA_STREAMING) {
        camera->fps = 0;
        camera->bitrate = 0;
    }
    store_state(camera);
    camera->callbacks.changed(camera->callbacks.data, camera);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *data)
{
    struct camera *camera = data;
    char why[64];

    (void)source, (void)usec;
    snprintf(why, sizeof(why), "said nothing for %.1f s", CAMERA_SILENCE_MS / 1000.0);
    worker_kill(camera->worker, why);
    return 0;
}

static void watch_silence(struct camera *camera, bool watch)
{
    if (watch) {
        timer_arm(children_event(camera->children), &camera->silence_timer, CAMERA_SILENCE_MS, on_silence,
                  camera);
    } else {
        timer_disarm(&camera->silence_timer);
    }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
    struct camera *camera = data;

    (void)source, (void)usec;
    timer_disarm(&camera->retry_timer);
    settle(camera);
    return 0;
}

/* The worker died, or could not be made: wait, longer each time. */
static void back_off(struct camera *camera, const char *reason)
{
    char why[ERROR_SIZE + 64];
    uint32_t random = 0;

    if (camera->state == CAMERA_STREAMING) {
        backoff_credit(&camera->backoff, clock_now_ms() - camera->since_ms);
        camera->since_ms = clock_now_ms();
    }
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    uint64_t delay = backoff_next_ms(&camera->backoff, random);
    set_error(camera, reason);
    snprintf(why, sizeof(why), "%s; next start in %llu ms", camera->error, (unsigned long long)delay);
    enter_state(camera, backoff_failed(&camera->backoff) ? CAMERA_FAILED : CAMERA_BACKOFF, why);
    timer_arm(children_event(camera->children), &camera->retry_timer, delay, on_retry, camera);
}

/* --- The ring ------------------------------------------------------------------------------------------- */

static void move_readers(struct camera *camera)
{
    camera->callbacks.ring_changed(camera->callbacks.data, camera);
    camera_ring_retire_old(camera->ring);
}

/* Makes ring and eventfd unless they are there. 0 or negative errno. */
static int open_ring(struct camera *camera)
{
    if (camera_ring_is_open(camera->ring)) {
        return 0;
    }
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = wake < 0 ? -errno : camera_ring_open(camera->ring);
    if (result < 0) {
        if (wake >= 0) {
            close(wake);
        }
        return result;
    }
    camera->wake = wake;
    camera_ring_set_fd_store(camera->ring, children_fd_store(camera->children));
    store_all(camera);
    return 0;
}

/* A camera without a ring has failed, and is tried again by itself. */
static void ring_failed(struct camera *camera, int error)
{
    char why[ERROR_SIZE];
    uint32_t random = 0;

    camera_ring_explain(camera->ring, error, why, sizeof(why));
    bool told = camera->state == CAMERA_FAILED && strcmp(camera->error, why) == 0;
    set_error(camera, why);
    camera->handed_over = true;
    if (!told) {
        enter_state(camera, CAMERA_FAILED, why);
    }
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    timer_arm(children_event(camera->children), &camera->retry_timer,
              backoff_next_ms(&camera->ring_backoff, random), on_retry, camera);
}

/* True if there is a ring. A new one is announced to the fan-outs. */
static bool ensure_ring(struct camera *camera)
{
    if (camera_ring_is_open(camera->ring)) {
        return true;
    }
    int result = open_ring(camera);
    if (result < 0) {
        ring_failed(camera, result);
        return false;
    }
    backoff_reset(&camera->ring_backoff);
    move_readers(camera);
    return true;
}

static bool watched(const struct camera *camera)
{
    return camera->viewers > 0 || camera->wanted_until_ms > clock_now_ms();
}

static bool wanted(const struct camera *camera)
{
    return camera->held[0] == '\0' && camera->config->enabled &&
           !(camera->config->on_demand && camera->sleepy);
}

/* --- The worker's life ---------------------------------------------------------------------------------- */

/* What the camera's settings say, and what this worker must know beside them. */
static json_t *camera_message(const struct camera *camera)
{
    struct camera_task task = camera->config->task; /* the strings stay the configuration's */

    task.name = camera->config->name;
    task.log_level = camera->log_level;
    task.ring_size_max = camera_ring_size_max(camera->ring);
    json_t *message = camera_task_to_json(&task);
    json_t *login = logins_describe(camera->login);
    if (message && login) {
        json_object_set(message, "login", login);
    }
    json_decref(login);
    return message;
}

static void begin_worker(struct camera *camera)
{
    const int fds[] = {camera_ring_writer(camera->ring), camera->wake};
    json_t *message = camera_message(camera);
    int result = !message ? -ENOMEM : worker_begin(camera->worker, message, fds, 2);

    json_decref(message);
    camera->fragments = 0;
    json_decref(camera->counts);
    camera->counts = NULL;
    camera->starts++;
    if (result < 0) {
        camera->handed_over = true;
        back_off(camera, strerror(-result));
    }
}

static void has_ended(struct camera *camera)
{
    camera->ended = true;
    camera->callbacks.ended(camera->callbacks.data, camera);
}

void camera_worker_begun(struct camera *camera)
{
    camera->handed_over = true;
    camera->worker_ms = clock_now_ms();
    store_state(camera);
    watch_silence(camera, !camera->ending);
    log_camera(LOG_LEVEL_DEBUG, camera->config->name, "camera %s: worker %d", camera->config->name,
               (int)worker_pid(camera->worker));
}

void camera_worker_gone(struct camera *camera, enum worker_end end, pid_t pid, const char *reason)
{
    bool restarting = camera->restarting || end == WORKER_WAS_LOST;

    camera->restarting = false;
    camera->handed_over = camera->handed_over || end != WORKER_WAS_LOST;
    watch_silence(camera, false);
    logins_gone(camera->login);
    if (camera_ring_settle(camera->ring)) {
        move_readers(camera);
    }
    if (end == WORKER_EXITED) {
        camera->callbacks.exited(camera->callbacks.data, camera, pid, reason);
    }
    if (camera->ending) {
        has_ended(camera);
    } else if (restarting || !wanted(camera)) {
        settle(camera);
    } else {
        back_off(camera, reason);
    }
}

/* --- Whether a worker is wanted ------------------------------------------------------------------------- */

static void rest(struct camera *camera)
{
    const bool held = camera->config->enabled && camera->held[0] != '\0';
    enum camera_state state = held ? CAMERA_STALLED : camera->config->enabled ? CAMERA_IDLE : CAMERA_DISABLED;

    timer_disarm(&camera->retry_timer);
    if (worker_phase(camera->worker) != WORKER_NONE) {
        worker_end(camera->worker);
        return;
    }
    camera->handed_over = true;
    bool told = strcmp(camera->error, held ? camera->held : "") == 0;
    snprintf(camera->error, sizeof(camera->error), "%s", held ? camera->held : "");
    if (camera->state != state || !told) {
        enter_state(camera, state, held ? camera->error : NULL);
    }
    if (camera->held[0] != '\0') {
        camera->callbacks.rested(camera->callbacks.data, camera);
    }
}

/* Begins or ends what the settings and the viewers ask for now. */
static void settle(struct camera *camera)
{
    bool running = worker_phase(camera->worker) != WORKER_NONE;

    if (camera->ending || (!running && camera->retry_timer && camera->config->enabled && wanted(camera))) {
        return;
    }
    if (!camera->config->enabled || (ensure_ring(camera) && !wanted(camera))) {
        rest(camera);
    } else if (!running && camera_ring_is_open(camera->ring)) {
        if (camera->state != CAMERA_STARTING) {
            enter_state(camera, CAMERA_STARTING, NULL);
        }
        begin_worker(camera);
    }
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
    struct camera *camera = data;
    uint64_t now = clock_now_ms();

    (void)source, (void)usec;
    timer_disarm(&camera->idle_timer);
    if (camera->viewers > 0) {
        return 0;
    }
    if (camera->wanted_until_ms > now) {
        timer_arm(children_event(camera->children), &camera->idle_timer, camera->wanted_until_ms - now,
                  on_idle, camera);
        return 0;
    }
    camera->sleepy = true;
    settle(camera);
    return 0;
}

/* Call it after every change of the viewers. */
static void consider_sleep(struct camera *camera)
{
    if (!camera->config->on_demand || watched(camera)) {
        bool asleep = camera->sleepy;
        camera->sleepy = false;
        if (asleep && camera->config->on_demand) {
            settle(camera);
        }
    }
    if (!camera->config->on_demand || camera->viewers > 0) {
        timer_disarm(&camera->idle_timer);
    } else if (!camera->idle_timer && !camera->sleepy) {
        timer_arm(children_event(camera->children), &camera->idle_timer,
                  camera->config->on_demand_idle * 1000u, on_idle, camera);
    }
}

bool camera_set_viewers(struct camera *camera, int64_t viewers)
{
    if (viewers == camera->viewers) {
        return false;
    }
    camera->viewers = viewers;
    consider_sleep(camera);
    return true;
}

void camera_want(struct camera *camera, uint64_t duration_ms)
{
    uint64_t until = clock_now_ms() + duration_ms;

    if (until > camera->wanted_until_ms) {
        camera->wanted_until_ms = until;
    }
    consider_sleep(camera);
}

void camera_start(struct camera *camera)
{
    camera_ring_retire_old(camera->ring); /* fan-outs know the present one by now */
    if (worker_phase(camera->worker) == WORKER_RUNNING) {
        camera->handed_over = true;
    } else {
        camera->sleepy = camera->config->on_demand && !watched(camera);
    }
    settle(camera);
    consider_sleep(camera);
}

/* The worker is ended and another one begun, without backoff. */
static void replace_worker(struct camera *camera, const char *why)
{
    enum worker_phase phase = worker_phase(camera->worker);

    backoff_reset(&camera->backoff);
    camera->error[0] = '\0';
    timer_disarm(&camera->retry_timer);
    if (phase == WORKER_NONE) {
        settle(camera);
        return;
    }
    log_camera(LOG_LEVEL_INFO, camera->config->name, "camera %s: %s", camera->config->name, why);
    camera->restarting = true;
    enter_state(camera, CAMERA_STARTING, why); /* not streaming any more, though its end is to come */
    worker_end(camera->worker);
}

void camera_restart(struct camera *camera)
{
    if (!camera->ending) {
        logins_lift(camera->login);
        replace_worker(camera, "restart");
    }
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_list(const struct config_list *a, const struct config_list *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->items[i], b->items[i]) == 0;
    }
    return same;
}

/* True if the same is told of both (camera_state_message). */
static bool is_told_alike(const struct config_camera *a, const struct config_camera *b)
{
    return a->mirror == b->mirror && a->one_session == b->one_session && is_same_text(a->crop, b->crop) &&
           is_same_text(a->site, b->site) && is_same_list(&a->nodes, &b->nodes);
}

/* Notes where the camera comes from. True if that is a change. */
static bool take_remote(struct camera *camera)
{
    const char *url = camera->config->task.url;
    struct camera_remote before = camera->remote;
    char why[CONFIG_PROBLEM_SIZE];

    if (!camera_is_remote(url) || !camera_remote_read(url, &camera->remote, why)) {
        camera->remote = (struct camera_remote){0};
    }
    return strcmp(before.node, camera->remote.node) != 0;
}

void camera_set(struct camera *camera, const struct config_camera *config)
{
    bool same_task = config_camera_same_task(camera->config, config);
    bool told_alike = is_told_alike(camera->config, config);

    config_camera_finish(&camera->settings);
    config_camera_copy(&camera->settings, config);
    told_alike = !take_remote(camera) && told_alike;
    logins_set(camera->login, &camera->config->task);
    if (!config->on_demand) {
        camera->sleepy = false;
    }
    if (!same_task) {
        replace_worker(camera, "its settings changed");
    } else {
        settle(camera);
    }
    consider_sleep(camera);
    store_state(camera);
    if (!told_alike) {
        camera->callbacks.changed(camera->callbacks.data, camera);
    }
}

void camera_hold(struct camera *camera, const char *why)
{
    if (camera->ending || strcmp(camera->held, why ? why : "") == 0) {
        return;
    }
    snprintf(camera->held, sizeof(camera->held), "%s", why ? why : "");
    settle(camera);
}

void camera_set_log_level(struct camera *camera, enum log_level level)
{
    camera->log_level = level;
    worker_set_log_level(camera->worker, level);
}

json_t *camera_lines(const struct camera *camera, size_t count)
{
    return worker_lines(camera->worker, count);
}

const struct config_camera *camera_config(const struct camera *camera)
{
    return camera->config;
}

void camera_end(struct camera *camera)
{
    if (camera->ending) {
        return;
    }
    camera->ending = true;
    timer_disarm(&camera->retry_timer);
    timer_disarm(&camera->idle_timer);
    watch_silence(camera, false);
    if (worker_phase(camera->worker) == WORKER_NONE) {
        has_ended(camera);
    } else {
        worker_end(camera->worker);
    }
}

/* --- What the worker says ------------------------------------------------------------------------------- */

static bool plain_codecs(const char *codecs)
{
    for (const char *c = codecs; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\') {
            return false;
        }
    }
    return strlen(codecs) < CODECS_SIZE;
}

/* True if the stream's parameters changed. */
static bool take_stream(struct camera *camera, const json_t *body)
{
    const char *codecs = message_string(body, "codecs", NULL);
    json_int_t width = message_integer(body, "width", 0), height = message_integer(body, "height", 0);

    if (!codecs || !plain_codecs(codecs) || width < 0 || width > DIMENSION_MAX || height < 0 ||
        height > DIMENSION_MAX) {
        return false;
    }
    if (strcmp(codecs, camera->codecs) == 0 && width == camera->width && height == camera->height) {
        return false;
    }
    text_copy(camera->codecs, sizeof(camera->codecs), codecs);
    camera->width = width;
    camera->height = height;
    return true;
}

/* A text of the worker's, redacted and escaped, into KEPT of SIZE. True if it changed. */
static bool take_text(char *kept, size_t size, const char *text)
{
    char redacted[AUDIO_ERROR_SIZE * 2];
    char clean[AUDIO_ERROR_SIZE];

    text_copy(redacted, sizeof(redacted), text);
    log_redact(redacted, sizeof(redacted));
    text_escape(clean, size, redacted);
    if (strcmp(clean, kept) == 0) {
        return false;
    }
    text_copy(kept, size, clean);
    return true;
}

/* True if what is known of the sound changed. */
static bool take_audio(struct camera *camera, const json_t *body)
{
    const char *audio = message_string(body, "audio", NULL);

    if (!audio) {
        return false;
    }
    bool changed = take_text(camera->audio, sizeof(camera->audio), audio);
    return take_text(camera->audio_error, sizeof(camera->audio_error),
                     message_string(body, "audio_error", "")) ||
           changed;
}

static bool take_sandbox(struct camera *camera, const json_t *body)
{
    json_t *layers = sandbox_read(json_object_get(body, "sandbox"));
    bool changed = !camera->sandbox || !json_equal(layers, camera->sandbox);

    json_decref(camera->sandbox);
    camera->sandbox = layers;
    return changed;
}

static bool worker_state(const char *name, enum camera_state *state)
{
    static const enum camera_state states[] = {CAMERA_STARTING, CAMERA_STREAMING, CAMERA_STALLED,
                                               CAMERA_FAILED};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(name, camera_strstate(states[i])) == 0) {
            *state = states[i];
            return true;
        }
    }
    return false;
}

static void take_state(struct camera *camera, const json_t *body)
{
    enum camera_state state;
    const char *error = message_string(body, "error", NULL);

    if (!worker_state(message_string(body, "state", ""), &state)) {
        log_camera(LOG_LEVEL_WARNING, camera->config->name, "ingest[%s]: an unknown state",
                   camera->config->name);
        return;
    }
    bool changed = take_stream(camera, body);
    changed = take_audio(camera, body) || changed;
    changed = take_sandbox(camera, body) || changed;
    /* While it streams, it is what is wrong although pictures come. */
    if (error || state == CAMERA_STREAMING || camera->state == CAMERA_STREAMING) {
        char before[ERROR_SIZE];
        memcpy(before, camera->error, sizeof(before));
        set_error(camera, error ? error : "");
        changed = changed || strcmp(before, camera->error) != 0;
    }
    if (state != camera->state) {
        enter_state(camera, state, camera->error[0] == '\0' ? NULL : camera->error);
    } else if (changed) {
        store_state(camera);
        camera->callbacks.changed(camera->callbacks.data, camera);
    }
    watch_silence(camera, state == CAMERA_STREAMING);
}

/* Offers a ring of another size if the stream needs one. If the worker cannot be sent it, nothing changes. */
static void consider_ring(struct camera *camera, const json_t *body)
{
    int writer = -1;
    json_t *message = camera_ring_observe(camera->ring, body, &writer);

    if (message && worker_send(camera->worker, message, &writer, 1) < 0) {
        worker_kill(camera->worker, "could not be given its next ring");
    }
    json_decref(message);
}

static double measured(const json_t *body, const char *name)
{
    double value = json_number_value(json_object_get(body, name));

    return value > 0 ? value : 0;
}

static void take_stats(struct camera *camera, const json_t *body)
{
    camera->fragments = message_integer(body, "fragments", 0);
    json_decref(camera->counts);
    camera->counts = json_incref((json_t *)(uintptr_t)body);
    if (camera->state != CAMERA_STREAMING) {
        return;
    }
    camera->fps = measured(body, "fps");
    camera->bitrate = measured(body, "bitrate");
    watch_silence(camera, true);
    consider_ring(camera, body);
}

static void take_ring_change(struct camera *camera, const json_t *body)
{
    if (camera_ring_changed(camera->ring, body)) {
        move_readers(camera);
    }
}

void camera_worker_said(struct camera *camera, const struct channel_message *message)
{
    /* A log-in that a worker has made counts, even if the worker is being ended. */
    if (logins_said(camera->login, message->body)) {
        store_state(camera);
        return;
    }
    if (camera->restarting || camera->ending) {
        return;
    }
    if (message_is(message->body, "state")) {
        take_state(camera, message->body);
    } else if (message_is(message->body, "stats")) {
        take_stats(camera, message->body);
    } else if (message_is(message->body, "ring-short")) {
        consider_ring(camera, message->body);
    } else if (message_is(message->body, "ring-changed")) {
        take_ring_change(camera, message->body);
    } else if (message_is(message->body, "keyframe-wanted")) {
        camera->callbacks.keyframe_wanted(camera->callbacks.data, camera);
    } else if (message_is(message->body, "relay-wanted")) {
        camera->callbacks.relay_wanted(camera->callbacks.data, camera);
    } else {
        log_camera(LOG_LEVEL_WARNING, camera->config->name, "ingest[%s]: unexpected message \"%s\"",
                   camera->config->name, message_type(message->body));
    }
}

/* --- Taking over ---------------------------------------------------------------------------------------- */

static enum camera_state state_named(const char *name)
{
    for (enum camera_state state = CAMERA_STARTING; state <= CAMERA_IDLE; state++) {
        if (strcmp(camera_strstate(state), name) == 0) {
            return state;
        }
    }
    return CAMERA_STARTING;
}

static void recall_history(struct camera *camera, const json_t *body)
{
    camera->starts = (unsigned)message_integer(body, "starts", 0);
    camera->backoff.deaths = (unsigned)message_integer(body, "deaths", 0);
    worker_recall_exit(camera->worker, json_object_get(body, "last_exit"));
}

static void recall_stream(struct camera *camera, const json_t *body)
{
    camera->state = state_named(message_string(body, "state", ""));
    log_set_state(camera->config->name, camera_strstate(camera->state));
    camera->since_ms = (uint64_t)message_integer(body, "since_ms", (json_int_t)camera->since_ms);
    camera->worker_ms = (uint64_t)message_integer(body, "worker_ms", (json_int_t)camera->since_ms);
    text_copy(camera->error, sizeof(camera->error), message_string(body, "error", ""));
    text_copy(camera->codecs, sizeof(camera->codecs), message_string(body, "codecs", ""));
    camera->width = message_integer(body, "width", 0);
    camera->height = message_integer(body, "height", 0);
    text_copy(camera->audio, sizeof(camera->audio), message_string(body, "audio", ""));
    text_copy(camera->audio_error, sizeof(camera->audio_error), message_string(body, "audio_error", ""));
    camera->sandbox = sandbox_read(json_object_get(body, "sandbox"));
}

static void repeat_offer(struct camera *camera)
{
    int writer = -1;
    json_t *message = camera_ring_repeat(camera->ring, &writer);

    if (message) {
        worker_send(camera->worker, message, &writer, 1);
    }
    json_decref(message);
}

/*
 * The worker goes on if it does what is wanted now; else it is replaced, as after a change of the settings.
 */
static void recall_worker(struct camera *camera, const json_t *body)
{
    if (!worker_take(camera->worker)) {
        return;
    }
    if (worker_phase(camera->worker) != WORKER_RUNNING) {
        return;
    }
    recall_stream(camera, body);
    if ((uint64_t)message_integer(body, "task", 0) == config_camera_task_hash(camera->config)) {
        watch_silence(camera, camera->state != CAMERA_FAILED);
        logins_taken_over(camera->login, message_boolean(body, "login_pending", false));
        repeat_offer(camera);
        log_camera(LOG_LEVEL_INFO, camera->config->name, "camera %s: took its worker over (pid %d, %s)",
                   camera->config->name, (int)worker_pid(camera->worker), camera_strstate(camera->state));
        return;
    }
    camera->restarting = true;
    worker_end(camera->worker);
}

/* Takes ring, state and worker of a ringcastd that was killed, if there are any and they fit. */
static bool recall(struct camera *camera)
{
    struct fd_store *store = children_fd_store(camera->children);
    struct fd_record record;

    if (!fd_store_take(store, FD_STORE_CAMERA, camera->config->name, &record)) {
        return false;
    }
    bool fits = record.fds[0] >= 0 && camera_ring_recall(camera->ring, store);
    if (fits) {
        camera->wake = fd_record_take_fd(&record, 0);
        recall_history(camera, record.body);
        recall_worker(camera, record.body);
        store_all(camera);
    }
    fd_record_finish(&record);
    return fits;
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

static void send_login(void *data, const json_t *message)
{
    const struct camera *camera = data;

    store_state(camera); /* a log-in that is allowed with this message is known before it is made */
    worker_send(camera->worker, message, NULL, 0);
}

int camera_create(struct children *children, struct fork_server *fork_server, struct logins *logins,
                  const char *instance, const struct config_camera *config, enum log_level log_level,
                  const struct camera_callbacks *callbacks, struct camera **result)
{
    struct camera *camera = calloc(1, sizeof(*camera));

    if (!camera) {
        return -ENOMEM;
    }
    *camera = (struct camera){.children = children,
                              .callbacks = *callbacks,
                              .log_level = log_level,
                              .wake = -1,
                              .state = CAMERA_STARTING,
                              .since_ms = clock_now_ms()};
    config_camera_copy(&camera->settings, config);
    camera->config = &camera->settings;
    take_remote(camera);
    log_set_state(camera->config->name, camera_strstate(camera->state));
    camera->ring = camera_ring_create(instance, config);
    camera->worker = camera->ring ? worker_create(children, fork_server, config->name, camera) : NULL;
    camera->login = logins_join(logins, config->name, &camera->config->task, send_login, camera);
    if (!camera->worker || !camera->login) {
        camera_destroy(camera);
        return -ENOMEM;
    }
    if (!recall(camera)) {
        open_ring(camera);
    }
    *result = camera;
    return 0;
}

void camera_destroy(struct camera *camera)
{
    if (!camera) {
        return;
    }
    timer_disarm(&camera->retry_timer);
    timer_disarm(&camera->silence_timer);
    timer_disarm(&camera->idle_timer);
    logins_leave(camera->login);
    worker_destroy(camera->worker);
    fd_store_drop(children_fd_store(camera->children), FD_STORE_CAMERA, camera->config->name);
    camera_ring_destroy(camera->ring);
    log_set_state(camera->config->name, NULL);
    if (camera->wake >= 0) {
        close(camera->wake);
    }
    json_decref(camera->counts);
    json_decref(camera->sandbox);
    config_camera_finish(&camera->settings);
    free(camera);
}

struct camera_view camera_view(const struct camera *camera)
{
    return (struct camera_view){
        .name = camera->config->name,
        .ring = camera_ring_name(camera->ring),
        .ring_size = camera_ring_size(camera->ring),
        .look_back = (unsigned)camera->config->look_back,
        .mirror = camera->config->mirror,
        .crop = camera->config->crop,
        .node = camera->remote.node[0] == '\0' ? NULL : camera->remote.node,
        .ring_reader = camera_ring_reader(camera->ring),
        .wake = camera->wake,
        .codecs = camera->codecs[0] == '\0' ? NULL : camera->codecs,
        .width = camera->width,
        .height = camera->height,
        .audio = camera->audio[0] == '\0' ? NULL : camera->audio,
        .audio_error = camera->audio_error[0] == '\0' ? NULL : camera->audio_error,
        .error = camera->error[0] == '\0' ? NULL : camera->error,
        .state = camera->state,
        .since_ms = camera->since_ms,
        .pid = worker_pid(camera->worker),
        .worker_ms = camera->worker_ms,
        .restarts = camera->starts > 0 ? camera->starts - 1 : 0,
        .fps = camera->fps,
        .bitrate = camera->bitrate,
        .fragments = camera->fragments,
        .counts = camera->counts,
        .handed_over = camera->handed_over,
        .enabled = camera->config->enabled,
        .on_demand = camera->config->on_demand,
        .ending = camera->ending,
        .ended = camera->ended,
        .origin = camera->config->origin,
        .nodes = &camera->config->nodes,
        .site = camera->config->site,
        .one_session = camera->config->one_session,
        .sandbox = camera->sandbox,
        .last_exit = worker_last_exit(camera->worker),
    };
}

const struct camera_remote *camera_remote(const struct camera *camera)
{
    return camera->remote.node[0] == '\0' ? NULL : &camera->remote;
}

void camera_give_relay(struct camera *camera, int end)
{
    json_t *message = message_new("relay");

    if (!message || worker_send(camera->worker, message, &end, 1) < 0) {
        worker_kill(camera->worker, "could not be given its connection with ringcast-relay");
    }
    json_decref(message);
}

json_t *camera_usage(const struct camera *camera)
{
    return worker_usage(camera->worker);
}

/* [left, top, right, bottom] in per cent, or null: all of the picture is shown. */
static json_t *crop_of(const struct camera_view *view)
{
    unsigned shares[4];

    if (!view->crop || !config_parse_crop(view->crop, shares)) {
        return json_null();
    }
    return json_pack("[i, i, i, i]", (int)shares[0], (int)shares[1], (int)shares[2], (int)shares[3]);
}

/* The names of the nodes that share it; null: none do. */
static json_t *nodes_of(const struct camera_view *view)
{
    json_t *nodes = view->nodes->count > 0 ? json_array() : json_null();

    for (size_t i = 0; i < view->nodes->count; i++) {
        json_array_append_new(nodes, json_string(view->nodes->items[i]));
    }
    return nodes;
}

json_t *camera_state_message(const struct camera_view *view)
{
    return message_pack(
        "camera-state", "{s:s, s:s, s:s?, s:s?, s:I, s:I, s:s?, s:s?, s:I, s:b, s:o, s:s?, s:o, s:s?, s:b}",
        "name", view->name, "state", camera_strstate(view->state), "error", view->error, "codecs",
        view->codecs, "width", (json_int_t)view->width, "height", (json_int_t)view->height, "audio",
        view->audio, "audio_error", view->audio_error, "look_back", (json_int_t)view->look_back, "mirror",
        view->mirror, "crop", crop_of(view), "remote", view->node, "nodes", nodes_of(view), "site",
        view->site, "one_session", view->one_session);
}
