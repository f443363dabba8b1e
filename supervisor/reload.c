/* SPDX-License-Identifier: MIT */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config_camera.h"
#include "common/config/config_source.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/cameras.h"
#include "supervisor/descriptors.h"
#include "supervisor/helpers/http_policy.h"
#include "supervisor/process/listen.h"
#include "supervisor/secrets.h"
#include "supervisor/supervisor.h"
#include "supervisor/viewers_access.h"
#include "supervisor/viewers_socket.h"

/* Bytes of why a configuration is refused. */
#define REASON_SIZE 256

/* --- The difference ------------------------------------------------------------------------------------- */

static void publish_camera(struct supervisor *supervisor, const char *event, const char *name)
{
    events_publish(supervisor->events, event, json_pack("{s:s}", "camera", name));
}

/* {"added":[…],"removed":[…],"changed":[…],"unchanged":N} */
static json_t *difference(const struct config *before, const struct config *after)
{
    json_t *added = json_array(), *removed = json_array(), *changed = json_array();
    json_int_t unchanged = 0;

    for (size_t i = 0; i < before->camera_count; i++) {
        if (!cameras_find_config(after, before->cameras[i].name)) {
            json_array_append_new(removed, json_string(before->cameras[i].name));
        }
    }
    for (size_t i = 0; i < after->camera_count; i++) {
        const struct config_camera *camera = &after->cameras[i];
        const struct config_camera *old = cameras_find_config(before, camera->name);
        if (!old) {
            json_array_append_new(added, json_string(camera->name));
        } else if (!config_camera_equal(old, camera)) {
            json_array_append_new(changed, json_string(camera->name));
        } else {
            unchanged++;
        }
    }
    return json_pack("{s:o, s:o, s:o, s:I}", "added", added, "removed", removed, "changed", changed,
                     "unchanged", unchanged);
}

static void publish_each(struct supervisor *supervisor, const char *event, const json_t *names)
{
    const json_t *name;
    size_t index;

    json_array_foreach(names, index, name) {
        publish_camera(supervisor, event, json_string_value(name));
    }
}

/* --- Applying ------------------------------------------------------------------------------------------- */

static void apply_log_level(struct supervisor *supervisor, enum log_level level)
{
    if (level != supervisor->config->log_level || level != log_level_now()) {
        supervisor_set_log_level(supervisor, level);
    }
}

/* NEXT is the configuration from now on. What became of the cameras. */
static json_t *apply(struct supervisor *supervisor, struct config *next)
{
    struct config *before = supervisor->config;
    json_t *report = difference(before, next);

    secrets_hide(next);
    apply_log_level(supervisor, next->log_level);
    supervisor->config = next;
    cameras_reconcile(supervisor);
    config_free(before);
    publish_each(supervisor, "camera-added", json_object_get(report, "added"));
    publish_each(supervisor, "camera-removed", json_object_get(report, "removed"));
    publish_each(supervisor, "camera-changed", json_object_get(report, "changed"));
    return report;
}

static bool same_address(const struct config_address *a, const struct config_address *b)
{
    if (!a->host || !b->host) {
        return a->host == b->host;
    }
    return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

/* What cannot change while ringcastd runs; NULL: all of it is the same. */
static const char *fixed_setting_that_differs(const struct config *a, const struct config *b)
{
    if (strcmp(a->runtime_dir, b->runtime_dir) != 0) {
        return "runtime_dir";
    }
    if (strcmp(a->instance, b->instance) != 0) {
        return "instance";
    }
    if (strcmp(a->state_dir, b->state_dir) != 0) {
        return "state_dir";
    }
    if (!same_address(&a->admin, &b->admin)) {
        return "admin";
    }
    if (memcmp(&a->viewers, &b->viewers, sizeof(a->viewers)) != 0) {
        return "fanout";
    }
    if (a->log_format != b->log_format) {
        return "log_format";
    }
    if (a->sandbox != b->sandbox) {
        return "sandbox";
    }
    if (strcmp(!a->user ? "" : a->user, !b->user ? "" : b->user) != 0) {
        return "user";
    }
    return a->fanout_processes != b->fanout_processes ? "fanout.processes" : NULL;
}

/* The lines that config.h printed, as an array. */
static json_t *lines_of(char *text)
{
    json_t *lines = json_array();

    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        json_array_append_new(lines, json_string(line));
    }
    return lines;
}

static json_t *configuration_error(const char *code, char *text)
{
    json_t *errors = lines_of(text);
    const char *first = json_string_value(json_array_get(errors, 0));
    json_t *message = message_error(code, "%s", !first ? "the configuration cannot be read" : first);

    json_object_set_new(message, "errors", errors);
    return message;
}

