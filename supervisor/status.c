/* SPDX-License-Identifier: MIT */
#include "supervisor/status.h"

#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own_usage.h"
#include "common/config/config_camera.h"
#include "common/ipc/message.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/programs.h"
#include "supervisor/supervisor.h"
#include "supervisor/viewers_access.h"

static json_t *pid_or_null(pid_t pid)
{
    return pid > 0 ? json_integer(pid) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static double seconds_since(uint64_t since_ms)
{
    return (double)(clock_now_ms() - since_ms) / 1000.0;
}

/* What a worker counts for people and metrics alone. */
static void add_counts(json_t *status, const json_t *counts)
{
    static const char *const names[] = {
        "bytes",           "lost",          "reordered",  "duplicates", "malformed",     "marker_errors",
        "discontinuities", "withheld",      "jitter_ms",  "ring_head",  "ring_keyframe", "ring_sequence",
        "ring_generation", "announced_fps", "keyframe_ms"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *value = json_object_get(counts, names[i]);
        if (json_is_number(value)) {
            json_object_set(status, names[i], value);
        }
    }
}

/* Nothing before the first fragment that a viewer was sent. */
static void add_latency(json_t *status, const struct latency *latency)
{
    if (latency_count(latency) > 0) {
        json_object_set_new(status, "latency", latency_to_json(latency));
    }
}

static json_t *camera_status(const struct supervisor *supervisor, size_t index)
{
    struct camera_view view = camera_view(supervisor->cameras[index]);
    static const char *const origins[] = {[CONFIG_FROM_FILE] = "file",
                                          [CONFIG_CHANGED] = "changed",
                                          [CONFIG_ADDED] = "added",
                                          [CONFIG_FROM_CLUSTER] = "cluster"};
    struct latency latency = supervisor_latency(supervisor, view.name);
    bool known = view.codecs;

    json_t *status =
        json_pack("{s:s, s:s, s:o, s:f, s:I, s:s, s:I, s:o, s:o, s:o, s:f, s:f, s:I, s:I, s:o, s:b, s:b, "
                  "s:s, s:O?, s:I, s:o, s:O?, s:o, s:o, s:I, s:s?}",
                  "name", view.name, "state", camera_strstate(view.state), "pid", pid_or_null(view.pid),
                  "since_s", seconds_since(view.since_ms), "restarts", (json_int_t)view.restarts, "ring",
                  view.ring, "ring_size", (json_int_t)view.ring_size, "codecs", text_or_null(view.codecs),
                  "width", known ? json_integer(view.width) : json_null(), "height",
                  known ? json_integer(view.height) : json_null(), "fps", view.fps, "bitrate", view.bitrate,
                  "viewers", (json_int_t)supervisor_viewers(supervisor, view.name), "fragments",
                  (json_int_t)view.fragments, "error", text_or_null(view.error), "enabled", view.enabled,
                  "on_demand", view.on_demand, "source", origins[view.origin], "last_exit", view.last_exit,
                  "drops", (json_int_t)supervisor_drops(supervisor, view.name), "uptime_s",
                  view.pid > 0 ? json_real(seconds_since(view.worker_ms)) : json_null(), "sandbox",
                  view.pid > 0 ? view.sandbox : NULL, "audio", text_or_null(view.audio), "audio_error",
                  text_or_null(view.audio_error), "look_back", (json_int_t)view.look_back, "node", view.node);
    json_object_set_new(status, "usage", camera_usage(supervisor->cameras[index]));
    add_counts(status, view.counts);
    add_latency(status, &latency);
    return status;
}

/* Adds camera INDEX, unless it is ending. */
static void add_status(const struct supervisor *supervisor, size_t index, json_t *cameras)
{
    if (!camera_view(supervisor->cameras[index]).ending) {
        json_array_append_new(cameras, camera_status(supervisor, index));
    }
}

/* True if SUB is the name of CAMERA's sub stream. */
static bool is_sub_of(const char *sub, const char *camera)
{
    size_t length = strlen(camera);

    return strncmp(sub, camera, length) == 0 && strcmp(sub + length, CONFIG_SUB_SUFFIX) == 0;
}

static bool has_subs(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        if (config_is_sub(camera_view(supervisor->cameras[i]).name)) {
            return true;
        }
    }
    return false;
}

/* The place of CAMERA's sub stream, which mostly comes next; the number of cameras if there is none. ANY: if
 * there are sub streams at all. */
