#include <string.h>

#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/camera/camera_private.h"

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

    if (codecs == NULL || !plain_codecs(codecs) || width < 0 || width > DIMENSION_MAX || height < 0 ||
        height > DIMENSION_MAX) {
        return false;
    }
    if (strcmp(codecs, camera->codecs) == 0 && width == camera->width && height == camera->height) {
        return false;
    }
    camera_copy_text(camera->codecs, sizeof(camera->codecs), codecs);
    camera->width = width;
    camera->height = height;
    return true;
}

static bool take_sandbox(struct camera *camera, const json_t *body)
{
    json_t *layers = sandbox_read(json_object_get(body, "sandbox"));
    bool changed = camera->sandbox == NULL || !json_equal(layers, camera->sandbox);

    json_decref(camera->sandbox);
    camera->sandbox = layers;
    return changed;
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
        log_camera(LOG_LEVEL_WARNING, camera->config->name, "ingest[%s]: a state that does not exist",
                   camera->config->name);
        return;
    }
    bool changed = take_stream(camera, body);
    changed = take_sandbox(camera, body) || changed;
    if (error != NULL && state != CAMERA_STREAMING) {
        char before[ERROR_SIZE];
        memcpy(before, camera->error, sizeof(before));
        camera_set_error(camera, error);
        changed = changed || strcmp(before, camera->error) != 0;
    }
    if (state != camera->state) {
        camera_enter_state(camera, state,
                           camera->error[0] == '\0' || state == CAMERA_STREAMING ? NULL : camera->error);
    } else if (changed) {
        camera_keep_state(camera);
        camera->host.changed(camera->host.data, camera);
    }
    camera_watch_silence(camera, state == CAMERA_STREAMING);
}

/* A ring of another size, if the stream needs one. A worker that cannot be told is as if it had not asked. */
static void consider_ring(struct camera *camera, const json_t *body)
{
    int writer = -1;
    json_t *message = camera_ring_observe(camera->ring, body, &writer);

    if (message != NULL && worker_send(camera->worker, message, &writer, 1) < 0) {
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
    camera_watch_silence(camera, true);
    consider_ring(camera, body);
}

static void take_ring_change(struct camera *camera, const json_t *body)
{
    if (camera_ring_changed(camera->ring, body)) {
        camera_move_readers(camera);
    }
}

void camera_report(struct camera *camera, const struct channel_message *message)
{
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
    } else {
        log_camera(LOG_LEVEL_WARNING, camera->config->name, "ingest[%s]: unexpected message \"%s\"",
                   camera->config->name, message_type(message->body));
    }
}
