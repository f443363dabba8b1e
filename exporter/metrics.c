/* SPDX-License-Identifier: MIT */
#include "exporter/metrics.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc/doors.h"
#include "common/ipc/message.h"
#include "exporter/exposition.h"
#include "exporter/usage.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A number in the status that is a metric; SCALE turns its unit into one of Prometheus' base units. */
struct number {
    const char *member;
    const char *name;
    const char *type;
    const char *help;
    double scale;
};

static const struct number camera_numbers[] = {
    {"fps", "ringcast_camera_frames_per_second", "gauge", "Fragments published in the last second.", 1},
    {"bitrate", "ringcast_camera_bits_per_second", "gauge", "Bits published in the last second.", 1},
    {"fragments", "ringcast_camera_fragments_total", "counter", "Fragments published by the present worker.",
     1},
    {"bytes", "ringcast_camera_bytes_total", "counter", "Bytes published by the present worker.", 1},
    {"ring_size", "ringcast_camera_ring_size_bytes", "gauge", "Size of the camera's ring.", 1},
    {"ring_head", "ringcast_camera_ring_head_bytes", "gauge",
     "Position in the ring up to which it is written, in bytes since it was made.", 1},
    {"ring_keyframe", "ringcast_camera_ring_keyframe_bytes", "gauge",
     "Position in the ring of the newest keyframe.", 1},
    {"ring_sequence", "ringcast_camera_ring_sequence", "gauge", "Number of the newest fragment in the ring.",
     1},
    {"ring_generation", "ringcast_camera_ring_generation", "gauge",
     "Number of the ring's present init segment.", 1},
    {"viewers", "ringcast_camera_viewers", "gauge", "WebSocket viewers over all fan-outs.", 1},
    {"drops", "ringcast_camera_viewer_drops_total", "counter",
     "How often a viewer was too slow and was moved on to a keyframe.", 1},
    {"restarts", "ringcast_camera_restarts_total", "counter", "How often the worker was started again.", 1},
    {"uptime_s", "ringcast_camera_uptime_seconds", "gauge", "How long the present worker has been running.",
     1},
    {"since_s", "ringcast_camera_state_seconds", "gauge", "How long the camera has been in its state.", 1},
    {"width", "ringcast_camera_width_pixels", "gauge", "Width of the picture.", 1},
    {"height", "ringcast_camera_height_pixels", "gauge", "Height of the picture.", 1},
    {"lost", "ringcast_camera_lost_packets_total", "counter", "RTP packets that never came.", 1},
    {"reordered", "ringcast_camera_reordered_packets_total", "counter", "RTP packets that came late.", 1},
    {"jitter_ms", "ringcast_camera_jitter_seconds", "gauge", "Interarrival jitter (RFC 3550).", 1e-3},
    {"discontinuities", "ringcast_camera_discontinuities_total", "counter", "Repairs of the timeline.", 1},
    {"withheld", "ringcast_camera_withheld_frames_total", "counter",
     "Frames that were not published: damaged, or waiting for a keyframe.", 1},
};

static const char *const camera_states[] = {"starting", "streaming", "stalled", "backoff",
                                            "disabled", "failed",    "idle"};

static void write_one(struct exposition *exposition, const char *name, const char *type, const char *help,
                      double value)
{
    exposition_family(exposition, name, type, help);
    exposition_sample(exposition, "", NULL, 0, value);
}

static const char *name_of(const json_t *camera)
{
    return message_string(camera, "name", "");
}

static void write_camera_number(struct exposition *exposition, const json_t *cameras,
                                const struct number *number)
{
    bool begun = false;
    size_t index;
    json_t *camera;

    json_array_foreach(cameras, index, camera) {
        const json_t *value = json_object_get(camera, number->member);
        struct exposition_label label = {"camera", name_of(camera)};
        if (!json_is_number(value)) {
            continue;
        }
        if (!begun) {
            exposition_family(exposition, number->name, number->type, number->help);
        }
        begun = true;
        exposition_sample(exposition, "", &label, 1, json_number_value(value) * number->scale);
    }
}

