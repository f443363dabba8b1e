#include "supervisor_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "camera_ring.h"
#include "commands.h"
#include "config_source.h"
#include "keeper_names.h"
#include "limit.h"
#include "log.h"
#include "message.h"
#include "reload.h"
#include "timer.h"

/* Reports of several fan-outs within this time are passed on to them together. */
#define SHARE_DELAY_MS 200

/* --- Ready, failed, finished
 * -------------------------------------------------------------------------------- */

static bool all_ready(const struct supervisor *supervisor)
{
    if (service_state(template_service(supervisor->template)) != SERVICE_RUNNING ||
        service_state(keeper_service(supervisor->keeper)) != SERVICE_RUNNING)
        return false;
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        if (service_state(fanout_service(supervisor->fanouts[i])) != SERVICE_RUNNING)
            return false;
    for (size_t i = 0; i < supervisor->camera_count; i++)
        if (!camera_view(supervisor->cameras[i]).handed_over)
            return false;
    return true;
}

static void check_ready(struct supervisor *supervisor)
{
    if (supervisor->ready || supervisor->stopping || !all_ready(supervisor))
        return;
    supervisor->ready = true;
    log_info("ready: %zu camera%s at %s", supervisor->camera_count, supervisor->camera_count == 1 ? "" : "s",
             supervisor->address);
    sd_notifyf(0, "READY=1\nSTATUS=%zu cameras at %s", supervisor->camera_count, supervisor->address);
    if (supervisor->options->ready != NULL)
        supervisor->options->ready(supervisor->options->data, supervisor->address);
}

static bool cameras_ended(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->camera_count; i++)
        if (!camera_view(supervisor->cameras[i]).ended)
            return false;
    return true;
}

static void check_finished(struct supervisor *supervisor)
{
    struct service *keeper = keeper_service(supervisor->keeper);

    if (!supervisor->stopping || !cameras_ended(supervisor) ||
        service_pid(template_service(supervisor->template)) > 0)
        return;
    if (supervisor->exporter != NULL && service_pid(exporter_service(supervisor->exporter)) > 0)
        return;
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        if (service_pid(fanout_service(supervisor->fanouts[i])) > 0)
            return;
    /* The keeper is the last to go: if we are killed before, it ends the others. */
    if (service_state(keeper) != SERVICE_STOPPED && service_state(keeper) != SERVICE_ENDING)
        service_end(keeper);
    if (service_pid(keeper) == 0)
        sd_event_exit(supervisor->event, supervisor->exit_code);
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    log_info("ending");
    sd_notify(0, "STOPPING=1");
    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_end(supervisor->cameras[i]);
    service_end(template_service(supervisor->template));
    if (supervisor->exporter != NULL)
        service_end(exporter_service(supervisor->exporter));
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        service_end(fanout_service(supervisor->fanouts[i]));
    check_finished(supervisor);
}

/* A program that is needed ended. Before ringcastd is ready that is an error of the installation, not of the
 * day; but not if it ran already under the last ringcastd. */
static void service_gone(struct supervisor *supervisor, const char *program, const char *reason)
{
    if (supervisor->stopping) {
        check_finished(supervisor);
    } else if (!supervisor->ready && !supervisor->took_over) {
        log_error("cannot start: %s: %s", program, reason);
        supervisor->exit_code = 1;
        supervisor_stop(supervisor);
    }
}

/* --- What the parts report
 * ---------------------------------------------------------------------------------- */

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
    check_ready(data);
}

struct camera *supervisor_find_camera(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->camera_count; i++)
        if (strcmp(camera_view(supervisor->cameras[i]).name, name) == 0)
            return supervisor->cameras[i];
    return NULL;
}

/* A viewer that the next report will count. */
#define JOINING_MS 3000

static void on_fanout_wanted(void *data, struct fanout *fanout, const char *name)
{
    struct camera *camera = supervisor_find_camera(data, name);

    (void)fanout;
    if (camera != NULL)
        camera_want(camera, JOINING_MS);
}

static int on_share(sd_event_source *source, uint64_t usec, void *data)
{
    struct supervisor *supervisor = data;

    (void)source, (void)usec;
    timer_disarm(&supervisor->share_timer);
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_tell_elsewhere(supervisor->fanouts[i], supervisor->fanouts, supervisor->fanout_count);
    return 0;
}

static void on_fanout_viewers(void *data, struct fanout *fanout)
{
    struct supervisor *supervisor = data;

    (void)fanout;
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        const char *name = camera_view(supervisor->cameras[i]).name;
        int64_t viewers = supervisor_viewers(supervisor, name);
        if (camera_set_viewers(supervisor->cameras[i], viewers))
            events_publish(supervisor->events, "viewers",
                           json_pack("{s:s, s:I}", "camera", name, "viewers", (json_int_t)viewers));
    }
    if (supervisor->fanout_count > 1 && supervisor->share_timer == NULL && !supervisor->stopping)
        timer_arm(supervisor->event, &supervisor->share_timer, SHARE_DELAY_MS, on_share, supervisor);
}

