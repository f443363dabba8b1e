/* SPDX-License-Identifier: MIT */
#include "supervisor/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/config/config_camera.h"
#include "common/ipc/message.h"
#include "supervisor/attention.h"
#include "supervisor/cameras.h"
#include "supervisor/control/control.h"
#include "supervisor/control/query.h"
#include "supervisor/reload.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"
#include "supervisor/viewers_access.h"

/* A name this far (in edits) from a real one is taken for a typing error. */
#define SUGGEST_DISTANCE_MAX 3

/* Longest time in seconds that a reader may ask a camera to stay awake for; it asks again. Documented. */
#define WANT_MAX_S 60

/* Bytes of "<process id>-<number>". */
#define ID_SIZE 40

/* --- Cameras by name ------------------------------------------------------------------------------------ */

static const char *nearest_camera(const struct supervisor *supervisor, const char *name)
{
    const char *nearest = NULL;
    size_t best = SUGGEST_DISTANCE_MAX + 1;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        const char *candidate = camera_view(supervisor->cameras[i]).name;
        size_t edits = text_edit_distance(name, candidate);
        if (edits < best && edits < strlen(candidate)) {
            best = edits;
            nearest = candidate;
        }
    }
    return nearest;
}

static json_t *no_such_camera(const struct supervisor *supervisor, const char *name)
{
    if (strlen(name) > CONFIG_STREAM_NAME_MAX) {
        return message_error("no-such-camera", "no camera's name can be that long");
    }
    const char *nearest = nearest_camera(supervisor, name);
    if (!nearest) {
        return message_error("no-such-camera", "no camera is called \"%s\"", name);
    }
    return message_error("no-such-camera", "no camera is called \"%s\"; did you mean \"%s\"?", name, nearest);
}

static struct camera *find_camera(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera_view view = camera_view(supervisor->cameras[i]);
        if (strcmp(view.name, name) == 0 && !view.ending) {
            return supervisor->cameras[i];
        }
    }
    return NULL;
}

static json_t *needs_camera(const json_t *request)
{
    return message_error("malformed", "%s needs \"camera\", the name of a camera", message_type(request));
}

/* The camera that the request names; NULL, and *error is what to answer. */
static struct camera *requested_camera(struct supervisor *supervisor, const json_t *request, json_t **error)
{
    const char *name = message_string(request, "camera", NULL);
    struct camera *camera = !name ? NULL : find_camera(supervisor, name);

    if (!name) {
        *error = needs_camera(request);
    } else if (!camera) {
        *error = no_such_camera(supervisor, name);
    }
    return camera;
}

/* True if the status row is that of CAMERA or of its sub stream. */
static bool is_row_of(const json_t *row, const char *camera)
{
    const char *name = message_string(row, "name", "");
    size_t length = strlen(camera);

    return strncmp(name, camera, length) == 0 &&
           (name[length] == '\0' || strcmp(name + length, CONFIG_SUB_SUFFIX) == 0);
}

/* Of one camera, if the request names one. */
static json_t *answer_status(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);

    if (name && !find_camera(supervisor, name)) {
        return no_such_camera(supervisor, name);
    }
    json_t *status = status_of(supervisor);
    json_t *rows = name ? json_object_get(status, "cameras") : NULL;
    for (size_t i = json_array_size(rows); i > 0; i--) {
        if (!is_row_of(json_array_get(rows, i - 1), name)) {
            json_array_remove(rows, i - 1);
        }
    }
    return status;
}

static json_t *answer_restart(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;
    struct camera *camera = requested_camera(supervisor, request, &error);

    if (!camera) {
        return error;
    }
    camera_restart(camera);
    return message_new("ok");
}

/* An event of a camera; a sub stream has none of its own. */
static json_t *answer_attention(struct supervisor *supervisor, const json_t *request)
{
    json_t *answer = attention_answer(supervisor, request);

    return answer
               ? answer
               : no_such_camera(supervisor, message_string(json_object_get(request, "event"), "camera", ""));
}

