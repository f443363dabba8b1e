/* SPDX-License-Identifier: MIT */
#include "supervisor/programs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"

#define PATH_SIZE 4096

static const char *const names[PROGRAM_KINDS] = {[PROGRAM_SNAPSHOT] = "snapshot",
                                                 [PROGRAM_HLS] = "hls",
                                                 [PROGRAM_RTSP] = "rtsp",
                                                 [PROGRAM_RELAY] = "relay"};

/* What ringcast-password knows ringcast-rtsp by: beside all fan-outs. */
#define PASSWORD_INDEX 64

static int describe_rtsp(void *data, json_t *message, int fds[CHANNEL_FDS_MAX])
{
    return rtsp_door_describe(data, message, fds);
}

static int describe_relay(void *data, json_t *message, int fds[CHANNEL_FDS_MAX])
{
    (void)fds;
    cluster_describe(data, message);
    return 0;
}

static void on_relay_message(void *data, const struct channel_message *message)
{
    cluster_said(data, message);
}

static void on_rtsp_message(void *data, const struct channel_message *message)
{
    if (message_is(message->body, "access-refused")) {
        supervisor_fanout_says(data, message->body);
    } else {
        log_warning("rtsp: unexpected message \"%s\"", message_type(message->body));
    }
}

int programs_open(struct supervisor *supervisor)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        struct on_demand_config config = {
            .name = names[i], .path = path, .level = supervisor->config->log_level, .data = supervisor};
        if (i == PROGRAM_RTSP) {
            config.begin = describe_rtsp;
            config.message = on_rtsp_message;
        } else if (i == PROGRAM_RELAY) {
            config.begin = describe_relay;
            config.message = on_relay_message;
            config.always = true;
        }
        snprintf(path, sizeof(path), "%s/ringcast-%s", supervisor->options->program_dir, names[i]);
        supervisor->programs[i] = on_demand_create(supervisor->children, &config, supervisor);
        if (!supervisor->programs[i]) {
            return -ENOMEM;
        }
    }
    return 0;
}

void programs_close(struct supervisor *supervisor)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_destroy(supervisor->programs[i]);
        supervisor->programs[i] = NULL;
    }
}

void programs_start(struct supervisor *supervisor)
{
    for (size_t i = 0; i < PROGRAM_KINDS && supervisor->took_over; i++) {
        on_demand_take(supervisor->programs[i]);
    }
}

void programs_end(struct supervisor *supervisor)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_end(supervisor->programs[i]);
    }
}

bool programs_have_ended(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        struct service *service = on_demand_service(supervisor->programs[i]);
        if (service && service_pid(service) > 0) {
            return false;
        }
    }
    return true;
}

void programs_add_camera(struct supervisor *supervisor, const struct camera_view *camera)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_add_camera(supervisor->programs[i], camera);
    }
}

void programs_update_camera(struct supervisor *supervisor, const struct camera_view *camera)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_update_camera(supervisor->programs[i], camera);
    }
}

void programs_remove_camera(struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_remove_camera(supervisor->programs[i], name);
    }
}

void programs_set_log_level(struct supervisor *supervisor, enum log_level level)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_set_log_level(supervisor->programs[i], level);
    }
}

static struct on_demand *find(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        if (strcmp(names[i], name) == 0) {
            return supervisor->programs[i];
        }
    }
    return NULL;
}

static size_t index_of(const struct supervisor *supervisor, const struct fanout *fanout)
{
    size_t index = 0;

    while (index < supervisor->fanout_count && supervisor->fanouts[index] != fanout) {
        index++;
    }
    return index;
}

void programs_want(struct supervisor *supervisor, const struct fanout *fanout, const char *name)
{
    struct on_demand *program = find(supervisor, name);

    if (program && !supervisor->stopping) {
        on_demand_want_for(program, index_of(supervisor, fanout));
    }
}

void programs_forget(struct supervisor *supervisor, const struct fanout *fanout)
{
    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        on_demand_forget(supervisor->programs[i], index_of(supervisor, fanout));
    }
}

