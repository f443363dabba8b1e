/*
 * What a next ringcastd must know of a camera beside its ring (camera_ring.c): wake eventfd and state. The
 * task's hash tells whether the running worker does what the configuration, which may have changed in
 * between, says now.
 */
#include <string.h>
#include <unistd.h>

#include "common/config/config_camera.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/camera/camera_private.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/timer.h"

static json_t *describe(const struct camera *camera)
{
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:O?, s:O?}", "task",
                     (json_int_t)config_camera_task_hash(camera->config), "state",
                     camera_strstate(camera->state), "since_ms", (json_int_t)camera->since_ms, "worker_ms",
                     (json_int_t)camera->worker_ms, "starts", (json_int_t)camera->starts, "deaths",
                     (json_int_t)camera->backoff.deaths, "error", camera->error, "codecs", camera->codecs,
                     "width", (json_int_t)camera->width, "height", (json_int_t)camera->height, "last_exit",
                     camera->last_exit, "sandbox", camera->sandbox);
}

void camera_keep(const struct camera *camera)
{
    struct keep *keep = children_keep(camera->children);
    json_t *body = keep == NULL ? NULL : describe(camera);

    if (body != NULL) {
        keep_store(keep, KEEP_CAMERA, camera->config->name, body, &camera->wake, 1);
    }
}

void camera_keep_state(const struct camera *camera)
{
    struct keep *keep = children_keep(camera->children);
    json_t *body = keep == NULL ? NULL : describe(camera);

    if (body != NULL) {
        keep_note(keep, KEEP_CAMERA, camera->config->name, body);
    }
}

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
    const json_t *last_exit = json_object_get(body, "last_exit");

    camera->starts = (unsigned)message_integer(body, "starts", 0);
    camera->backoff.deaths = (unsigned)message_integer(body, "deaths", 0);
    if (json_is_object(last_exit)) {
        camera->last_exit = json_deep_copy(last_exit);
    }
}

static void recall_stream(struct camera *camera, const json_t *body)
{
    camera->state = state_named(message_string(body, "state", ""));
    log_set_state(camera->config->name, camera_strstate(camera->state));
    camera->since_ms = (uint64_t)message_integer(body, "since_ms", (json_int_t)camera->since_ms);
    camera->worker_ms = (uint64_t)message_integer(body, "worker_ms", (json_int_t)camera->since_ms);
    camera_copy_text(camera->error, sizeof(camera->error), message_string(body, "error", ""));
    camera_copy_text(camera->codecs, sizeof(camera->codecs), message_string(body, "codecs", ""));
    camera->width = message_integer(body, "width", 0);
    camera->height = message_integer(body, "height", 0);
    camera->sandbox = sandbox_read(json_object_get(body, "sandbox"));
}

static void repeat_offer(struct camera *camera)
{
    int writer = -1;
    json_t *message = camera_ring_repeat(camera->ring, &writer);

    if (message != NULL) {
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
        camera_watch_silence(camera, true);
        repeat_offer(camera);
        log_camera(LOG_LEVEL_INFO, camera->config->name, "camera %s: took its worker over (pid %d, %s)",
                   camera->config->name, (int)worker_pid(camera->worker), camera_strstate(camera->state));
        return;
    }
    camera->restarting = true;
    worker_end(camera->worker);
}

bool camera_recall(struct camera *camera)
{
    struct keep *keep = children_keep(camera->children);
    struct keep_record record;

    if (!keep_take(keep, KEEP_CAMERA, camera->config->name, &record)) {
        return false;
    }
    bool fits = record.fds[0] >= 0 && camera_ring_recall(keep, camera->config, &camera->ring);
    if (fits) {
        camera->wake = keep_record_take_fd(&record, 0);
        recall_history(camera, record.body);
        recall_worker(camera, record.body);
    }
    keep_record_finish(&record);
    return fits;
}
