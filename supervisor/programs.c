/* SPDX-License-Identifier: MIT */
#include "supervisor/programs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/channel.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"

#define PATH_SIZE 4096

static const char *const names[PROGRAM_KINDS] = {[PROGRAM_SNAPSHOT] = "snapshot", [PROGRAM_HLS] = "hls"};

int programs_open(struct supervisor *supervisor)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < PROGRAM_KINDS; i++) {
        const struct on_demand_config config = {
            .name = names[i], .path = path, .level = supervisor->config->log_level, .data = supervisor};
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

void supervisor_on_demand_begun(struct supervisor *supervisor, struct on_demand *program)
{
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
    fanout_connect_program(supervisor->fanouts[index], on_demand_name(program), ends[1]);
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
    (void)program, (void)reason;
    if (supervisor->stopping) {
        supervisor_check_finished(supervisor);
    }
}

void supervisor_on_demand_changed(struct supervisor *supervisor, struct on_demand *program,
                                  const char *reason)
{
    supervisor_publish_process(supervisor, on_demand_name(program), 0, on_demand_service(program), reason);
}
