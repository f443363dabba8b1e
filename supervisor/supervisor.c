#include "supervisor/supervisor_private.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/config/config_source.h"
#include "common/ipc/keeper_protocol.h"
#include "common/log/log.h"
#include "supervisor/camera/camera_ring.h"
#include "supervisor/process/timer.h"

/* --- Ready, failed, finished ---------------------------------------------------------------------------- */

static bool all_ready(const struct supervisor *supervisor)
{
    if (service_state(template_service(supervisor->template)) != SERVICE_RUNNING ||
        service_state(keeper_service(supervisor->keeper)) != SERVICE_RUNNING) {
        return false;
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        if (service_state(fanout_service(supervisor->fanouts[i])) != SERVICE_RUNNING) {
            return false;
        }
    }
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        if (!camera_view(supervisor->cameras[i]).handed_over) {
            return false;
        }
    }
    return true;
}

void supervisor_check_ready(struct supervisor *supervisor)
{
    if (supervisor->ready || supervisor->stopping || !all_ready(supervisor)) {
        return;
    }
    supervisor->ready = true;
    log_info("ready: %zu camera%s at %s", supervisor->camera_count, supervisor->camera_count == 1 ? "" : "s",
             supervisor->address);
    sd_notifyf(0, "READY=1\nSTATUS=%zu cameras at %s", supervisor->camera_count, supervisor->address);
    if (supervisor->options->ready != NULL) {
        supervisor->options->ready(supervisor->options->data, supervisor->address);
    }
}

static bool cameras_ended(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        if (!camera_view(supervisor->cameras[i]).ended) {
            return false;
        }
    }
    return true;
}

void supervisor_check_finished(struct supervisor *supervisor)
{
    struct service *keeper = keeper_service(supervisor->keeper);

    if (!supervisor->stopping || !cameras_ended(supervisor) ||
        service_pid(template_service(supervisor->template)) > 0) {
        return;
    }
    if (supervisor->exporter != NULL && service_pid(exporter_service(supervisor->exporter)) > 0) {
        return;
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        if (service_pid(fanout_service(supervisor->fanouts[i])) > 0) {
            return;
        }
    }
    /* The keeper is the last to go: if we are killed before, it ends the others. */
    if (service_state(keeper) != SERVICE_STOPPED && service_state(keeper) != SERVICE_ENDING) {
        service_end(keeper);
    }
    if (service_pid(keeper) == 0) {
        sd_event_exit(supervisor->event, supervisor->exit_code);
    }
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping) {
        return;
    }
    supervisor->stopping = true;
    log_info("ending");
    sd_notify(0, "STOPPING=1");
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_end(supervisor->cameras[i]);
    }
    service_end(template_service(supervisor->template));
    if (supervisor->exporter != NULL) {
        service_end(exporter_service(supervisor->exporter));
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        service_end(fanout_service(supervisor->fanouts[i]));
    }
    supervisor_check_finished(supervisor);
}

/* --- Starting ------------------------------------------------------------------------------------------- */

static void publish_adoption(struct supervisor *supervisor)
{
    json_int_t cameras = 0, fanouts = 0;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        cameras += camera_view(supervisor->cameras[i]).pid > 0;
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanouts += service_pid(fanout_service(supervisor->fanouts[i])) > 0;
    }
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
        for (size_t i = 0; i < supervisor->fanout_count; i++) {
            fanout_remove_camera(supervisor->fanouts[i], name);
        }
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
    if (!supervisor->took_over) {
        service_start(keeper_service(supervisor->keeper));
    }
    for (size_t i = 0; i < supervisor->fanout_count && !supervisor->stopping; i++) {
        if (!service_take(fanout_service(supervisor->fanouts[i]))) {
            service_start(fanout_service(supervisor->fanouts[i]));
        }
    }
    if (supervisor->took_over) {
        end_leftovers(supervisor);
    }
    if (!supervisor->stopping) {
        service_start(template_service(supervisor->template));
    }
    if (!supervisor->stopping && supervisor->exporter != NULL) {
        service_start(exporter_service(supervisor->exporter));
    }
    for (size_t i = 0; i < supervisor->camera_count && !supervisor->stopping; i++) {
        camera_start(supervisor->cameras[i]);
    }
}

/* --- Unmaking, in reverse order ------------------------------------------------------------------------- */

static void remove_sockets(struct supervisor *supervisor)
{
    static const char *const names[] = {KEEPER_SOCKET_NAMES};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        runtime_dir_remove(supervisor->runtime_dir, names[i]);
    }
}

static void close_processes(struct supervisor *supervisor)
{
    exporter_destroy(supervisor->exporter);
    template_destroy(supervisor->template);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_destroy(supervisor->fanouts[i]);
    }
    free(supervisor->fanouts);
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_destroy(supervisor->cameras[i]);
    }
    free(supervisor->cameras);
    leftovers_destroy(supervisor->leftovers);
    keeper_destroy(supervisor->keeper);
    if (supervisor->children != NULL) {
        children_finish(supervisor->children);
    }
}

static void close_all(struct supervisor *supervisor)
{
    timer_disarm(&supervisor->share_timer);
    timer_disarm(&supervisor->bury_timer);
    close_processes(supervisor);
    inquiries_destroy(supervisor->inquiries);
    control_destroy(supervisor->control);
    events_destroy(supervisor->events);
    if (supervisor->listener >= 0) {
        close(supervisor->listener);
    }
    if (supervisor->load_board >= 0) {
        close(supervisor->load_board);
    }
    children_destroy(supervisor->children);
    if (supervisor->runtime_dir != NULL) {
        remove_sockets(supervisor);
    }
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
    if (exit_code == 0) {
        log_info("ended");
    }
    return exit_code;
}

/* --- For the commands ----------------------------------------------------------------------------------- */

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

struct camera *supervisor_find_camera(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        if (strcmp(camera_view(supervisor->cameras[i]).name, name) == 0) {
            return supervisor->cameras[i];
        }
    }
    return NULL;
}

int64_t supervisor_viewers(const struct supervisor *supervisor, const char *camera)
{
    int64_t viewers = 0;

    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        viewers += fanout_viewers(supervisor->fanouts[i], camera);
    }
    return viewers;
}

int64_t supervisor_drops(const struct supervisor *supervisor, const char *camera)
{
    int64_t drops = 0;

    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        drops += fanout_drops(supervisor->fanouts[i], camera);
    }
    return drops;
}

struct latency supervisor_latency(const struct supervisor *supervisor, const char *camera)
{
    struct latency latency = {0};

    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_add_latency(supervisor->fanouts[i], camera, &latency);
    }
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
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_set_log_level(supervisor->fanouts[i], level);
    }
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_set_log_level(supervisor->cameras[i], level);
    }
}

struct template *supervisor_template(const struct supervisor *supervisor)
{
    return supervisor->template;
}

bool supervisor_stopping(const struct supervisor *supervisor)
{
    return supervisor->stopping;
}
