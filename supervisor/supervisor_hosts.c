/* What each part reports, and whom it concerns: the fan-outs, the cameras, the inquiries, the events. */
#include <string.h>

#include "common/log/log.h"
#include "supervisor/control/commands.h"
#include "supervisor/process/timer.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor_private.h"

/* Reports of several fan-outs within this time are passed on to them together. */
#define SHARE_DELAY_MS 200

/* A viewer that the next report will count. */
#define JOINING_MS 3000

/* --- What the parts report ------------------------------------------------------------------------------ */

/* A program that is needed ended. Before ringcastd is ready that is an error of the installation, not of the
 * day; but not if it ran already under the last ringcastd. */
static void service_gone(struct supervisor *supervisor, const char *program, const char *reason)
{
    if (supervisor->stopping) {
        supervisor_check_finished(supervisor);
    } else if (!supervisor->ready && !supervisor->took_over) {
        log_error("cannot start: %s: %s", program, reason);
        supervisor->exit_code = 1;
        supervisor_stop(supervisor);
    }
}

static void on_fanout_begun(void *data, struct fanout *fanout)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera_view view = camera_view(supervisor->cameras[i]);
        fanout_add_camera(fanout, &view);
        fanout_update_camera(fanout, &view);
    }
}

static void on_fanout_ready(void *data, struct fanout *fanout)
{
    (void)fanout;
    supervisor_check_ready(data);
}

static void on_fanout_wanted(void *data, struct fanout *fanout, const char *name)
{
    struct camera *camera = supervisor_find_camera(data, name);

    (void)fanout;
    if (camera != NULL) {
        camera_want(camera, JOINING_MS);
    }
}

static int on_share(sd_event_source *source, uint64_t usec, void *data)
{
    struct supervisor *supervisor = data;

    (void)source, (void)usec;
    timer_disarm(&supervisor->share_timer);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_tell_elsewhere(supervisor->fanouts[i], supervisor->fanouts, supervisor->fanout_count);
    }
    return 0;
}

static void on_fanout_viewers(void *data, struct fanout *fanout)
{
    struct supervisor *supervisor = data;

    (void)fanout;
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        const char *name = camera_view(supervisor->cameras[i]).name;
        int64_t viewers = supervisor_viewers(supervisor, name);
        if (camera_set_viewers(supervisor->cameras[i], viewers)) {
            events_publish(supervisor->events, "viewers",
                           json_pack("{s:s, s:I}", "camera", name, "viewers", (json_int_t)viewers));
        }
    }
    if (supervisor->fanout_count > 1 && supervisor->share_timer == NULL && !supervisor->stopping) {
        timer_arm(supervisor->event, &supervisor->share_timer, SHARE_DELAY_MS, on_share, supervisor);
    }
}

static size_t index_of(const struct supervisor *supervisor, const struct fanout *fanout)
{
    size_t index = 0;

    while (index < supervisor->fanout_count && supervisor->fanouts[index] != fanout) {
        index++;
    }
    return index;
}

static void on_fanout_answered(void *data, struct fanout *fanout, const json_t *answer)
{
    struct supervisor *supervisor = data;

    inquiries_answer(supervisor->inquiries, index_of(supervisor, fanout), answer);
}

static void on_fanout_gone(void *data, struct fanout *fanout, const char *reason)
{
    struct supervisor *supervisor = data;

    inquiries_gone(supervisor->inquiries, index_of(supervisor, fanout));
    on_fanout_viewers(data, fanout);
    service_gone(data, "ringcast-fanout", reason);
}

static void on_template_ready(void *data)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_template_ready(supervisor->cameras[i]);
    }
    supervisor_check_ready(supervisor);
}

static void on_template_gone(void *data, const char *reason)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_template_gone(supervisor->cameras[i]);
    }
    service_gone(supervisor, "ringcast-ingest", reason);
}

static void on_keeper_ready(void *data)
{
    supervisor_check_ready(data);
}

static void on_keeper_gone(void *data, const char *reason)
{
    service_gone(data, "ringcast-keeper", reason);
}

static bool on_spawned(void *data, const char *name, pid_t pid)
{
    struct supervisor *supervisor = data;
    struct camera *camera = supervisor_find_camera(supervisor, name);

    if (camera == NULL || !camera_spawned(camera, pid)) {
        return false;
    }
    supervisor_check_ready(supervisor);
    return true;
}