static size_t find_sub(const struct supervisor *supervisor, size_t camera, bool any)
{
    const char *name = camera_view(supervisor->cameras[camera]).name;
    size_t count = supervisor->camera_count;

    for (size_t step = 1; step < count && any; step++) {
        size_t at = (camera + step) % count;
        if (is_sub_of(camera_view(supervisor->cameras[at]).name, name)) {
            return at;
        }
    }
    return count;
}

/* A sub stream follows its camera, also when it was added later. */
static json_t *cameras_status(const struct supervisor *supervisor)
{
    json_t *cameras = json_array();
    size_t count = supervisor->camera_count;
    const bool any = has_subs(supervisor);

    for (size_t i = 0; i < count; i++) {
        if (config_is_sub(camera_view(supervisor->cameras[i]).name)) {
            continue;
        }
        add_status(supervisor, i, cameras);
        size_t sub = find_sub(supervisor, i, any);
        if (sub < count) {
            add_status(supervisor, sub, cameras);
        }
    }
    return cameras;
}

json_t *status_of_service(struct service *service)
{
    return json_pack("{s:o, s:s, s:I, s:O?, s:O?, s:o}", "pid", pid_or_null(service_pid(service)), "state",
                     service_strstate(service_state(service)), "restarts",
                     (json_int_t)service_restarts(service), "last_exit", service_last_exit(service),
                     "sandbox", service_sandbox(service), "usage", service_usage(service));
}

static json_t *fanouts_status(const struct supervisor *supervisor)
{
    json_t *fanouts = json_array();

    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        struct fanout *fanout = supervisor->fanouts[i];
        struct service *service = fanout_service(fanout);
        json_t *status = status_of_service(service);
        json_object_set_new(status, "viewers", json_integer(fanout_viewers(fanout, NULL)));
        json_object_set_new(status, "connections", json_integer(fanout_connections(fanout)));
        json_object_set_new(status, "refused", fanout_refused(fanout));
        json_array_append_new(fanouts, status);
    }
    return fanouts;
}

static json_t *exporter_status(const struct supervisor *supervisor)
{
    struct exporter *exporter = supervisor->exporter;

    return exporter ? status_of_service(exporter_service(exporter)) : json_null();
}

/* WAITING: messages for it that it has not taken; what is in them is lost if ringcastd is killed now. */
static json_t *keeper_status(const struct supervisor *supervisor)
{
    struct service *service = keeper_service(supervisor->keeper);
    json_t *status = status_of_service(service);

    json_object_set_new(status, "waiting", json_integer((json_int_t)service_waiting(service)));
    return status;
}

/* Cameras of the file that are not there because they were removed at run time. */
static json_t *removed_status(const struct config *config)
{
    json_t *names = json_array();

    for (size_t i = 0; i < config->removed.count; i++) {
        json_array_append_new(names, json_string(config->removed.items[i]));
    }
    return names;
}

/* As blackbox_usage of the children. */
static json_t *own_status(void)
{
    struct own_usage usage = own_usage_read();

    return json_pack("{s:o, s:I}", "pss",
                     usage.share_bytes > 0 ? json_integer((json_int_t)usage.share_bytes) : json_null(),
                     "descriptors", (json_int_t)usage.descriptors);
}

json_t *status_of(const struct supervisor *supervisor)
{
    const struct exporter *exporter = supervisor->exporter;

    return message_pack(
        "status",
        "{s:s, s:I, s:s, s:s, s:s?, s:s?, s:o, s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "version", RINGCAST_VERSION, "pid", (json_int_t)getpid(), "instance", supervisor->config->instance,
        "address", supervisor->address, "rtsp",
        supervisor->rtsp.listener >= 0 ? supervisor->rtsp.address : NULL, "admin",
        exporter ? exporter_url(exporter) : NULL, "exporter", exporter_status(supervisor), "password",
        viewers_access_status(supervisor), "programs", programs_status(supervisor), "uptime_s",
        (double)(clock_now_ms() - supervisor->started_ms) / 1000.0, "fanouts", fanouts_status(supervisor),
        "template", status_of_service(fork_server_service(supervisor->fork_server)), "keeper",
        keeper_status(supervisor), "cameras", cameras_status(supervisor), "removed",
        removed_status(supervisor->config), "sandbox", sandbox_layers(), "usage", own_status(), "cluster",
        cluster_status(supervisor));
}

json_t *status_for_exporter(struct supervisor *supervisor)
{
    return status_of(supervisor);
}