static void write_states(struct exposition *exposition, const json_t *cameras)
{
    size_t index;
    json_t *camera;

    exposition_family(exposition, "ringcast_camera_state", "gauge", "1 for the state that the camera is in.");
    json_array_foreach(cameras, index, camera) {
        const char *state = message_string(camera, "state", "");
        for (size_t i = 0; i < COUNT(camera_states); i++) {
            struct exposition_label labels[] = {{"camera", name_of(camera)}, {"state", camera_states[i]}};
            exposition_sample(exposition, "", labels, COUNT(labels), strcmp(state, camera_states[i]) == 0);
        }
    }
}

static void write_state_counts(struct exposition *exposition, const json_t *cameras)
{
    exposition_family(exposition, "ringcast_cameras", "gauge", "Cameras by state.");
    for (size_t i = 0; i < COUNT(camera_states); i++) {
        struct exposition_label label = {"state", camera_states[i]};
        double count = 0;
        size_t index;
        json_t *camera;
        json_array_foreach(cameras, index, camera) {
            count += strcmp(message_string(camera, "state", ""), camera_states[i]) == 0;
        }
        exposition_sample(exposition, "", &label, 1, count);
    }
}

static void write_camera_info(struct exposition *exposition, const json_t *cameras)
{
    size_t index;
    json_t *camera;

    exposition_family(exposition, "ringcast_camera_info", "gauge", "What the camera sends.");
    json_array_foreach(cameras, index, camera) {
        struct exposition_label labels[] = {{"camera", name_of(camera)},
                                            {"codecs", message_string(camera, "codecs", "")}};
        exposition_sample(exposition, "", labels, COUNT(labels), 1);
    }
}

/*
 * LATENCY: {"le_s": [bounds], "counts": [one for each bound, and one for all above], "sum_s": …}. The counts
 * are not cumulative; those of Prometheus are.
 */
static void write_histogram(struct exposition *exposition, const char *camera, const json_t *latency)
{
    const json_t *bounds = json_object_get(latency, "le_s");
    const json_t *counts = json_object_get(latency, "counts");
    struct exposition_label labels[] = {{"camera", camera}, {"le", NULL}};
    double total = 0;

    for (size_t i = 0; i < json_array_size(counts); i++) {
        char bound[32] = "+Inf";
        if (i < json_array_size(bounds)) {
            snprintf(bound, sizeof(bound), "%.9g", json_number_value(json_array_get(bounds, i)));
        }
        labels[1].value = bound;
        total += json_number_value(json_array_get(counts, i));
        exposition_sample(exposition, "_bucket", labels, COUNT(labels), total);
    }
    exposition_sample(exposition, "_sum", labels, 1, json_number_value(json_object_get(latency, "sum_s")));
    exposition_sample(exposition, "_count", labels, 1, total);
}

static void write_latency(struct exposition *exposition, const json_t *cameras)
{
    bool begun = false;
    size_t index;
    json_t *camera;

    json_array_foreach(cameras, index, camera) {
        const json_t *latency = json_object_get(camera, "latency");
        if (!json_is_object(latency) || json_array_size(json_object_get(latency, "counts")) == 0) {
            continue;
        }
        if (!begun) {
            exposition_family(
                exposition, "ringcast_camera_latency_seconds", "histogram",
                "From the fragment's publication in the ring until every viewer that keeps up was sent it.");
        }
        begun = true;
        write_histogram(exposition, name_of(camera), latency);
    }
}

/* --- Processes ------------------------------------------------------------------------------------------ */

/* One of ringcast's processes, and what it uses. */
struct process {
    const char *kind;
    const char *name; /* which of its kind: the camera, the fan-out's number; "" for the only one */
    struct usage usage;
};

struct processes {
    struct process *list;
    size_t count;
};

/* Names of fan-outs, "0" and up: more than there can be. */
#define INDEX_NAMES 64