static bool on_spawn_failed(void *data, const char *name, const char *error)
{
    struct camera *camera = supervisor_find_camera(data, name);

    return camera != NULL && camera_spawn_failed(camera, error);
}

static int on_camera_spawn(void *data, const char *camera, int worker_end)
{
    struct supervisor *supervisor = data;

    return template_spawn(supervisor->template, camera, worker_end);
}

static void on_camera_changed(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

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

static int on_bury(sd_event_source *source, uint64_t usec, void *data)
{
    struct supervisor *supervisor = data;
    size_t kept = 0;

    (void)source, (void)usec;
    timer_disarm(&supervisor->share_timer);
    timer_disarm(&supervisor->bury_timer);
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera *camera = supervisor->cameras[i];
        if (camera_view(camera).ended) {
            camera_destroy(camera);
        } else {
            supervisor->cameras[kept++] = camera;
        }
    }
    supervisor->camera_count = kept;
    reload_reconcile(supervisor);
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

static json_t *on_exporter_status(void *data)
{
    return commands_status(data);
}

/* Nothing needs it. */
static void on_exporter_gone(void *data, const char *reason)
{
    struct supervisor *supervisor = data;

    (void)reason;
    if (supervisor->stopping) {
        supervisor_check_finished(supervisor);
    }
}

/* --- Processes' states as events ------------------------------------------------------------------------ */

static void publish_process(struct supervisor *supervisor, const char *process, size_t index,
                            struct service *service, const char *reason)
{
    pid_t pid = service_pid(service);

    events_publish(supervisor->events, "process-state",
                   json_pack("{s:s, s:I, s:o, s:s, s:s?}", "process", process, "index", (json_int_t)index,
                             "pid", pid > 0 ? json_integer(pid) : json_null(), "state",
                             service_strstate(service_state(service)), "reason", reason));
}

static void on_fanout_changed(void *data, struct fanout *fanout, const char *reason)
{
    struct supervisor *supervisor = data;

    publish_process(supervisor, "fanout", index_of(supervisor, fanout), fanout_service(fanout), reason);
}

static void on_template_changed(void *data, const char *reason)
{
    struct supervisor *supervisor = data;

    publish_process(supervisor, "template", 0, template_service(supervisor->template), reason);
}

static void on_keeper_changed(void *data, const char *reason)
{
    struct supervisor *supervisor = data;

    if (supervisor->keeper != NULL) {
        publish_process(supervisor, "keeper", 0, keeper_service(supervisor->keeper), reason);
    }
}

/* --- The callbacks together ----------------------------------------------------------------------------- */

struct camera_host supervisor_camera_host(struct supervisor *supervisor)
{
    return (struct camera_host){.data = supervisor,
                                .spawn = on_camera_spawn,
                                .changed = on_camera_changed,
                                .ring_changed = on_camera_ring_changed,
                                .exited = on_camera_exited,
                                .ended = on_camera_ended};
}

struct fanout_host supervisor_fanout_host(struct supervisor *supervisor)
{
    return (struct fanout_host){.data = supervisor,
                                .begun = on_fanout_begun,
                                .ready = on_fanout_ready,
                                .gone = on_fanout_gone,
                                .changed = on_fanout_changed,
                                .viewers = on_fanout_viewers,
                                .answered = on_fanout_answered,
                                .wanted = on_fanout_wanted};
}

struct template_host supervisor_template_host(struct supervisor *supervisor)
{
    return (struct template_host){.data = supervisor,
                                  .ready = on_template_ready,
                                  .spawned = on_spawned,
                                  .spawn_failed = on_spawn_failed,
                                  .gone = on_template_gone,
                                  .changed = on_template_changed};
}

struct keeper_host supervisor_keeper_host(struct supervisor *supervisor)
{
    return (struct keeper_host){
        .data = supervisor, .ready = on_keeper_ready, .gone = on_keeper_gone, .changed = on_keeper_changed};
}

struct exporter_host supervisor_exporter_host(struct supervisor *supervisor)
{
    return (struct exporter_host){.data = supervisor, .status = on_exporter_status, .gone = on_exporter_gone};
}
