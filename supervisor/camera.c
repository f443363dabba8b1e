#include "camera.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "backoff.h"
#include "camera_ring.h"
#include "limit.h"
#include "log.h"
#include "message.h"
#include "timer.h"
#include "worker.h"

/* Longest error text that is kept; what a worker says more is cut. */
#define ERROR_SIZE 256

/* Longest codecs parameter, as in the ring. */
#define CODECS_SIZE 128

/* Largest picture that is believed: twice 16K. */
#define DIMENSION_MAX 32768

struct camera {
    const struct config_camera *config;
    struct children *children;
    struct camera_host host;
    enum log_level log_level;
    struct camera_ring *ring;
    int wake;
    struct worker *worker;
    enum camera_state state;
    uint64_t since_ms;
    struct backoff backoff;
    sd_event_source *retry_timer;
    sd_event_source *silence_timer; /* armed while a worker must say something */
    char error[ERROR_SIZE];         /* "" : none */
    char codecs[CODECS_SIZE];       /* "": not known */
    int64_t width, height;
    int64_t fragments;
    double fps, bitrate;
    unsigned starts;
    bool handed_over;
    bool restarting; /* the worker is being ended for a restart */
    bool ending;     /* no worker any more */
};

static void begin_worker(struct camera *camera);

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
    }
    return "unknown";
}

/* Cuts TEXT (valid UTF-8) to SIZE - 1 bytes between characters. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    while (text[length] != '\0' && length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    memcpy(out, text, length);
    out[length] = '\0';
}

/* What a process says of itself is kept without credentials, whatever it forgot. */
static void set_error(struct camera *camera, const char *text)
{
    char redacted[ERROR_SIZE * 2];

    copy_text(redacted, sizeof(redacted), text);
    log_redact(redacted, sizeof(redacted));
    copy_text(camera->error, sizeof(camera->error), redacted);
}

/* --- States
 * ------------------------------------------------------------------------------------------------- */