static const char *index_name(size_t index)
{
    static char names[INDEX_NAMES][4];
    size_t at = index < INDEX_NAMES ? index : INDEX_NAMES - 1;

    snprintf(names[at], sizeof(names[at]), "%u", (unsigned)at);
    return names[at];
}

/* Adds the process whose id OBJECT has as `pid`, if there is such a process. */
static void add_process(struct processes *processes, const char *kind, const char *name, const json_t *object)
{
    struct process *process = &processes->list[processes->count];
    json_int_t pid = message_integer(object, "pid", 0);

    if (pid <= 0 || pid > INT32_MAX || !usage_read((pid_t)pid, &process->usage)) {
        return;
    }
    usage_take(&process->usage, json_object_get(object, "usage"));
    process->kind = kind;
    process->name = name;
    processes->count++;
}

static bool gather_processes(struct processes *processes, const json_t *status)
{
    static const char *const helpers[] = {"template", "keeper", "exporter", "password"};
    const json_t *fanouts = json_object_get(status, "fanouts");
    const json_t *cameras = json_object_get(status, "cameras");
    const json_t *programs = json_object_get(status, "programs");
    const char *name;
    size_t most =
        1 + COUNT(helpers) + json_object_size(programs) + json_array_size(fanouts) + json_array_size(cameras);
    size_t index;
    json_t *object;

    *processes = (struct processes){.list = calloc(most, sizeof(*processes->list))};
    if (!processes->list) {
        return false;
    }
    add_process(processes, "ringcastd", "", status);
    json_object_foreach((json_t *)programs, name, object) {
        add_process(processes, name, "", object);
    }
    for (size_t i = 0; i < COUNT(helpers); i++) {
        add_process(processes, helpers[i], "", json_object_get(status, helpers[i]));
    }
    json_array_foreach(fanouts, index, object) {
        add_process(processes, "fanout", index_name(index), object);
    }
    json_array_foreach(cameras, index, object) {
        add_process(processes, "ingest", name_of(object), object);
    }
    return true;
}

/* False: the value is not known for this process. */
typedef bool usage_getter(const struct usage *usage, double *value);

static bool get_cpu(const struct usage *usage, double *value)
{
    *value = usage->cpu_seconds;
    return true;
}

static bool get_resident(const struct usage *usage, double *value)
{
    *value = (double)usage->resident_bytes;
    return true;
}

static bool get_share(const struct usage *usage, double *value)
{
    *value = (double)usage->share_bytes;
    return usage->has_share;
}

static bool get_descriptors(const struct usage *usage, double *value)
{
    *value = usage->descriptors;
    return usage->has_descriptors;
}

static const struct {
    const char *name, *type, *help;
    usage_getter *get;
} usage_families[] = {
    {"ringcast_process_cpu_seconds_total", "counter", "CPU time, user and system.", get_cpu},
    {"ringcast_process_resident_memory_bytes", "gauge", "Resident memory; shared pages count whole.",
     get_resident},
    {"ringcast_process_proportional_memory_bytes", "gauge",
     "Proportional set size: shared pages are divided by their users.", get_share},
    {"ringcast_process_open_fds", "gauge", "Open descriptors.", get_descriptors},
};

static void write_processes(struct exposition *exposition, const json_t *status)
{
    struct processes processes;

    if (!gather_processes(&processes, status)) {
        return;
    }
    for (size_t i = 0; i < COUNT(usage_families); i++) {
        exposition_family(exposition, usage_families[i].name, usage_families[i].type, usage_families[i].help);
        for (size_t j = 0; j < processes.count; j++) {
            const struct process *process = &processes.list[j];
            struct exposition_label labels[] = {{"process", process->kind}, {"name", process->name}};
            double value = 0;
            if (usage_families[i].get(&process->usage, &value)) {
                exposition_sample(exposition, "", labels, COUNT(labels), value);
            }
        }
    }
    free(processes.list);
}

