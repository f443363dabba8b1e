#include "supervisor/camera/camera_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/config/config_camera.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/camera/camera_ring.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/last_exit.h"
#include "supervisor/process/limit.h"
#include "supervisor/process/timer.h"

static void begin_worker(struct camera *camera);
static void settle(struct camera *camera);
static bool wanted(const struct camera *camera);
static void consider_sleep(struct camera *camera);

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

void camera_copy_text(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    while (text[length] != '\0' && length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    memcpy(out, text, length);
    out[length] = '\0';
}

void camera_set_error(struct camera *camera, const char *text)
{
    char redacted[ERROR_SIZE * 2];

    camera_copy_text(redacted, sizeof(redacted), text);
    log_redact(redacted, sizeof(redacted));
    camera_copy_text(camera->error, sizeof(camera->error), redacted);
}

/* --- States --------------------------------------------------------------------------------------------- */

void camera_enter_state(struct camera *camera, enum camera_state state, const char *why)
{
    uint64_t now = timer_now_ms();

    log_set_state(camera->config->name, camera_strstate(state));
    log_camera(state == CAMERA_BACKOFF || state == CAMERA_FAILED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
               camera->config->name, "camera %s: %s -> %s%s%s", camera->config->name,
               camera_strstate(camera->state), camera_strstate(state), why == NULL ? "" : ": ",
               why == NULL ? "" : why);
    if (camera->state == CAMERA_STREAMING) {
        backoff_credit(&camera->backoff, now - camera->since_ms);
    }
    camera->state = state;
    camera->since_ms = now;
    if (state == CAMERA_STREAMING) {
        camera->error[0] = '\0';
    } else {
        camera->fps = 0;
        camera->bitrate = 0;
    }
    camera_keep_state(camera);
    camera->host.changed(camera->host.data, camera);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *data)
{
    struct camera *camera = data;
    char why[64];

    (void)source, (void)usec;
    snprintf(why, sizeof(why), "said nothing for %.1f s", LIMIT_SILENCE_MS / 1000.0);
    worker_kill(camera->worker, why);
    return 0;
}

void camera_watch_silence(struct camera *camera, bool watch)
{
    if (watch) {
        timer_arm(children_event(camera->children), &camera->silence_timer, LIMIT_SILENCE_MS, on_silence,
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
        backoff_credit(&camera->backoff, timer_now_ms() - camera->since_ms);
        camera->since_ms = timer_now_ms();
    }
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    uint64_t delay = backoff_next_ms(&camera->backoff, random);
    camera_set_error(camera, reason);
    snprintf(why, sizeof(why), "%s; next start in %llu ms", camera->error, (unsigned long long)delay);
    camera_enter_state(camera, backoff_failed(&camera->backoff) ? CAMERA_FAILED : CAMERA_BACKOFF, why);
    timer_arm(children_event(camera->children), &camera->retry_timer, delay, on_retry, camera);
}

/* --- The worker's life ---------------------------------------------------------------------------------- */

void camera_move_readers(struct camera *camera)
{
    camera->host.ring_changed(camera->host.data, camera);
    camera_ring_retire_old(camera->ring);
}

static json_t *camera_message(const struct camera *camera)
{
    static const char *const transports[] = {
        [CONFIG_TRANSPORT_AUTO] = "auto", [CONFIG_TRANSPORT_TCP] = "tcp", [CONFIG_TRANSPORT_UDP] = "udp"};
    static const char *const levels[] = {[LOG_LEVEL_ERROR] = "error",
                                         [LOG_LEVEL_WARNING] = "warning",
                                         [LOG_LEVEL_INFO] = "info",
                                         [LOG_LEVEL_DEBUG] = "debug"};
    static const char *const audio_codecs[] = {[CONFIG_AUDIO_CODEC_FLAC] = "flac",
                                               [CONFIG_AUDIO_CODEC_OPUS] = "opus",
                                               [CONFIG_AUDIO_CODEC_AAC] = "aac"};
    const struct config_camera *config = camera->config;

    return json_pack("{s:i, s:s, s:s, s:s, s:s?, s:s?, s:s, s:b, s:s, s:b, s:b, s:s?, s:b, s:s, s:I}", "v",
                     MESSAGE_VERSION, "type", "camera", "name", config->name, "url", config->url, "username",
                     config->username, "password", config->password, "transport",
                     transports[config->transport], "audio", config->audio, "audio_codec",
                     audio_codecs[config->audio_codec], "show_damaged", config->show_damaged, "tls_verify",
                     config->tls_verify, "tls_fingerprint", config->tls_fingerprint, "allow_redirect",
                     config->allow_redirect, "log_level", levels[camera->log_level], "ring_size_max",
                     (json_int_t)camera_ring_size_max(camera->ring));
}

static void begin_worker(struct camera *camera)
{
    const int fds[] = {camera_ring_writer(camera->ring), camera->wake};
    json_t *message = camera_message(camera);
    int error = message == NULL ? -ENOMEM : worker_begin(camera->worker, message, fds, 2);

    json_decref(message);
    camera->fragments = 0;
    json_decref(camera->counts);
    camera->counts = NULL;
    camera->starts++;
    if (error < 0) {
        camera->handed_over = true;
        back_off(camera, strerror(-error));
    }
}

static void has_ended(struct camera *camera)
{
    camera->ended = true;
    camera->host.ended(camera->host.data, camera);
}

static void keep_last_exit(struct camera *camera, const char *reason)
{
    json_decref(camera->last_exit);
    camera->last_exit = last_exit_new(reason, worker_lines(camera->worker, LIMIT_LAST_WORDS));
}

static void on_message(void *data, const struct channel_message *message)
{
    struct camera *camera = data;

    camera_report(camera, message);
}

static void on_gone(void *data, enum worker_end end, pid_t pid, const char *reason)
{
    struct camera *camera = data;
    bool restarting = camera->restarting || end == WORKER_WAS_LOST;

    camera->restarting = false;
    camera->handed_over = camera->handed_over || end != WORKER_WAS_LOST;
    camera_watch_silence(camera, false);
    if (camera_ring_settle(camera->ring)) {
        camera_move_readers(camera);
    }
    if (end == WORKER_EXITED) {
        keep_last_exit(camera, reason);
        camera->host.exited(camera->host.data, camera, pid, reason);
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

static bool watched(const struct camera *camera)
{
    return camera->viewers > 0 || camera->wanted_until_ms > timer_now_ms();
}

static bool wanted(const struct camera *camera)
{
    return camera->config->enabled && !(camera->config->on_demand && camera->sleepy);
}

/* Makes of the present wish what it means for the worker. */
static void settle(struct camera *camera)
{
    enum camera_state rest = camera->config->enabled ? CAMERA_IDLE : CAMERA_DISABLED;
    bool running = worker_phase(camera->worker) != WORKER_NONE;

    if (camera->ending) {
        return;
    }
    if (!wanted(camera)) {
        timer_disarm(&camera->retry_timer);
        if (running) {
            worker_end(camera->worker);
            return;
        }
        camera->handed_over = true;
        camera->error[0] = '\0';
        if (camera->state != rest) {
            camera_enter_state(camera, rest, NULL);
        }
    } else if (!running && camera->retry_timer == NULL) {
        if (camera->state != CAMERA_STARTING) {
            camera_enter_state(camera, CAMERA_STARTING, NULL);
        }
        begin_worker(camera);
    }
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
    struct camera *camera = data;
    uint64_t now = timer_now_ms();

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

/* After every change of who watches. */
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
    } else if (camera->idle_timer == NULL && !camera->sleepy) {
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
    uint64_t until = timer_now_ms() + duration_ms;

    if (until > camera->wanted_until_ms) {
        camera->wanted_until_ms = until;
    }
    consider_sleep(camera);
}

static int spawn(void *data, int worker_end)
{
    struct camera *camera = data;

    return camera->host.spawn(camera->host.data, camera->config->name, worker_end);
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
    camera_enter_state(camera, CAMERA_STARTING, why); /* not streaming any more, though its end is to come */
    worker_end(camera->worker);
}

void camera_restart(struct camera *camera)
{
    if (!camera->ending) {
        replace_worker(camera, "restart");
    }
}

void camera_set(struct camera *camera, const struct config_camera *config)
{
    bool same_task = config_camera_same_task(camera->config, config);

    config_camera_finish(&camera->settings);
    config_camera_copy(&camera->settings, config);
    if (!config->on_demand) {
        camera->sleepy = false;
    }
    if (!same_task) {
        replace_worker(camera, "its settings changed");
    } else {
        settle(camera);
    }
    consider_sleep(camera);
    camera_keep_state(camera);
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
    camera_watch_silence(camera, false);
    if (worker_phase(camera->worker) == WORKER_NONE) {
        has_ended(camera);
    } else {
        worker_end(camera->worker);
    }
}

void camera_template_ready(struct camera *camera)
{
    worker_template_ready(camera->worker);
}

void camera_template_gone(struct camera *camera)
{
    worker_template_gone(camera->worker);
}

bool camera_spawned(struct camera *camera, pid_t pid)
{
    if (!worker_spawned(camera->worker, pid)) {
        return false;
    }
    if (worker_phase(camera->worker) == WORKER_RUNNING) {
        camera->handed_over = true;
        camera->worker_ms = timer_now_ms();
        camera_keep_state(camera);
        camera_watch_silence(camera, !camera->ending);
        log_camera(LOG_LEVEL_DEBUG, camera->config->name, "camera %s: worker %d", camera->config->name,
                   (int)pid);
    }
    return true;
}

bool camera_spawn_failed(struct camera *camera, const char *error)
{
    return worker_spawn_failed(camera->worker, error);
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

static int make_ring(struct camera *camera, const char *instance)
{
    int error = camera_ring_create(instance, camera->config, &camera->ring);

    if (error < 0) {
        return error;
    }
    camera->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (camera->wake >= 0) {
        return 0;
    }
    error = -errno;
    log_camera(LOG_LEVEL_ERROR, camera->config->name, "camera %s: no event descriptor: %s",
               camera->config->name, strerror(-error));
    return error;
}

int camera_create(struct children *children, const char *instance, const struct config_camera *config,
                  enum log_level log_level, const struct camera_host *host, struct camera **result)
{
    struct camera *camera = calloc(1, sizeof(*camera));
    if (camera == NULL) {
        return -ENOMEM;
    }
    *camera = (struct camera){.children = children,
                              .host = *host,
                              .log_level = log_level,
                              .wake = -1,
                              .state = CAMERA_STARTING,
                              .since_ms = timer_now_ms()};
    const struct worker_host worker_host = {
        .data = camera, .spawn = spawn, .message = on_message, .gone = on_gone};
    config_camera_copy(&camera->settings, config);
    camera->config = &camera->settings;
    log_set_state(camera->config->name, camera_strstate(camera->state));
    int error = -ENOMEM;
    camera->worker = worker_create(children, config->name, &worker_host);
    if (camera->worker == NULL) {
        goto fail;
    }
    error = camera_recall(camera) ? 0 : make_ring(camera, instance);
    if (error < 0) {
        goto fail;
    }
    camera_ring_set_keep(camera->ring, children_keep(children));
    camera_keep(camera);
    *result = camera;
    return 0;
fail:
    camera_destroy(camera);
    return error;
}

void camera_destroy(struct camera *camera)
{
    if (camera == NULL) {
        return;
    }
    timer_disarm(&camera->retry_timer);
    timer_disarm(&camera->silence_timer);
    timer_disarm(&camera->idle_timer);
    worker_destroy(camera->worker);
    if (children_keep(camera->children) != NULL) {
        keep_drop(children_keep(camera->children), KEEP_CAMERA, camera->config->name);
    }
    camera_ring_destroy(camera->ring);
    log_set_state(camera->config->name, NULL);
    if (camera->wake >= 0) {
        close(camera->wake);
    }
    json_decref(camera->counts);
    json_decref(camera->sandbox);
    json_decref(camera->last_exit);
    config_camera_finish(&camera->settings);
    free(camera);
}

struct camera_view camera_view(const struct camera *camera)
{
    return (struct camera_view){
        .name = camera->config->name,
        .ring = camera_ring_name(camera->ring),
        .ring_size = camera_ring_size(camera->ring),
        .ring_reader = camera_ring_reader(camera->ring),
        .wake = camera->wake,
        .codecs = camera->codecs[0] == '\0' ? NULL : camera->codecs,
        .width = camera->width,
        .height = camera->height,
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
        .sandbox = camera->sandbox,
        .last_exit = camera->last_exit,
    };
}