/* --- The file ------------------------------------------------------------------------------------------- */

/* The file says whether it has the cluster's cameras beside its own, so it is read without them first. */
static struct config *read_file(struct supervisor *supervisor, struct config_source **source,
                                struct central_next *central, FILE *errors)
{
    const char *path = supervisor->config_path;
    const json_t *overrides = overrides_now(supervisor->overrides);
    char why[CENTRAL_WHY_SIZE];

    *source = config_read_source(path, errors);
    struct config *next = *source ? config_interpret(*source, path, NULL, overrides, errors) : NULL;
    if (next && central_prepare(supervisor, next, central, why) < 0) {
        fprintf(errors, "%s\n", why);
        config_free(next);
        return NULL;
    }
    if (next && central->cameras) {
        config_free(next);
        next = config_interpret(*source, path, central->cameras, overrides, errors);
    }
    return next;
}

/* Opens the new address before anything is changed. 0 or negative errno. */
static int change_listener(struct supervisor *supervisor, const struct config *next)
{
    const struct config *now = supervisor->config;

    if (same_address(&now->listen, &next->listen)) {
        return 0;
    }
    if (listen_is_at(supervisor->address, next->listen.host, next->listen.port)) {
        viewers_socket_keep(supervisor, next->listen.host, next->listen.port); /* port 0 is a number now */
        return 0;
    }
    int before = supervisor->listener;
    int result = viewers_socket_open(supervisor, next->listen.host, next->listen.port);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_set_listener(supervisor->fanouts[i], supervisor->listener);
    }
    close(before);
    return 0;
}

/* The files may be others although their names are the same. */
static void change_certificate(struct supervisor *supervisor, const struct certificate *certificate)
{
    bool before = supervisor->certificate.chain >= 0, now = certificate->chain >= 0;

    certificate_close(&supervisor->certificate);
    supervisor->certificate = *certificate;
    listen_set_scheme(supervisor->address, now);
    for (size_t i = 0; (before || now) && i < supervisor->fanout_count; i++) {
        fanout_renew_certificate(supervisor->fanouts[i]);
    }
}

/* POLICY becomes the supervisor's. */
static void change_http_policy(struct supervisor *supervisor, int policy)
{
    close(supervisor->http_policy);
    supervisor->http_policy = policy;
    for (size_t i = 0; i < supervisor->fanout_count; i++) {
        fanout_renew_http_policy(supervisor->fanouts[i]);
    }
}

/* Cameras that are configured and have no ring: [{"camera":…,"error":…}]. They are tried again. */
static json_t *list_failed(const struct supervisor *supervisor)
{
    json_t *failed = json_array();

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        struct camera_view view = camera_view(supervisor->cameras[i]);
        if (view.ring_reader < 0 && view.error && !view.ending) {
            json_array_append_new(failed, json_pack("{s:s, s:s}", "camera", view.name, "error", view.error));
        }
    }
    return failed;
}

static json_t *list_warnings(const struct config *config)
{
    struct config_list list = config_warnings(config);
    json_t *warnings = json_array();

    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(warnings, json_string(list.items[i]));
    }
    config_list_finish(&list);
    return warnings;
}

static json_t *apply_file(struct supervisor *supervisor, struct config_source *source, struct config *next,
                          struct central_next *central)
{
    const char *fixed = fixed_setting_that_differs(supervisor->config, next);
    struct certificate certificate = CERTIFICATE_NONE;
    int policy = http_policy_open(next);
    struct access_reading *access = NULL;
    struct rtsp_door rtsp = {.listener = -1};
    json_t *cluster = NULL;
    char why[REASON_SIZE], wrong[CERTIFICATE_WHY_SIZE], denied[ACCESS_REASON_SIZE], apart[CLUSTER_WHY_SIZE];
    json_t *refusal = NULL;