static void write_fanout_number(struct exposition *exposition, const json_t *status, const char *member)
{
    size_t index;
    json_t *fanout;

    json_array_foreach(json_object_get(status, "fanouts"), index, fanout) {
        struct exposition_label label = {"name", index_name(index)};
        exposition_sample(exposition, "", &label, 1, (double)message_integer(fanout, member, 0));
    }
}

static void write_refused(struct exposition *exposition, const json_t *status)
{
    size_t index;
    json_t *fanout;

    exposition_family(exposition, "ringcast_fanout_refused_total", "counter",
                      "How often a fan-out refused a visitor, by the limit.");
    json_array_foreach(json_object_get(status, "fanouts"), index, fanout) {
        const json_t *refused = json_object_get(fanout, "refused");
        for (size_t i = 0; i < DOORS_LIMIT_COUNT; i++) {
            struct exposition_label labels[] = {{"name", index_name(index)}, {"limit", doors_limits[i]}};
            exposition_sample(exposition, "", labels, COUNT(labels),
                              (double)message_integer(refused, doors_limits[i], 0));
        }
    }
}

static void write_fanouts(struct exposition *exposition, const json_t *status)
{
    exposition_family(exposition, "ringcast_fanout_viewers", "gauge", "WebSocket viewers of a fan-out.");
    write_fanout_number(exposition, status, "viewers");
    exposition_family(exposition, "ringcast_fanout_connections", "gauge",
                      "Connections of a fan-out, those of its viewers among them.");
    write_fanout_number(exposition, status, "connections");
    write_refused(exposition, status);
    exposition_family(exposition, "ringcast_fanout_restarts_total", "counter",
                      "How often a fan-out was started again.");
    write_fanout_number(exposition, status, "restarts");
}

static bool runs(const json_t *process)
{
    return strcmp(message_string(process, "state", ""), "running") == 0;
}

static void write_answers(struct exposition *exposition, const json_t *checks)
{
    static const char *const results[] = {"right", "wrong", "slowed"};

    exposition_family(exposition, "ringcast_password_answers_total", "counter",
                      "Passwords that viewers gave, by what was answered; slowed: not tried.");
    for (size_t i = 0; i < COUNT(results); i++) {
        struct exposition_label label = {"result", results[i]};
        exposition_sample(exposition, "", &label, 1, (double)message_integer(checks, results[i], 0));
    }
}

/* Nothing if viewers need not log in. */
static void write_password(struct exposition *exposition, const json_t *password)
{
    const json_t *checks = json_object_get(password, "checks");

    if (!json_is_object(password)) {
        return;
    }
    write_one(exposition, "ringcast_password_up", "gauge", "1 while the process that checks passwords runs.",
              runs(password));
    write_one(exposition, "ringcast_password_restarts_total", "counter",
              "How often the process that checks passwords was started again.",
              (double)message_integer(password, "restarts", 0));
    write_answers(exposition, checks);
    write_one(exposition, "ringcast_password_hashes_total", "counter", "Passwords that were computed.",
              (double)message_integer(checks, "hashed", 0));
}

static void write_program_number(struct exposition *exposition, const json_t *programs, const char *member)
{
    const char *name;
    json_t *program;

    json_object_foreach((json_t *)programs, name, program) {
        struct exposition_label label = {"program", name};
        exposition_sample(exposition, "", &label, 1, (double)message_integer(program, member, 0));
    }
}

/* What ringcast-relay says among its counts of how it is now, which is no count of what was done. */
static const struct number relay_numbers[] = {
    {"connected", "ringcast_relay_connected", "gauge", "1 while ringcast-relay is connected with NATS.", 1},
    {"streams_sent", "ringcast_relay_streams_sent", "gauge", "Streams that go to other nodes now.", 1},
    {"streams_received", "ringcast_relay_streams_received", "gauge",
     "Streams of other nodes that come in now.", 1},
};