static json_t *answer_want(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;
    struct camera *camera = requested_camera(supervisor, request, &error);
    json_int_t seconds = message_integer(request, "seconds", 0);

    if (!camera) {
        return error;
    }
    if (seconds < 1 || seconds > WANT_MAX_S) {
        return message_error("malformed", "want needs \"seconds\", 1 to %d", WANT_MAX_S);
    }
    camera_want(camera, (uint64_t)seconds * 1000u);
    struct camera_view view = camera_view(camera);
    return message_pack("wanted", "{s:s, s:s}", "ring", view.ring, "state", camera_strstate(view.state));
}

/* Of the process that the request names; NULL: no such one. */
static struct service *requested_service(const struct supervisor *supervisor, const json_t *request)
{
    const char *process = message_string(request, "process", "");
    json_int_t index = message_integer(request, "index", 0);

    if (strcmp(process, "template") == 0) {
        return fork_server_service(supervisor->fork_server);
    }
    if (strcmp(process, "keeper") == 0) {
        return keeper_service(supervisor->keeper);
    }
    if (strcmp(process, "password") == 0) {
        return password_service(supervisor->password);
    }
    if (strcmp(process, "fanout") == 0 && index >= 0 && (size_t)index < supervisor->fanout_count) {
        return fanout_service(supervisor->fanouts[index]);
    }
    return programs_service(supervisor, process);
}

/* LINES (consumed) may be NULL. */
static json_t *log_message(json_t *lines, const json_t *last_exit)
{
    return message_pack("log", "{s:o, s:O?}", "lines", !lines ? json_array() : lines, "last_exit", last_exit);
}