    if (fixed) {
        refusal =
            message_error("not-at-run-time",
                          "%s cannot change while ringcastd runs; start it again, or put it back", fixed);
    } else if (descriptors_check(next, why, sizeof(why)) < 0) {
        refusal = message_error("limit", "%s", why);
    } else if (policy < 0) {
        refusal = message_error("limit", "no memory for the rules for HTTP: %s", strerror(-policy));
    } else if (certificate_open(next, &certificate, wrong) < 0) {
        refusal = configuration_error("configuration", wrong);
    } else if (access_read(next, &access, denied) < 0) {
        refusal = configuration_error("configuration", denied);
    } else if (cluster_prepare(supervisor, next, &cluster, apart) < 0) {
        refusal = configuration_error("configuration", apart);
    } else if (rtsp_door_prepare(supervisor, next, &rtsp) < 0) {
        refusal = message_error("configuration", "rtsp: cannot be served on %s:%d; see the log",
                                next->rtsp.listen.host, next->rtsp.listen.port);
    } else if (change_listener(supervisor, next) < 0) {
        refusal = message_error("configuration", "listen: cannot listen on %s:%d; see the log",
                                next->listen.host, next->listen.port);
    }
    if (refusal) {
        if (policy >= 0) {
            close(policy);
        }
        access_discard(access);
        json_decref(cluster);
        rtsp_door_close(&rtsp);
        certificate_close(&certificate);
        config_free(next);
        config_source_destroy(source);
        return refusal;
    }
    change_certificate(supervisor, &certificate);
    change_http_policy(supervisor, policy);
    config_source_destroy(supervisor->source);
    supervisor->source = source;
    json_t *report = apply(supervisor, next);
    viewers_access_use(supervisor, access);
    rtsp_door_use(supervisor, &rtsp);
    cluster_use(supervisor, cluster);
    central_use(supervisor, central);
    events_publish(supervisor->events, "reloaded", json_copy(report));
    json_t *reply = message_new("reloaded");
    json_object_update(reply, report);
    json_object_set_new(reply, "failed", list_failed(supervisor));
    json_object_set_new(reply, "warnings", list_warnings(supervisor->config));
    json_decref(report);
    return reply;
}

json_t *reload_file(struct supervisor *supervisor)
{
    struct config_source *source = NULL;
    struct central_next central = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);

    if (!errors) {
        return NULL;
    }
    struct config *next = read_file(supervisor, &source, &central, errors);
    fclose(errors);
    json_t *reply;
    if (next) {
        reply = apply_file(supervisor, source, next, &central);
    } else {
        reply = configuration_error("configuration", text);
        config_source_destroy(source);
    }
    central_discard(&central);
    free(text);
    return reply;
}

/* --- Commands ------------------------------------------------------------------------------------------- */

json_t *reload_copy_overrides(const struct supervisor *supervisor)
{
    return json_deep_copy(overrides_now(supervisor->overrides));
}

/*
 * "FILE: cameras[3].url: why", which is how errors of the file read, to "url: why": the sender knows which
 * camera.
 */
static void shorten(char *text)
{
    char *field = strstr(text, "cameras[");
    char *dot = !field ? NULL : strstr(field, "].");

    if (dot) {
        memmove(text, dot + 2, strlen(dot + 2) + 1);
    } else if ((field = strstr(text, ": "))) {
        memmove(text, field + 2, strlen(field + 2) + 1);
    }
}

/* Makes NEXT (consumed), which OVERRIDES (consumed) gave, the configuration. */
static json_t *apply_overrides(struct supervisor *supervisor, struct config *next, json_t *overrides)
{
    char why[REASON_SIZE];

    if (descriptors_check(next, why, sizeof(why)) < 0) {
        json_decref(overrides);
        config_free(next);
        return message_error("limit", "%s", why);
    }
    if (overrides_commit(supervisor->overrides, overrides) < 0) {
        config_free(next);
        return message_error("state-file", "the state file in %s cannot be written; see the log",
                             supervisor->config->state_dir);
    }
    json_decref(apply(supervisor, next));
    return message_new("ok");
}

json_t *reload_overrides(struct supervisor *supervisor, json_t *overrides)
{
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);

    if (!errors) {
        json_decref(overrides);
        return NULL;
    }
    struct config *next = config_interpret(supervisor->source, supervisor->config_path,
                                           central_cameras(supervisor), overrides, errors);
    fclose(errors);
    json_t *reply;
    if (next) {
        reply = apply_overrides(supervisor, next, overrides);
    } else {
        shorten(text);
        reply = configuration_error("setting", text);
        json_decref(overrides);
    }
    free(text);
    return reply;
}

/* --- The cluster's cameras ------------------------------------------------------------------------------ */

struct config *reload_interpret_central(struct supervisor *supervisor, const json_t *cameras, char **why)
{
    char limit[REASON_SIZE], *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);

    *why = NULL;
    if (!errors) {
        return NULL;
    }
    struct config *next = config_interpret(supervisor->source, supervisor->config_path, cameras,
                                           overrides_now(supervisor->overrides), errors);
    fclose(errors);
    if (next && descriptors_check(next, limit, sizeof(limit)) < 0) {
        config_free(next);
        next = NULL;
        free(text);
        text = strdup(limit);
    }
    if (next) {
        free(text);
    } else if (text) {
        text[strcspn(text, "\n")] = '\0';
        *why = text;
    }
    return next;
}

json_t *reload_use(struct supervisor *supervisor, struct config *next)
{
    return apply(supervisor, next);
}