static size_t index_of(const struct supervisor *supervisor, const struct fanout *fanout)
{
    size_t index = 0;

    while (index < supervisor->fanout_count && supervisor->fanouts[index] != fanout)
        index++;
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

    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_template_ready(supervisor->cameras[i]);
    check_ready(supervisor);
}

static void on_template_gone(void *data, const char *reason)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_template_gone(supervisor->cameras[i]);
    service_gone(supervisor, "ringcast-ingest", reason);
}

static void on_keeper_ready(void *data)
{
    check_ready(data);
}

static void on_keeper_gone(void *data, const char *reason)
{
    service_gone(data, "ringcast-keeper", reason);
}

static bool on_spawned(void *data, const char *name, pid_t pid)
{
    struct supervisor *supervisor = data;
    struct camera *camera = supervisor_find_camera(supervisor, name);

    if (camera == NULL || !camera_spawned(camera, pid))
        return false;
    check_ready(supervisor);
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

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_update_camera(supervisor->fanouts[i], &view);
    events_publish(supervisor->events, "camera-state",
                   json_pack("{s:s, s:s, s:s?}", "camera", view.name, "state", camera_strstate(view.state),
                             "error", view.error));
    check_ready(supervisor);
}

static void on_camera_ring_changed(void *data, struct camera *camera)
{
    struct supervisor *supervisor = data;
    struct camera_view view = camera_view(camera);

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_add_camera(supervisor->fanouts[i], &view);
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
        if (camera_view(camera).ended)
            camera_destroy(camera);
        else
            supervisor->cameras[kept++] = camera;
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
    if (supervisor->stopping)
        check_finished(supervisor);
    else
        timer_arm(supervisor->event, &supervisor->bury_timer, 0, on_bury, supervisor);
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
    if (supervisor->stopping)
        check_finished(supervisor);
}

/* --- Processes' states as events
 * --------------------------------------------------------------------------------------- */

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

    if (supervisor->keeper != NULL)
        publish_process(supervisor, "keeper", 0, keeper_service(supervisor->keeper), reason);
}

/* --- For supervisor_start.c
 * ----------------------------------------------------------------------------------- */

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

/* --- Starting
 * -------------------------------------------------------------------------------- */

static void publish_adoption(struct supervisor *supervisor)
{
    json_int_t cameras = 0, fanouts = 0;

    for (size_t i = 0; i < supervisor->camera_count; i++)
        cameras += camera_view(supervisor->cameras[i]).pid > 0;
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanouts += service_pid(fanout_service(supervisor->fanouts[i])) > 0;
    log_info("took over %d worker%s and %d fan-out%s", (int)cameras, cameras == 1 ? "" : "s", (int)fanouts,
             fanouts == 1 ? "" : "s");
    events_publish(supervisor->events, "adopted",
                   json_pack("{s:I, s:I}", "cameras", cameras, "fanouts", fanouts));
}

/* Rings of cameras that are no more, and every process that is not needed: its template, whose children would
 * not be ours, among them. */
static void end_leftovers(struct supervisor *supervisor)
{
    struct keep_record record;
    char *name;

    supervisor->leftovers = leftovers_end(supervisor->children);
    while (keep_take_any(keeper_keep(supervisor->keeper), KEEP_CAMERA, "", &name, &record)) {
        log_camera(LOG_LEVEL_INFO, name, "camera %s: not configured any more", name);
        for (size_t i = 0; i < supervisor->fanout_count; i++)
            fanout_remove_camera(supervisor->fanouts[i], name);
        keep_record_finish(&record);
        free(name);
    }
    while (keep_take_any(keeper_keep(supervisor->keeper), KEEP_RING, "", &name, &record)) {
        camera_ring_discard(&record);
        free(name);
    }
    keeper_settle(supervisor->keeper);
    publish_adoption(supervisor);
}

static void start_processes(struct supervisor *supervisor)
{
    if (!supervisor->took_over)
        service_start(keeper_service(supervisor->keeper));
    for (size_t i = 0; i < supervisor->fanout_count && !supervisor->stopping; i++)
        if (!service_take(fanout_service(supervisor->fanouts[i])))
            service_start(fanout_service(supervisor->fanouts[i]));
    if (supervisor->took_over)
        end_leftovers(supervisor);
    if (!supervisor->stopping)
        service_start(template_service(supervisor->template));
    if (!supervisor->stopping && supervisor->exporter != NULL)
        service_start(exporter_service(supervisor->exporter));
    for (size_t i = 0; i < supervisor->camera_count && !supervisor->stopping; i++)
        camera_start(supervisor->cameras[i]);
}

/* --- Unmaking, in reverse order
 * ----------------------------------------------------------------------------- */