static json_t *answer_log(struct supervisor *supervisor, const json_t *request)
{
    json_t *error = NULL;

    if (json_object_get(request, "process")) {
        struct service *service = requested_service(supervisor, request);
        if (!service) {
            return message_error("malformed",
                                 "\"process\" is one of fanout, template, keeper, password; is it running?");
        }
        return log_message(service_lines(service, SIZE_MAX), service_last_exit(service));
    }
    struct camera *camera = requested_camera(supervisor, request, &error);
    if (!camera) {
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
    if (!json_object_get(request, "camera")) {
        supervisor_set_log_level(supervisor, level);
        return message_new("ok");
    }
    struct camera *camera = requested_camera(supervisor, request, &error);
    if (!camera) {
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

/* --- Changes -------------------------------------------------------------------------------------------- */

static json_t *answer_reload(struct supervisor *supervisor, const json_t *request)
{
    (void)request;
    return reload_file(supervisor);
}

static json_t *answer_access_reload(struct supervisor *supervisor, const json_t *request)
{
    (void)request;
    return viewers_access_reload(supervisor);
}

/* A sub stream's settings are its camera's. NULL: NAME is none. */
static json_t *refuse_sub(const json_t *request, const char *name)
{
    if (!config_is_sub(name)) {
        return NULL;
    }
    return message_error("setting", "%s: a sub stream is changed with its camera's setting \"sub\"",
                         message_type(request));
}

/* The wish for one that the file may have, with these SETTINGS (consumed). */
static json_t *entry(const char *base, json_t *settings)
{
    return json_pack("{s:s, s:o}", "base", base, "settings", settings);
}

/*
 * Makes OVERRIDES (consumed) what is changed at run time. A camera NAME whose ring cannot be made is
 * configured, and tried again, but the reply says why it has failed.
 */
static json_t *change(struct supervisor *supervisor, const char *name, json_t *overrides)
{
    json_t *reply = reload_overrides(supervisor, overrides);
    const struct camera *camera = supervisor_find_camera(supervisor, name);

    if (camera && message_is(reply, "ok")) {
        struct camera_view view = camera_view(camera);
        if (view.ring_reader < 0 && view.error) {
            json_object_set_new(reply, "failed", json_string(view.error));
        }
    }
    return reply;
}

/* The name is not a setting that can change: it is what the camera is known by. */
static json_t *check_settings(const json_t *request, const json_t *settings)
{
    if (!json_is_object(settings)) {
        return message_error("malformed", "%s needs \"settings\", an object", message_type(request));
    }
    if (json_object_get(settings, "name")) {
        return message_error("setting", "name: a camera's name cannot change; remove it and add another");
    }
    return NULL;
}

/* The name and settings in REQUEST. NULL, or the error that answers it. */
static json_t *read_change(const json_t *request, const char **name, json_t **settings)
{
    *name = message_string(request, "camera", NULL);
    *settings = json_object_get(request, "settings");
    if (!*name) {
        return needs_camera(request);
    }
    json_t *problem = check_settings(request, *settings);
    return problem ? problem : refuse_sub(request, *name);
}

static json_t *answer_camera_add(struct supervisor *supervisor, const json_t *request)
{
    const char *name;
    json_t *settings;
    json_t *problem = read_change(request, &name, &settings);

    if (problem) {
        return problem;
    }
    if (cameras_find_config(supervisor->config, name)) {
        return message_error("camera-exists", "there is a camera \"%.64s\" already", name);
    }
    json_t *overrides = reload_copy_overrides(supervisor);
    json_object_set_new(overrides, name, entry("none", json_deep_copy(settings)));
    return change(supervisor, name, overrides);
}

/*
 * Puts SETTINGS over what is changed already. null over what only the overrides have: nothing is left of it.
 */
static json_t *merge(const json_t *before, json_t *settings)
{
    const char *base = message_string(before, "base", "file");
    json_t *merged = json_deep_copy(json_object_get(before, "settings"));
    const char *name;
    json_t *value;

    if (!merged) {
        merged = json_object();
    }
    json_object_foreach(settings, name, value) {
        if (json_is_null(value)) {
            json_object_del(merged, name);
        } else {
            json_object_set(merged, name, value);
        }
    }
    return entry(base, merged);
}

static json_t *set(struct supervisor *supervisor, const char *name, json_t *settings)
{
    if (!cameras_find_config(supervisor->config, name)) {
        return no_such_camera(supervisor, name);
    }
    json_t *overrides = reload_copy_overrides(supervisor);
    json_t *merged = merge(json_object_get(overrides, name), settings);
    bool nothing = strcmp(message_string(merged, "base", ""), "file") == 0 &&
                   json_object_size(json_object_get(merged, "settings")) == 0;

    if (nothing) {
        json_object_del(overrides, name);
    } else {
        json_object_set(overrides, name, merged);
    }
    json_decref(merged);
    return change(supervisor, name, overrides);
}

static json_t *answer_camera_set(struct supervisor *supervisor, const json_t *request)
{
    const char *name;
    json_t *settings;
    json_t *problem = read_change(request, &name, &settings);

    return problem ? problem : set(supervisor, name, settings);
}

static json_t *answer_camera_remove(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);

    if (!name) {
        return needs_camera(request);
    }
    json_t *problem = refuse_sub(request, name);
    if (problem) {
        return problem;
    }
    const struct config_camera *camera = cameras_find_config(supervisor->config, name);
    if (!camera) {
        return no_such_camera(supervisor, name);
    }
    json_t *overrides = reload_copy_overrides(supervisor);
    /* Also for one that was added here: the file may have one of this name that it stood in front of. */
    json_object_set_new(overrides, name, json_pack("{s:b}", "removed", 1));
    return change(supervisor, name, overrides);
}

/* Forgets what was changed at run time: what the file says counts again. */
static json_t *answer_camera_reset(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);

    if (!name) {
        return needs_camera(request);
    }
    json_t *problem = refuse_sub(request, name);
    if (problem) {
        return problem;
    }
    if (!json_object_get(overrides_now(supervisor->overrides), name)) {
        return cameras_find_config(supervisor->config, name)
                   ? message_error("not-changed", "camera \"%.64s\" is as the file has it", name)
                   : no_such_camera(supervisor, name);
    }
    json_t *overrides = reload_copy_overrides(supervisor);
    json_object_del(overrides, name);
    return change(supervisor, name, overrides);
}

static json_t *enable(struct supervisor *supervisor, const json_t *request, bool enabled)
{
    const char *name = message_string(request, "camera", NULL);

    if (!name) {
        return needs_camera(request);
    }
    json_t *problem = refuse_sub(request, name);
    if (problem) {
        return problem;
    }
    json_t *settings = json_pack("{s:b}", "enabled", enabled);
    json_t *reply = set(supervisor, name, settings);
    json_decref(settings);
    return reply;
}

static json_t *answer_camera_enable(struct supervisor *supervisor, const json_t *request)
{
    return enable(supervisor, request, true);
}

static json_t *answer_camera_disable(struct supervisor *supervisor, const json_t *request)
{
    return enable(supervisor, request, false);
}

/* Puts QUESTION (consumed, with CONTEXT) to COUNT fan-outs from FIRST on. */
static json_t *ask(struct supervisor *supervisor, size_t first, size_t count, json_t *question,
                   json_t *context, query_conclude conclude)
{
    struct fanout *fanouts[QUERY_FANOUTS_MAX];
    struct control_ticket *ticket = control_defer(supervisor->control);

    if (!ticket || !question) {
        if (ticket) {
            control_reply(ticket, NULL);
        }
        json_decref(question);
        json_decref(context);
        return NULL;
    }
    for (size_t i = first; i < first + count && i < QUERY_FANOUTS_MAX; i++) {
        fanouts[i] = supervisor->fanouts[i];
    }
    const struct query query = {.fanouts = fanouts,
                                .first = first,
                                .count = count,
                                .question = question,
                                .context = context,
                                .conclude = conclude};
    query_ask(supervisor->queries, &query, ticket);
    return NULL;
}

/* --- viewers -------------------------------------------------------------------------------------------- */

/*
 * Gives ENTRY the id that is its own among all fan-outs, in place of its number. The number; 0: it is none.
 */
static json_int_t name_viewer(json_t *entry, json_int_t pid)
{
    json_int_t number = message_integer(entry, "number", 0);
    char id[ID_SIZE];

    if (!json_is_object(entry) || number <= 0) {
        return 0;
    }
    snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT, pid, number);
    json_object_set_new(entry, "id", json_string(id));
    json_object_del(entry, "number");
    return number;
}