/* The only place where a state begins. WHY may be NULL. */
static void enter_state(struct camera *camera, enum camera_state state, const char *why)
{
    uint64_t now = timer_now_ms();

    log_write(state == CAMERA_BACKOFF || state == CAMERA_FAILED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
              "camera %s: %s -> %s%s%s", camera->config->name, camera_strstate(camera->state),
              camera_strstate(state), why == NULL ? "" : ": ", why == NULL ? "" : why);
    if (camera->state == CAMERA_STREAMING)
        backoff_credit(&camera->backoff, now - camera->since_ms);
    camera->state = state;
    camera->since_ms = now;
    if (state == CAMERA_STREAMING) {
        camera->error[0] = '\0';
    } else {
        camera->fps = 0;
        camera->bitrate = 0;
    }
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

/* A worker must say something after its start, and while it streams. */
static void watch_silence(struct camera *camera, bool watch)
{
    if (watch)
        timer_arm(children_event(camera->children), &camera->silence_timer, LIMIT_SILENCE_MS, on_silence,
                  camera);
    else
        timer_disarm(&camera->silence_timer);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
    struct camera *camera = data;

    (void)source, (void)usec;
    timer_disarm(&camera->retry_timer);
    enter_state(camera, CAMERA_STARTING, NULL);
    begin_worker(camera);
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
    set_error(camera, reason);
    snprintf(why, sizeof(why), "%s; next start in %llu ms", camera->error, (unsigned long long)delay);
    enter_state(camera, backoff_failed(&camera->backoff) ? CAMERA_FAILED : CAMERA_BACKOFF, why);
    timer_arm(children_event(camera->children), &camera->retry_timer, delay, on_retry, camera);
}

/* --- What the worker says
 * ----------------------------------------------------------------------------------- */

static bool plain_codecs(const char *codecs)
{
    for (const char *c = codecs; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
            return false;
    return strlen(codecs) < CODECS_SIZE;
}

/* True if the stream's parameters changed. */
static bool take_stream(struct camera *camera, const json_t *body)
{
    const char *codecs = message_string(body, "codecs", NULL);
    json_int_t width = message_integer(body, "width", 0), height = message_integer(body, "height", 0);

    if (codecs == NULL || !plain_codecs(codecs) || width < 0 || width > DIMENSION_MAX || height < 0 ||
        height > DIMENSION_MAX)
        return false;
    if (strcmp(codecs, camera->codecs) == 0 && width == camera->width && height == camera->height)
        return false;
    copy_text(camera->codecs, sizeof(camera->codecs), codecs);
    camera->width = width;
    camera->height = height;
    return true;
}

static bool worker_state(const char *name, enum camera_state *state)
{
    static const enum camera_state states[] = {CAMERA_STARTING, CAMERA_STREAMING, CAMERA_STALLED};

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
        log_warning("ingest[%s]: a state that does not exist", camera->config->name);
        return;
    }
    bool changed = take_stream(camera, body);
    if (error != NULL && state != CAMERA_STREAMING) {
        char before[ERROR_SIZE];
        memcpy(before, camera->error, sizeof(before));
        set_error(camera, error);
        changed = changed || strcmp(before, camera->error) != 0;
    }
    if (state != camera->state)
        enter_state(camera, state,
                    camera->error[0] == '\0' || state == CAMERA_STREAMING ? NULL : camera->error);
    else if (changed)
        camera->host.changed(camera->host.data, camera);
    watch_silence(camera, state == CAMERA_STREAMING);
}

/* Fan-outs go on in the ring that is the camera's now; the old one ends behind them. */
static void move_readers(struct camera *camera)
{
    camera->host.ring_changed(camera->host.data, camera);
    camera_ring_retire_old(camera->ring);
}

/* A ring of another size, if the stream needs one. A worker that cannot be told is as if it had not asked. */
static void consider_ring(struct camera *camera, const json_t *body)
{
    int writer = -1;
    json_t *message = camera_ring_observe(camera->ring, body, &writer);

    if (message != NULL && worker_send(camera->worker, message, &writer, 1) < 0)
        worker_kill(camera->worker, "could not be given its next ring");
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
    if (camera->state != CAMERA_STREAMING)
        return;
    camera->fps = measured(body, "fps");
    camera->bitrate = measured(body, "bitrate");
    watch_silence(camera, true);
    consider_ring(camera, body);
}

static void take_ring_change(struct camera *camera, const json_t *body)
{
    if (camera_ring_changed(camera->ring, body))
        move_readers(camera);
}

static void on_message(void *data, const struct channel_message *message)
{
    struct camera *camera = data;

    if (camera->restarting || camera->ending)
        return;
    if (message_is(message->body, "state"))
        take_state(camera, message->body);
    else if (message_is(message->body, "stats"))
        take_stats(camera, message->body);
    else if (message_is(message->body, "ring-short"))
        consider_ring(camera, message->body);
    else if (message_is(message->body, "ring-changed"))
        take_ring_change(camera, message->body);
    else
        log_warning("ingest[%s]: unexpected message \"%s\"", camera->config->name,
                    message_type(message->body));
}

/* --- The worker's life
 * -------------------------------------------------------------------------------------- */

static json_t *camera_message(const struct camera *camera)
{
    static const char *const transports[] = {
        [CONFIG_TRANSPORT_AUTO] = "auto", [CONFIG_TRANSPORT_TCP] = "tcp", [CONFIG_TRANSPORT_UDP] = "udp"};
    static const char *const levels[] = {[LOG_LEVEL_ERROR] = "error",
                                         [LOG_LEVEL_WARNING] = "warning",
                                         [LOG_LEVEL_INFO] = "info",
                                         [LOG_LEVEL_DEBUG] = "debug"};
    const struct config_camera *config = camera->config;

    return json_pack(
        "{s:i, s:s, s:s, s:s, s:s?, s:s?, s:s, s:b, s:b, s:b, s:s?, s:b, s:s, s:I}", "v", MESSAGE_VERSION,
        "type", "camera", "name", config->name, "url", config->url, "username", config->username, "password",
        config->password, "transport", transports[config->transport], "audio", config->audio, "show_damaged",
        config->show_damaged, "tls_verify", config->tls_verify, "tls_fingerprint", config->tls_fingerprint,
        "allow_redirect", config->allow_redirect, "log_level", levels[camera->log_level], "ring_size_max",
        (json_int_t)camera_ring_size_max(camera->ring));
}

static void begin_worker(struct camera *camera)
{
    const int fds[] = {camera_ring_writer(camera->ring), camera->wake};
    json_t *message = camera_message(camera);
    int error = message == NULL ? -ENOMEM : worker_begin(camera->worker, message, fds, 2);

    json_decref(message);
    camera->fragments = 0;
    camera->starts++;
    if (error < 0) {
        camera->handed_over = true;
        back_off(camera, strerror(-error));
    }
}

static void on_gone(void *data, enum worker_end end, const char *reason)
{
    struct camera *camera = data;

    camera->handed_over = camera->handed_over || end != WORKER_WAS_LOST;
    watch_silence(camera, false);
    if (camera_ring_settle(camera->ring))
        move_readers(camera);
    if (camera->ending) {
        camera->host.ended(camera->host.data, camera);
    } else if (camera->restarting || end == WORKER_WAS_LOST) {
        camera->restarting = false;
        if (camera->state != CAMERA_STARTING)
            enter_state(camera, CAMERA_STARTING, NULL);
        begin_worker(camera);
    } else {
        back_off(camera, reason);
    }
}

static int spawn(void *data, int worker_end)
{
    struct camera *camera = data;

    return camera->host.spawn(camera->host.data, camera->config->name, worker_end);
}

void camera_start(struct camera *camera)
{
    begin_worker(camera);
}

void camera_restart(struct camera *camera)
{
    enum worker_phase phase = worker_phase(camera->worker);

    if (camera->ending)
        return;
    backoff_reset(&camera->backoff);
    camera->error[0] = '\0';
    if (phase == WORKER_RUNNING) {
        log_info("camera %s: restart", camera->config->name);
        camera->restarting = true;
        worker_end(camera->worker);
    } else if (phase == WORKER_NONE) {
        timer_disarm(&camera->retry_timer);
        enter_state(camera, CAMERA_STARTING, "restart");
        begin_worker(camera);
    }
}

void camera_end(struct camera *camera)
{
    if (camera->ending)
        return;
    camera->ending = true;
    timer_disarm(&camera->retry_timer);
    watch_silence(camera, false);
    if (worker_phase(camera->worker) == WORKER_NONE)
        camera->host.ended(camera->host.data, camera);
    else
        worker_end(camera->worker);
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
    if (!worker_spawned(camera->worker, pid))
        return false;
    if (worker_phase(camera->worker) == WORKER_RUNNING) {
        camera->handed_over = true;
        watch_silence(camera, !camera->ending);
        log_debug("camera %s: worker %d", camera->config->name, (int)pid);
    }
    return true;
}

bool camera_spawn_failed(struct camera *camera, const char *error)
{
    return worker_spawn_failed(camera->worker, error);
}

/* --- Making and unmaking
 * ------------------------------------------------------------------------------------ */

int camera_create(struct children *children, const char *instance, const struct config_camera *config,
                  enum log_level log_level, const struct camera_host *host, struct camera **result)
{
    struct camera *camera = calloc(1, sizeof(*camera));
    if (camera == NULL)
        return -ENOMEM;
    *camera = (struct camera){.config = config,
                              .children = children,
                              .host = *host,
                              .log_level = log_level,
                              .wake = -1,
                              .state = CAMERA_STARTING,
                              .since_ms = timer_now_ms()};
    const struct worker_host worker_host = {
        .data = camera, .spawn = spawn, .message = on_message, .gone = on_gone};
    int error = camera_ring_create(instance, config, &camera->ring);
    if (error < 0)
        goto fail;
    camera->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (camera->wake < 0) {
        error = -errno;
        log_error("camera %s: no event descriptor: %s", config->name, strerror(-error));
        goto fail;
    }
    camera->worker = worker_create(children, config->name, &worker_host);
    if (camera->worker == NULL) {
        error = -ENOMEM;
        goto fail;
    }
    *result = camera;
    return 0;
fail:
    camera_destroy(camera);
    return error;
}

void camera_destroy(struct camera *camera)
{
    if (camera == NULL)
        return;
    timer_disarm(&camera->retry_timer);
    timer_disarm(&camera->silence_timer);
    worker_destroy(camera->worker);
    camera_ring_destroy(camera->ring);
    if (camera->wake >= 0)
        close(camera->wake);
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
        .restarts = camera->starts > 0 ? camera->starts - 1 : 0,
        .fps = camera->fps,
        .bitrate = camera->bitrate,
        .fragments = camera->fragments,
        .handed_over = camera->handed_over,
    };
}