int64_t programs_viewers(const struct supervisor *supervisor, const char *camera)
{
    int64_t viewers = 0;

    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        viewers += on_demand_viewers(supervisor->programs[i], camera);
    }
    return viewers;
}

static json_t *status_of_program(const struct on_demand *program)
{
    struct service *service = on_demand_service(program);
    const json_t *counts = on_demand_counts(program);

    if (!service) {
        return json_null();
    }
    json_t *status = status_of_service(service);
    json_object_set_new(status, "restarts", json_integer((json_int_t)on_demand_restarts(program)));
    json_object_set_new(status, "starts", json_integer((json_int_t)on_demand_starts(program)));
    json_object_set_new(status, "viewers", json_integer(on_demand_viewers(program, NULL)));
    json_object_set_new(status, "counts", counts ? json_incref((json_t *)counts) : json_null());
    return status;
}

json_t *programs_status(const struct supervisor *supervisor)
{
    json_t *status = json_object();

    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        json_object_set_new(status, names[i], status_of_program(supervisor->programs[i]));
    }
    return status;
}

struct service *programs_service(const struct supervisor *supervisor, const char *name)
{
    const struct on_demand *program = find(supervisor, name);

    return program ? on_demand_service(program) : NULL;
}

/* --- What they report ----------------------------------------------------------------------------------- */

void programs_set_access(struct supervisor *supervisor)
{
    const int fds[] = {access_document(supervisor->access), access_page(supervisor->access)};

    on_demand_tell(supervisor->programs[PROGRAM_RTSP], "access", message_new("access"), fds,
                   fds[1] >= 0 ? 2 : 1);
}

void programs_connect_password(struct supervisor *supervisor)
{
    struct on_demand *program = supervisor->programs[PROGRAM_RTSP];
    int ends[2];

    if (!on_demand_wanted(program) || !password_wanted(supervisor->password) || channel_pair(ends) < 0) {
        return;
    }
    if (password_connect(supervisor->password, PASSWORD_INDEX, ends[0])) {
        on_demand_tell(program, "password-channel", message_new("password-channel"), &ends[1], 1);
    }
    close(ends[0]);
    close(ends[1]);
}

void supervisor_on_demand_begun(struct supervisor *supervisor, struct on_demand *program)
{
    if (program == supervisor->programs[PROGRAM_RTSP]) {
        programs_set_access(supervisor);
        programs_connect_password(supervisor);
    }
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera_view view = camera_view(supervisor->cameras[i]);
        on_demand_add_camera(program, &view);
        on_demand_update_camera(program, &view);
    }
}

void supervisor_on_demand_connect(struct supervisor *supervisor, struct on_demand *program, size_t index)
{
    int ends[2];

    if (index >= supervisor->fanout_count) {
        return;
    }
    int result = channel_pair(ends);
    if (result < 0) {
        log_error("fanout[%zu]: ringcast-%s cannot be asked: %s", index, on_demand_name(program),
                  strerror(-result));
        return;
    }
    on_demand_connect(program, index, ends[0]);
    fanout_connect_program(supervisor->fanouts[index], on_demand_name(program),
                           service_pid(on_demand_service(program)), ends[1]);
    close(ends[0]);
    close(ends[1]);
}

void supervisor_on_demand_viewers(struct supervisor *supervisor)
{
    supervisor_fanout_viewers(supervisor);
}

void supervisor_on_demand_wants(struct supervisor *supervisor, const char *camera)
{
    supervisor_fanout_wants(supervisor, camera);
}

/* Nothing else needs it: what is asked meanwhile has no answer. */
void supervisor_on_demand_gone(struct supervisor *supervisor, struct on_demand *program, const char *reason)
{
    (void)reason;
    if (program == supervisor->programs[PROGRAM_RELAY]) {
        cluster_gone(supervisor);
    }
    rtsp_door_watch(supervisor);
    if (supervisor->stopping) {
        supervisor_check_finished(supervisor);
    }
}

void supervisor_on_demand_changed(struct supervisor *supervisor, struct on_demand *program,
                                  const char *reason)
{
    supervisor_publish_process(supervisor, on_demand_name(program), 0, on_demand_service(program), reason);
}
