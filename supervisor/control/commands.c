#include "supervisor/control/commands.h"

#include <string.h>
#include <unistd.h>

#include "common/config/config_camera.h"
#include "common/ipc/message.h"
#include "common/sandbox/sandbox.h"
#include "supervisor/control/commands_change.h"
#include "supervisor/control/commands_viewers.h"
#include "supervisor/process/limit.h"
#include "supervisor/process/timer.h"

/* A name this far (in edits) from a real one is taken for a typing error. */
#define SUGGEST_DISTANCE_MAX 3

static json_t *pid_or_null(pid_t pid)
{
    return pid > 0 ? json_integer(pid) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static double seconds_since(uint64_t since_ms)
{
    return (double)(timer_now_ms() - since_ms) / 1000.0;
}

/* What a worker counts and nobody but people and metrics needs. */
static void add_counts(json_t *status, const json_t *counts)
{
    static const char *const names[] = {"bytes",          "lost",          "reordered",       "duplicates",
                                        "malformed",      "marker_errors", "discontinuities", "withheld",
                                        "jitter_ms",      "ring_head",     "ring_keyframe",   "ring_sequence",
                                        "ring_generation"};

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
    struct camera_view view = camera_view(supervisor_camera(supervisor, index));
    static const char *const origins[] = {
        [CONFIG_FROM_FILE] = "file", [CONFIG_CHANGED] = "changed", [CONFIG_ADDED] = "added"};
    struct latency latency = supervisor_latency(supervisor, view.name);
    bool known = view.codecs != NULL;

    json_t *status =
        json_pack("{s:s, s:s, s:o, s:f, s:I, s:s, s:I, s:o, s:o, s:o, s:f, s:f, s:I, s:I, s:o, s:b, s:b, "
                  "s:s, s:O?, s:I, s:o, s:O?}",
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
                  view.pid > 0 ? view.sandbox : NULL);
    add_counts(status, view.counts);
    add_latency(status, &latency);
    return status;
}

/* Adds camera INDEX, unless it is ending. */
static void add_status(const struct supervisor *supervisor, size_t index, json_t *cameras)
{
    if (!camera_view(supervisor_camera(supervisor, index)).ending) {
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
    for (size_t i = 0; i < supervisor_camera_count(supervisor); i++) {
        if (config_is_sub(camera_view(supervisor_camera(supervisor, i)).name)) {
            return true;
        }
    }
    return false;
}

/* The place of CAMERA's sub stream, which mostly comes next; the number of cameras if there is none. ANY: if
 * there are sub streams at all. */
static size_t find_sub(const struct supervisor *supervisor, size_t camera, bool any)
{
    const char *name = camera_view(supervisor_camera(supervisor, camera)).name;
    size_t count = supervisor_camera_count(supervisor);

    for (size_t step = 1; step < count && any; step++) {
        size_t at = (camera + step) % count;
        if (is_sub_of(camera_view(supervisor_camera(supervisor, at)).name, name)) {
            return at;
        }
    }
    return count;
}

/* A sub stream follows its camera, also when it was added later. */
static json_t *cameras_status(const struct supervisor *supervisor)
{
    json_t *cameras = json_array();
    size_t count = supervisor_camera_count(supervisor);
    const bool any = has_subs(supervisor);

    for (size_t i = 0; i < count; i++) {
        if (config_is_sub(camera_view(supervisor_camera(supervisor, i)).name)) {
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

static json_t *service_status(struct service *service)
{
    return json_pack("{s:o, s:s, s:I, s:O?, s:O?}", "pid", pid_or_null(service_pid(service)), "state",
                     service_strstate(service_state(service)), "restarts",
                     (json_int_t)service_restarts(service), "last_exit", service_last_exit(service),
                     "sandbox", service_sandbox(service));
}

static json_t *fanouts_status(const struct supervisor *supervisor)
{
    json_t *fanouts = json_array();

    for (size_t i = 0; i < supervisor_fanout_count(supervisor); i++) {
        struct fanout *fanout = supervisor_fanout(supervisor, i);
        struct service *service = fanout_service(fanout);
        json_t *status = service_status(service);
        json_object_set_new(status, "viewers", json_integer(fanout_viewers(fanout, NULL)));
        json_array_append_new(fanouts, status);
    }
    return fanouts;
}

static json_t *exporter_status(const struct supervisor *supervisor)
{
    struct exporter *exporter = supervisor_exporter(supervisor);

    return exporter != NULL ? service_status(exporter_service(exporter)) : json_null();
}

json_t *commands_status(struct supervisor *supervisor)
{
    const struct exporter *exporter = supervisor_exporter(supervisor);

    return json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:s, s:s?, s:o, s:f, s:o, s:o, s:o, s:o, s:o}", "v", MESSAGE_VERSION,
        "type", "status", "version", RINGCAST_VERSION, "pid", (json_int_t)getpid(), "instance",
        supervisor_config(supervisor)->instance, "address", supervisor_address(supervisor), "admin",
        exporter != NULL ? exporter_url(exporter) : NULL, "exporter", exporter_status(supervisor), "uptime_s",
        (double)supervisor_uptime_ms(supervisor) / 1000.0, "fanouts", fanouts_status(supervisor), "template",
        service_status(template_service(supervisor_template(supervisor))), "keeper",
        service_status(keeper_service(supervisor_keeper(supervisor))), "cameras", cameras_status(supervisor),
        "sandbox", sandbox_layers());
}

static json_t *answer_status(struct supervisor *supervisor, const json_t *request)
{
    (void)request;
    return commands_status(supervisor);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;

    return smaller < c ? smaller : c;
}

/* Levenshtein distance of two names of at most CONFIG_STREAM_NAME_MAX bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[CONFIG_STREAM_NAME_MAX + 1];
    size_t length = strlen(b);

    for (size_t j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

static const char *nearest_camera(const struct supervisor *supervisor, const char *name)
{
    const char *nearest = NULL;
    size_t best = SUGGEST_DISTANCE_MAX + 1;

    for (size_t i = 0; i < supervisor_camera_count(supervisor); i++) {
        const char *candidate = camera_view(supervisor_camera(supervisor, i)).name;
        size_t edits = distance(name, candidate);
        if (edits < best && edits < strlen(candidate)) {
            best = edits;
            nearest = candidate;
        }
    }
    return nearest;
}

json_t *commands_no_such_camera(const struct supervisor *supervisor, const char *name)
{
    if (strlen(name) > CONFIG_STREAM_NAME_MAX) {
        return message_error("no-such-camera", "no camera has so long a name");
    }
    const char *nearest = nearest_camera(supervisor, name);
    if (nearest == NULL) {
        return message_error("no-such-camera", "no camera is called \"%s\"", name);
    }
    return message_error("no-such-camera", "no camera is called \"%s\"; did you mean \"%s\"?", name, nearest);
}

static struct camera *find_camera(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor_camera_count(supervisor); i++) {
        struct camera_view view = camera_view(supervisor_camera(supervisor, i));
        if (strcmp(view.name, name) == 0 && !view.ending) {
            return supervisor_camera(supervisor, i);
        }
    }
    return NULL;
}

/* The camera that the request names; NULL, and *error is what to answer. */
static struct camera *requested_camera(struct supervisor *supervisor, const json_t *request, json_t **error)
{
    const char *name = message_string(request, "camera", NULL);
    struct camera *camera = name == NULL ? NULL : find_camera(supervisor, name);

    if (name == NULL) {
        *error =
            message_error("malformed", "%s needs \"camera\", the name of a camera", message_type(request));
    } else if (camera == NULL) {
        *error = commands_no_such_camera(supervisor, name);
    }
    return camera;
}

static json_t *answer_restart(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;
    struct camera *camera = requested_camera(supervisor, request, &error);

    if (camera == NULL) {
        return error;
    }
    camera_restart(camera);
    return message_new("ok");
}

static json_t *answer_want(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;
    struct camera *camera = requested_camera(supervisor, request, &error);
    json_int_t seconds = message_integer(request, "seconds", 0);

    if (camera == NULL) {
        return error;
    }
    if (seconds < 1 || seconds > LIMIT_WANT_S) {
        return message_error("malformed", "want needs \"seconds\", 1 to %d", LIMIT_WANT_S);
    }
    camera_want(camera, (uint64_t)seconds * 1000u);
    struct camera_view view = camera_view(camera);
    return json_pack("{s:i, s:s, s:s, s:s}", "v", MESSAGE_VERSION, "type", "wanted", "ring", view.ring,
                     "state", camera_strstate(view.state));
}

/* Of the process that the request names; NULL: no such one. */
static struct service *requested_service(const struct supervisor *supervisor, const json_t *request)
{
    const char *process = message_string(request, "process", "");
    json_int_t index = message_integer(request, "index", 0);

    if (strcmp(process, "template") == 0) {
        return template_service(supervisor_template(supervisor));
    }
    if (strcmp(process, "keeper") == 0) {
        return keeper_service(supervisor_keeper(supervisor));
    }
    if (strcmp(process, "fanout") == 0 && index >= 0 && (size_t)index < supervisor_fanout_count(supervisor)) {
        return fanout_service(supervisor_fanout(supervisor, (size_t)index));
    }
    return NULL;
}

/* LINES (consumed) may be NULL. */
static json_t *log_message(json_t *lines, const json_t *last_exit)
{
    return json_pack("{s:i, s:s, s:o, s:O?}", "v", MESSAGE_VERSION, "type", "log", "lines",
                     lines == NULL ? json_array() : lines, "last_exit", last_exit);
}

static json_t *answer_log(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;

    if (json_object_get(request, "process") != NULL) {
        struct service *service = requested_service(supervisor, request);
        if (service == NULL) {
            return message_error("malformed", "\"process\" is one of fanout, template, keeper");
        }
        return log_message(service_lines(service, SIZE_MAX), service_last_exit(service));
    }
    struct camera *camera = requested_camera(supervisor, request, &error);
    if (camera == NULL) {
        return error;
    }
    return log_message(camera_lines(camera, SIZE_MAX), camera_view(camera).last_exit);
}

static json_t *answer_log_level(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;
    enum log_level level;

    if (log_level_from_name(message_string(request, "level", ""), &level) < 0) {
        return message_error("malformed", "\"level\" is one of error, warning, info, debug");
    }
    if (json_object_get(request, "camera") == NULL) {
        supervisor_set_log_level(supervisor, level);
        return message_new("ok");
    }
    struct camera *camera = requested_camera(supervisor, request, &error);
    if (camera == NULL) {
        return error;
    }
    camera_set_log_level(camera, level);
    return message_new("ok");
}

static json_t *answer_stop(struct supervisor *supervisor, const json_t *request)
{
    (void)request;
    supervisor_stop(supervisor);
    return message_new("ok");
}

json_t *commands_answer(struct supervisor *supervisor, const json_t *request)
{
    static const struct {
        const char *type;
        json_t *(*answer)(struct supervisor *supervisor, const json_t *request);
    } commands[] = {{"status", answer_status},
                    {"restart", answer_restart},
                    {"stop", answer_stop},
                    {"want", answer_want},
                    {"log", answer_log},
                    {"viewers", commands_viewers},
                    {"kick", commands_kick},
                    {"log-level", answer_log_level},
                    {"reload", commands_reload},
                    {"camera-add", commands_camera_add},
                    {"camera-set", commands_camera_set},
                    {"camera-remove", commands_camera_remove},
                    {"camera-enable", commands_camera_enable},
                    {"camera-disable", commands_camera_disable}};

    if (supervisor_stopping(supervisor)) {
        return message_error("stopping", "ringcastd is ending");
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (message_is(request, commands[i].type)) {
            return commands[i].answer(supervisor, request);
        }
    }
    return message_error("unknown-type", "this ringcastd knows no command \"%.64s\"", message_type(request));
}