/* Nothing until ringcast-relay has run once; 0 while it does not run. */
static void write_relay(struct exposition *exposition, const json_t *relay)
{
    for (size_t i = 0; i < COUNT(relay_numbers) && json_is_object(relay); i++) {
        const struct number *number = &relay_numbers[i];
        const json_int_t value = message_integer(json_object_get(relay, "counts"), number->member, 0);
        write_one(exposition, number->name, number->type, number->help, runs(relay) ? (double)value : 0);
    }
}

static bool is_relay_number(const char *program, const char *what)
{
    bool is = false;

    for (size_t i = 0; i < COUNT(relay_numbers) && strcmp(program, "relay") == 0; i++) {
        is = is || strcmp(what, relay_numbers[i].member) == 0;
    }
    return is;
}

static void write_program_counts(struct exposition *exposition, const json_t *programs)
{
    const char *name, *what;
    json_t *program, *count;

    exposition_family(exposition, "ringcast_program_done_total", "counter",
                      "What the present process of a program on demand has done.");
    json_object_foreach((json_t *)programs, name, program) {
        json_object_foreach(json_object_get(program, "counts"), what, count) {
            struct exposition_label labels[] = {{"program", name}, {"what", what}};
            if (!is_relay_number(name, what)) {
                exposition_sample(exposition, "", labels, 2, json_number_value(count));
            }
        }
    }
}

/* All of them, also those that have not run yet. */
static void write_programs(struct exposition *exposition, const json_t *programs)
{
    const char *name;
    json_t *program;

    exposition_family(exposition, "ringcast_program_up", "gauge", "1 while a program on demand runs.");
    json_object_foreach((json_t *)programs, name, program) {
        struct exposition_label label = {"program", name};
        exposition_sample(exposition, "", &label, 1, runs(program));
    }
    exposition_family(exposition, "ringcast_program_starts_total", "counter",
                      "How often a program on demand was started because somebody asked.");
    write_program_number(exposition, programs, "starts");
    exposition_family(exposition, "ringcast_program_restarts_total", "counter",
                      "How often a program on demand was started again after a death.");
    write_program_number(exposition, programs, "restarts");
    write_program_counts(exposition, programs);
    write_relay(exposition, json_object_get(programs, "relay"));
}

char *metrics_write(const json_t *status, size_t *size)
{
    const json_t *cameras = json_object_get(status, "cameras");
    struct exposition_label version = {"version", message_string(status, "version", "")};
    struct exposition exposition;

    if (exposition_begin(&exposition) < 0) {
        return NULL;
    }
    exposition_family(&exposition, "ringcast_info", "gauge", "ringcastd's version.");
    exposition_sample(&exposition, "", &version, 1, 1);
    write_one(&exposition, "ringcast_uptime_seconds", "gauge", "How long ringcastd has been running.",
              json_number_value(json_object_get(status, "uptime_s")));
    write_state_counts(&exposition, cameras);
    write_states(&exposition, cameras);
    write_camera_info(&exposition, cameras);
    for (size_t i = 0; i < COUNT(camera_numbers); i++) {
        write_camera_number(&exposition, cameras, &camera_numbers[i]);
    }
    write_latency(&exposition, cameras);
    write_fanouts(&exposition, status);
    write_password(&exposition, json_object_get(status, "password"));
    write_programs(&exposition, json_object_get(status, "programs"));
    write_processes(&exposition, status);
    return exposition_end(&exposition, size);
}

bool metrics_is_ready(const json_t *status, char *why, size_t why_size)
{
    size_t index;
    json_t *fanout;
    bool serving = false;

    json_array_foreach(json_object_get(status, "fanouts"), index, fanout) {
        serving = serving || runs(fanout);
    }
    if (!serving) {
        snprintf(why, why_size, "no fan-out is running\n");
    } else if (!runs(json_object_get(status, "template"))) {
        snprintf(why, why_size, "the fork server of ingest is not running\n");
    } else {
        snprintf(why, why_size, "ready\n");
    }
    return serving && runs(json_object_get(status, "template"));
}