static void remove_sockets(struct supervisor *supervisor)
{
    static const char *const names[] = {KEEPER_SOCKET_NAMES};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        runtime_dir_remove(supervisor->runtime_dir, names[i]);
}

static void close_processes(struct supervisor *supervisor)
{
    exporter_destroy(supervisor->exporter);
    template_destroy(supervisor->template);
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_destroy(supervisor->fanouts[i]);
    free(supervisor->fanouts);
    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_destroy(supervisor->cameras[i]);
    free(supervisor->cameras);
    leftovers_destroy(supervisor->leftovers);
    keeper_destroy(supervisor->keeper);
    if (supervisor->children != NULL)
        children_finish(supervisor->children);
}

static void close_all(struct supervisor *supervisor)
{
    timer_disarm(&supervisor->share_timer);
    timer_disarm(&supervisor->bury_timer);
    close_processes(supervisor);
    inquiries_destroy(supervisor->inquiries);
    control_destroy(supervisor->control);
    events_destroy(supervisor->events);
    if (supervisor->listener >= 0)
        close(supervisor->listener);
    if (supervisor->load_board >= 0)
        close(supervisor->load_board);
    children_destroy(supervisor->children);
    if (supervisor->runtime_dir != NULL)
        remove_sockets(supervisor);
    changes_close(supervisor->changes);
    config_source_destroy(supervisor->source);
    config_free(supervisor->config);
    free(supervisor->config_path);
    runtime_dir_close(supervisor->runtime_dir);
    sd_event_source_disable_unref(supervisor->sigterm);
    sd_event_source_disable_unref(supervisor->sigint);
    sd_event_source_disable_unref(supervisor->sighup);
    sd_event_unref(supervisor->event);
}

int supervisor_run(const char *config_path, const struct supervisor_options *options)
{
    struct supervisor supervisor = {
        .options = options, .listener = -1, .load_board = -1, .started_ms = timer_now_ms()};
    int exit_code = 1;

    supervisor.config_path = strdup(config_path);
    if (supervisor.config_path != NULL && supervisor_open(&supervisor) == 0) {
        start_processes(&supervisor);
        exit_code = sd_event_loop(supervisor.event);
        if (exit_code < 0) {
            log_error("the event loop failed: %s", strerror(-exit_code));
            exit_code = 1;
        }
    }
    close_all(&supervisor);
    if (exit_code == 0)
        log_info("ended");
    return exit_code;
}

/* --- For the commands
 * --------------------------------------------------------------------------------------- */

const struct config *supervisor_config(const struct supervisor *supervisor)
{
    return supervisor->config;
}

const char *supervisor_address(const struct supervisor *supervisor)
{
    return supervisor->address;
}

struct exporter *supervisor_exporter(const struct supervisor *supervisor)
{
    return supervisor->exporter;
}

uint64_t supervisor_uptime_ms(const struct supervisor *supervisor)
{
    return timer_now_ms() - supervisor->started_ms;
}

size_t supervisor_camera_count(const struct supervisor *supervisor)
{
    return supervisor->camera_count;
}

struct camera *supervisor_camera(const struct supervisor *supervisor, size_t index)
{
    return supervisor->cameras[index];
}

size_t supervisor_fanout_count(const struct supervisor *supervisor)
{
    return supervisor->fanout_count;
}

struct fanout *supervisor_fanout(const struct supervisor *supervisor, size_t index)
{
    return supervisor->fanouts[index];
}

int64_t supervisor_viewers(const struct supervisor *supervisor, const char *camera)
{
    int64_t viewers = 0;

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        viewers += fanout_viewers(supervisor->fanouts[i], camera);
    return viewers;
}

int64_t supervisor_drops(const struct supervisor *supervisor, const char *camera)
{
    int64_t drops = 0;

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        drops += fanout_drops(supervisor->fanouts[i], camera);
    return drops;
}

struct latency supervisor_latency(const struct supervisor *supervisor, const char *camera)
{
    struct latency latency = {0};

    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_add_latency(supervisor->fanouts[i], camera, &latency);
    return latency;
}

struct control *supervisor_control(const struct supervisor *supervisor)
{
    return supervisor->control;
}

struct inquiries *supervisor_inquiries(const struct supervisor *supervisor)
{
    return supervisor->inquiries;
}

struct keeper *supervisor_keeper(const struct supervisor *supervisor)
{
    return supervisor->keeper;
}

void supervisor_set_log_level(struct supervisor *supervisor, enum log_level level)
{
    log_set_level(level);
    for (size_t i = 0; i < supervisor->fanout_count; i++)
        fanout_set_log_level(supervisor->fanouts[i], level);
    for (size_t i = 0; i < supervisor->camera_count; i++)
        camera_set_log_level(supervisor->cameras[i], level);
}

struct template *supervisor_template(const struct supervisor *supervisor)
{
    return supervisor->template;
}

bool supervisor_stopping(const struct supervisor *supervisor)
{
    return supervisor->stopping;
}