/* Where the next page begins; null: this was the last. */
static json_t *next_page(const json_t *context, json_int_t last, bool more)
{
    json_int_t fanout = message_integer(context, "fanout", 0), count = message_integer(context, "count", 0);

    if (more && last > message_integer(context, "after", 0)) {
        return json_pack("{s:I, s:I}", "fanout", fanout, "after", last);
    }
    return fanout + 1 < count ? json_pack("{s:I, s:i}", "fanout", fanout + 1, "after", 0) : json_null();
}

static json_t *conclude_viewers(const struct query_result *result)
{
    const json_t *page = json_array_get(result->answers, 0);
    json_t *viewers = json_array(), *entry;
    json_int_t last = 0;
    size_t index;

    json_array_foreach(json_object_get(page, "viewers"), index, entry) {
        json_int_t number = name_viewer(entry, message_integer(result->context, "pid", 0));
        if (number > 0) {
            json_array_append(viewers, entry);
        }
        last = number > last ? number : last;
    }
    return message_pack("viewers", "{s:o, s:o, s:O}", "viewers", viewers, "next",
                        next_page(result->context, last, message_boolean(page, "more", false)), "missing",
                        result->missing);
}

static json_t *answer_viewers(struct supervisor *supervisor, const json_t *request)
{
    const json_t *from = json_object_get(request, "from");
    const char *camera = message_string(request, "camera", NULL);
    json_int_t fanout = message_integer(from, "fanout", 0), after = message_integer(from, "after", 0);
    size_t count = supervisor->fanout_count;

    if (json_object_get(request, "camera") && !camera) {
        return message_error("malformed", "\"camera\" is the name of a camera");
    }
    if ((from && !json_is_object(from)) || fanout < 0 || fanout >= (json_int_t)count || after < 0) {
        return message_error("malformed", "\"from\" is what the last reply had as \"next\"");
    }
    if (camera && !find_camera(supervisor, camera)) {
        return no_such_camera(supervisor, camera);
    }
    pid_t pid = service_pid(fanout_service(supervisor->fanouts[fanout]));
    return ask(supervisor, (size_t)fanout, 1,
               message_pack("viewers-list", "{s:I, s:s*}", "after", after, "camera", camera),
               json_pack("{s:I, s:I, s:I, s:I}", "fanout", fanout, "after", after, "count", (json_int_t)count,
                         "pid", (json_int_t)pid),
               conclude_viewers);
}

/* --- kick ----------------------------------------------------------------------------------------------- */

