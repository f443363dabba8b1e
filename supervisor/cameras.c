/* SPDX-License-Identifier: MIT */
#include "supervisor/cameras.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config_camera.h"
#include "common/log/log.h"
#include "supervisor/process/timer.h"
#include "supervisor/supervisor.h"

const struct config_camera *cameras_find_config(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->camera_count; i++) {
        if (strcmp(config->cameras[i].name, name) == 0) {
            return &config->cameras[i];
        }
    }
    return NULL;
}

/* --- What cameras report -------------------------------------------------------------------------------- */

static void on_camera_changed(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

    programs_update_camera(supervisor, &view);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_update_camera(supervisor->fanouts[i], &view);
    }
    events_publish(supervisor->events, "camera-state",
                   json_pack("{s:s, s:s, s:s?}", "camera", view.name, "state", camera_strstate(view.state),
                             "error", view.error));
    supervisor_check_ready(supervisor);
}

static void on_camera_ring_changed(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

    programs_add_camera(supervisor, &view);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_add_camera(supervisor->fanouts[i], &view);
    }
}

static void on_camera_exited(void *data, struct camera *camera, pid_t pid, const char *reason)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

    events_publish(supervisor->events, "camera-exit",
                   json_pack("{s:s, s:I, s:s, s:I}", "camera", view.name, "pid", (json_int_t)pid, "reason",
                             reason, "restarts", (json_int_t)view.restarts));
}

static void on_keyframe_wanted(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    const struct config_camera *config = camera_config(camera);

    if (!supervisor->stopping) {
        sync_points_ask(supervisor->sync_points, config->name, &config->task);
    }
}

static void on_relay_wanted(void *data, struct camera *camera)
{
    cluster_attach(data, camera);
}

static void on_rested(void *data, struct camera *camera)
{
    places_rested(data, camera);
}

static int on_bury(sd_event_source *source, uint64_t usec, void *data)
{
    struct supervisor *supervisor = data;
    size_t kept = 0;

    (void)source, (void)usec;
    timer_disarm(&supervisor->bury_timer);
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera *camera = supervisor->cameras[i];
        if (camera_view(camera).ended) {
            sync_points_forget(supervisor->sync_points, camera_view(camera).name);
            camera_destroy(camera);
        } else {
            supervisor->cameras[kept++] = camera;
        }
    }
    supervisor->camera_count = kept;
    cameras_reconcile(supervisor);
    return 0;
}

/* The camera is still on the stack: it is destroyed from the loop. */
static void on_camera_ended(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;

    (void)camera;
    if (supervisor->stopping) {
        supervisor_check_finished(supervisor);
    } else {
        timer_arm(supervisor->event, &supervisor->bury_timer, 0, on_bury, supervisor);
    }
}

/* --- Making and ending them ----------------------------------------------------------------------------- */

int cameras_make(struct supervisor *supervisor, const struct config_camera *config)
{
    const struct camera_callbacks callbacks = {.data = supervisor,
                                               .changed = on_camera_changed,
                                               .ring_changed = on_camera_ring_changed,
                                               .exited = on_camera_exited,
                                               .keyframe_wanted = on_keyframe_wanted,
                                               .relay_wanted = on_relay_wanted,
                                               .rested = on_rested,
                                               .ended = on_camera_ended};
    struct camera **cameras =
        reallocarray(supervisor->cameras, supervisor->camera_count + 1, sizeof(struct camera *));
    int result = -ENOMEM;

    if (cameras) {
        struct config_camera effective;
        const char *why = places_effective(supervisor, config, &effective);
        supervisor->cameras = cameras;
        result = camera_create(supervisor->children, supervisor->fork_server, supervisor->logins,
                               supervisor->config->instance, &effective, log_level_now(), &callbacks,
                               &cameras[supervisor->camera_count]);
        config_camera_finish(&effective);
        if (result == 0) {
            camera_hold(cameras[supervisor->camera_count], why);
        }
    }
    if (result < 0) {
        log_error("camera %s: %s", config->name, strerror(-result));
    } else {
        supervisor->camera_count++;
    }
    return result;
}

/* A ring of another kind is another ring, and so another camera for its readers. */
static bool same_ring(const struct config_camera *a, const struct config_camera *b)
{
    return a->ring_size == b->ring_size && a->ring_size_max == b->ring_size_max &&
           a->look_back == b->look_back;
}

static void remove_camera(struct supervisor *supervisor, struct camera *camera)
{
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_remove_camera(supervisor->fanouts[i], camera_view(camera).name);
    }
    programs_remove_camera(supervisor, camera_view(camera).name);
    camera_end(camera);
}

static void add_camera(struct supervisor *supervisor, const struct config_camera *config)
{
    if (cameras_make(supervisor, config) < 0) {
        return;
    }
    struct camera *camera = supervisor->cameras[supervisor->camera_count - 1];
    struct camera_view view = camera_view(camera);
    programs_add_camera(supervisor, &view);
    programs_update_camera(supervisor, &view);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_add_camera(supervisor->fanouts[i], &view);
        fanout_update_camera(supervisor->fanouts[i], &view);
    }
    camera_start(camera);
}

/* A camera must not begin what it is held from, nor go on with what it has been until now when the hold ends. */
static void apply(const struct supervisor *supervisor, struct camera *camera,
                  const struct config_camera *config)
{
    struct config_camera effective;
    const char *why = places_effective(supervisor, config, &effective);

    if (why) {
        camera_hold(camera, why);
    }
    if (!config_camera_equal(camera_config(camera), &effective)) {
        camera_set(camera, &effective);
    }
    if (!why) {
        camera_hold(camera, NULL);
    }
    config_camera_finish(&effective);
}

void cameras_reconcile(struct supervisor *supervisor)
{
    const struct config *config = supervisor->config;

    if (supervisor->stopping) {
        return;
    }
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera *camera = supervisor->cameras[i];
        const struct config_camera *now = camera_config(camera);
        const struct config_camera *wanted = cameras_find_config(config, now->name);
        if (camera_view(camera).ending) {
            continue;
        }
        if (!wanted || !same_ring(now, wanted)) {
            remove_camera(supervisor, camera);
        } else {
            apply(supervisor, camera, wanted);
        }
    }
    /* One that must end first is made when it has. */
    for (size_t i = 0; i < config->camera_count; i++) {
        if (!supervisor_find_camera(supervisor, config->cameras[i].name)) {
            add_camera(supervisor, &config->cameras[i]);
        }
    }
}
