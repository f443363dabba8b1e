/* SPDX-License-Identifier: MIT */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/attention.h"
#include "supervisor/process/timer.h"
#include "supervisor/viewers_access.h"

/* Reports of several fan-outs within this time are passed on to them together. */
#define SHARE_DELAY_MS 200

/* A viewer that the next report will count. */
#define JOINING_MS 3000

/* Between two attempts to take what the children of a killed ringcastd may still hold. */
#define TAKEOVER_RETRY_MS 50

/* --- All cameras, all fan-outs -------------------------------------------------------------------------- */

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
    return viewers + programs_viewers(supervisor, camera);
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

void supervisor_set_log_level(struct supervisor *supervisor, enum log_level level)
{
    log_set_level(level);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_set_log_level(supervisor->fanouts[i], level);
    }
    password_set_log_level(supervisor->password, level);
    programs_set_log_level(supervisor, level);
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        camera_set_log_level(supervisor->cameras[i], level);
    }
}

/* --- Ready, failed, finished ---------------------------------------------------------------------------- */

static bool all_ready(const struct supervisor *supervisor)
{
    if (service_state(fork_server_service(supervisor->fork_server)) != SERVICE_RUNNING ||
        service_state(keeper_service(supervisor->keeper)) != SERVICE_RUNNING ||
        !viewers_access_is_ready(supervisor)) {
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
    if (supervisor->options->ready) {
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
        service_pid(fork_server_service(supervisor->fork_server)) > 0) {
        return;
    }
    if (supervisor->exporter && service_pid(exporter_service(supervisor->exporter)) > 0) {
        return;
    }
    if (!viewers_access_has_ended(supervisor) || !programs_have_ended(supervisor)) {
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
    service_end(fork_server_service(supervisor->fork_server));
    if (supervisor->exporter) {
        service_end(exporter_service(supervisor->exporter));
    }
    password_end(supervisor->password);
    cluster_end(supervisor);
    programs_end(supervisor);
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        service_end(fanout_service(supervisor->fanouts[i]));
    }
    supervisor_check_finished(supervisor);
}

/* --- Services ------------------------------------------------------------------------------------------- */

/*
 * A program that is needed ended. Before ringcastd is ready that is an error of the installation, not of the
 * day; but not if it ran already under the last ringcastd.
 */
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

void supervisor_publish_process(struct supervisor *supervisor, const char *process, size_t index,
                                struct service *service, const char *reason)
{
    pid_t pid = service_pid(service);

    events_publish(supervisor->events, "process-state",
                   json_pack("{s:s, s:I, s:o, s:s, s:s?}", "process", process, "index", (json_int_t)index,
                             "pid", pid > 0 ? json_integer(pid) : json_null(), "state",
                             service_strstate(service_state(service)), "reason", reason));
}

void supervisor_fork_server_ready(struct supervisor *supervisor)
{
    supervisor_check_ready(supervisor);
}

void supervisor_fork_server_answered(struct supervisor *supervisor)
{
    supervisor_check_ready(supervisor);
}

void supervisor_fork_server_gone(struct supervisor *supervisor, const char *reason)
{
    service_gone(supervisor, "ringcast-ingest", reason);
}

void supervisor_fork_server_changed(struct supervisor *supervisor, const char *reason)
{
    supervisor_publish_process(supervisor, "template", 0, fork_server_service(supervisor->fork_server),
                               reason);
}

void supervisor_keeper_ready(struct supervisor *supervisor)
{
    supervisor_check_ready(supervisor);
}

void supervisor_keeper_gone(struct supervisor *supervisor, const char *reason)
{
    service_gone(supervisor, "ringcast-keeper", reason);
}

void supervisor_keeper_changed(struct supervisor *supervisor, const char *reason)
{
    /* One that is met while everything is opened has no supervisor's pointer to it yet. */
    if (supervisor->keeper) {
        supervisor_publish_process(supervisor, "keeper", 0, keeper_service(supervisor->keeper), reason);
    }
}

void supervisor_password_gone(struct supervisor *supervisor, const char *reason)
{
    service_gone(supervisor, "ringcast-password", reason);
}

void supervisor_password_changed(struct supervisor *supervisor, const char *reason)
{
    supervisor_publish_process(supervisor, "password", 0, password_service(supervisor->password), reason);
}

/* Nothing needs it. */
void supervisor_exporter_gone(struct supervisor *supervisor)
{
    if (supervisor->stopping) {
        supervisor_check_finished(supervisor);
    }
}

/* --- Fan-outs ------------------------------------------------------------------------------------------- */

static size_t index_of(const struct supervisor *supervisor, const struct fanout *fanout)
{
    size_t index = 0;

    while (index < supervisor->fanout_count && supervisor->fanouts[index] != fanout) {
        index++;
    }
    return index;
}

void supervisor_fanout_begun(struct supervisor *supervisor, struct fanout *fanout)
{
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera_view view = camera_view(supervisor->cameras[i]);
        fanout_add_camera(fanout, &view);
        fanout_update_camera(fanout, &view);
    }
    attention_repeat(supervisor, fanout);
}

void supervisor_fanout_ready(struct supervisor *supervisor)
{
    supervisor_check_ready(supervisor);
}

void supervisor_fanout_changed(struct supervisor *supervisor, struct fanout *fanout, const char *reason)
{
    supervisor_publish_process(supervisor, "fanout", index_of(supervisor, fanout), fanout_service(fanout),
                               reason);
}

void supervisor_fanout_asks(struct supervisor *supervisor, struct fanout *fanout, const char *program)
{
    programs_want(supervisor, fanout, program);
}

void supervisor_fanout_wants(struct supervisor *supervisor, const char *camera)
{
    struct camera *wanted = supervisor_find_camera(supervisor, camera);

    if (wanted) {
        camera_want(wanted, JOINING_MS);
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

void supervisor_fanout_viewers(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        const char *name = camera_view(supervisor->cameras[i]).name;
        int64_t viewers = supervisor_viewers(supervisor, name);
        if (camera_set_viewers(supervisor->cameras[i], viewers)) {
            events_publish(supervisor->events, "viewers",
                           json_pack("{s:s, s:I}", "camera", name, "viewers", (json_int_t)viewers));
        }
    }
    if (supervisor->fanout_count > 1 && !supervisor->share_timer && !supervisor->stopping) {
        timer_arm(supervisor->event, &supervisor->share_timer, SHARE_DELAY_MS, on_share, supervisor);
    }
}

void supervisor_fanout_answered(struct supervisor *supervisor, const struct fanout *fanout,
                                const json_t *answer)
{
    query_answer(supervisor->queries, index_of(supervisor, fanout), answer);
}

void supervisor_fanout_gone(struct supervisor *supervisor, const struct fanout *fanout, const char *reason)
{
    programs_forget(supervisor, fanout);
    query_fanout_gone(supervisor->queries, index_of(supervisor, fanout));
    supervisor_fanout_viewers(supervisor);
    service_gone(supervisor, "ringcast-fanout", reason);
}

/* --- Taking over ---------------------------------------------------------------------------------------- */

bool supervisor_takeover_pause(const struct supervisor *supervisor)
{
    const struct timespec pause = {.tv_nsec = TAKEOVER_RETRY_MS * NS_PER_MS};

    if (clock_now_ms() >= supervisor->takeover_until_ms) {
        return false;
    }
    nanosleep(&pause, NULL);
    return true;
}