static json_t *conclude_kick(const struct query_result *result)
{
    const char *id = message_string(result->context, "id", NULL);
    json_int_t viewers = 0;
    json_t *answer;
    size_t index;

    json_array_foreach(result->answers, index, answer) {
        json_int_t count = message_integer(answer, "viewers", 0);
        viewers += count > 0 && count <= INT32_MAX ? count : 0;
    }
    if (id && json_array_size(result->missing) > 0) {
        return message_error("no-answer", "the fan-out of viewer %s does not answer", id);
    }
    if (id && viewers == 0) {
        return message_error("no-such-viewer", "there is no viewer %s; it may have left", id);
    }
    return message_pack("kicked", "{s:I, s:O}", "viewers", viewers, "missing", result->missing);
}

/* Takes "<process id>-<number>" apart. */
static bool parse_id(const char *id, long *pid, long long *number)
{
    char *end = NULL;

    *pid = strtol(id, &end, 10);
    if (*pid <= 0 || *end != '-') {
        return false;
    }
    *number = strtoll(end + 1, &end, 10);
    return *number > 0 && *end == '\0';
}

static json_t *kick_viewer(struct supervisor *supervisor, const char *id)
{
    long pid;
    long long number;

    if (strlen(id) >= ID_SIZE || !parse_id(id, &pid, &number)) {
        return message_error("malformed", "\"viewer\" is the id of a viewer, such as \"813-17\"");
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        if (service_pid(fanout_service(supervisor->fanouts[i])) == pid) {
            return ask(supervisor, i, 1, message_pack("kick", "{s:I}", "viewer", (json_int_t)number),
                       json_pack("{s:s}", "id", id), conclude_kick);
        }
    }
    return message_error("no-such-viewer", "there is no viewer %s; its fan-out has ended", id);
}

static json_t *answer_kick(struct supervisor *supervisor, const json_t *request)
{
    const char *viewer = message_string(request, "viewer", NULL);
    const char *camera = message_string(request, "camera", NULL);

    if ((!viewer) == (!camera)) {
        return message_error("malformed", "kick needs \"viewer\", an id, or \"camera\", a name");
    }
    if (viewer) {
        return kick_viewer(supervisor, viewer);
    }
    if (!find_camera(supervisor, camera)) {
        return no_such_camera(supervisor, camera);
    }
    return ask(supervisor, 0, supervisor->fanout_count, message_pack("kick", "{s:s}", "camera", camera), NULL,
               conclude_kick);
}

/* --- The cluster ---------------------------------------------------------------------------------------- */

/* With one camera alone, if the request names one. */
static json_t *answer_cluster(struct supervisor *supervisor, const json_t *request)
{
    const char *name = message_string(request, "camera", NULL);

    if (name && supervisor->cluster && config_is_sub(name)) {
        return message_error("no-such-camera", "a sub stream comes from where its camera does: ask for that");
    }
    if (name && supervisor->cluster && !cameras_find_config(supervisor->config, name)) {
        return no_such_camera(supervisor, name);
    }
    return cluster_answer(supervisor, name);
}

static json_t *answer_cluster_config(struct supervisor *supervisor, const json_t *request)
{
    (void)request;
    return central_answer(supervisor);
}

/* --- All ------------------------------------------------------------------------------------------------ */

json_t *commands_answer(struct supervisor *supervisor, const json_t *request)
{
    static const struct {
        const char *type;
        json_t *(*answer)(struct supervisor *supervisor, const json_t *request);
    } commands[] = {{"status", answer_status},
                    {"restart", answer_restart},
                    {"stop", answer_stop},
                    {"want", answer_want},
                    {"attention", answer_attention},
                    {"log", answer_log},
                    {"viewers", answer_viewers},
                    {"kick", answer_kick},
                    {"log-level", answer_log_level},
                    {"reload", answer_reload},
                    {"access-reload", answer_access_reload},
                    {"camera-add", answer_camera_add},
                    {"camera-set", answer_camera_set},
                    {"camera-remove", answer_camera_remove},
                    {"camera-reset", answer_camera_reset},
                    {"camera-enable", answer_camera_enable},
                    {"camera-disable", answer_camera_disable},
                    {"cluster", answer_cluster},
                    {"cluster-config", answer_cluster_config},
                    {"cluster-apply", central_answer_apply},
                    {"cluster-drain", cluster_answer_drain}};

    if (supervisor->stopping) {
        return message_error("stopping", "ringcastd is ending");
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (message_is(request, commands[i].type)) {
            return commands[i].answer(supervisor, request);
        }
    }
    return message_error("unknown-type", "this ringcastd knows no command \"%.64s\"", message_type(request));
}
