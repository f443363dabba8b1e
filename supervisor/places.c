/* SPDX-License-Identifier: MIT */
#include "supervisor/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/url.h"
#include "common/cluster/subject.h"
#include "common/config/camera_remote.h"
#include "common/config/config_camera.h"
#include "common/config/config_memory.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/cameras.h"
#include "supervisor/control/events.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/timer.h"
#include "supervisor/supervisor.h"

/* What the keeper knows the lease by; no camera has this name. */
#define LEASE_NAME "/lease"

#define URL_SIZE 512

/* Between two messages about this node's load, by which the others see how much it has to do. */
#define LOAD_INTERVAL_MS 2000

static const char no_word[] = "the cluster has not said yet which node fetches it";
static const char no_node[] = "no node that may fetch it has it";
static const char no_lease[] =
    "this node is cut off from its cluster, and has lost the camera to the other nodes";

static struct fd_store *store_of(const struct supervisor *supervisor)
{
    return keeper_fd_store(supervisor->keeper);
}

/* --- What was said -------------------------------------------------------------------------------------- */

static void keep_place(struct supervisor *supervisor, const char *camera, json_t *place)
{
    fd_store_put(store_of(supervisor), FD_STORE_PLACE, camera, json_deep_copy(place), NULL, 0);
}

static int on_expired(sd_event_source *source, uint64_t usec, void *data)
{
    struct supervisor *supervisor = data;

    (void)source, (void)usec;
    timer_disarm(&supervisor->places.timer);
    log_warning("this node is cut off from its cluster: it fetches no cameras that other nodes may fetch");
    cameras_reconcile(supervisor);
    return 0;
}

static void arm_lease(struct supervisor *supervisor)
{
    struct places *places = &supervisor->places;
    const uint64_t now_ms = clock_now_ms();

    timer_disarm(&places->timer);
    if (places->until_ms > now_ms) {
        timer_arm(supervisor->event, &places->timer, places->until_ms - now_ms, on_expired, supervisor);
    }
}

static bool is_held(const struct places *places)
{
    return places->until_ms > clock_now_ms();
}

/* kbit/s of all shared cameras that this node fetches, with their sub streams. */
static json_int_t rate_of_shared(const struct supervisor *supervisor)
{
    char name[CONFIG_STREAM_NAME_MAX + 1];
    double bits = 0;

    for (size_t i = 0; i < supervisor->camera_count; i++) {
        const struct camera_view view = camera_view(supervisor->cameras[i]);
        snprintf(name, sizeof(name), "%s", view.name);
        name[strcspn(name, "/")] = '\0';
        const json_t *known = json_object_get(supervisor->places.known, name);
        if (strcmp(message_string(known, "place", ""), "own") == 0) {
            bits += view.bitrate;
        }
    }
    return (json_int_t)(bits / 1000);
}

/* Leases come in while this node shares cameras, so it needs no timer. */
static void tell_load(struct supervisor *supervisor)
{
    struct places *places = &supervisor->places;
    const uint64_t now_ms = clock_now_ms();
    struct machine_cpu now;

    if (places->load_ms > 0 && now_ms < places->load_ms + LOAD_INTERVAL_MS) {
        return;
    }
    places->load_ms = now_ms;
    machine_cpu_read(&now);
    cluster_tell(supervisor, message_pack("load", "{s:I, s:I}", "kbps", rate_of_shared(supervisor), "cpu",
                                          (json_int_t)machine_cpu_share(&places->cpu, &now)));
    places->cpu = now;
}

static void take_lease(struct supervisor *supervisor, const json_t *body)
{
    struct places *places = &supervisor->places;
    const bool was_held = is_held(places);
    const json_int_t until_ms = message_integer(body, "until_ms", 0);
    const json_int_t incarnation = message_integer(body, "incarnation", 0);

    places->until_ms = until_ms > 0 ? (uint64_t)until_ms : 0;
    places->incarnation = incarnation;
    fd_store_put(
        store_of(supervisor), FD_STORE_PLACE, LEASE_NAME,
        json_pack("{s:I, s:I}", "incarnation", incarnation, "until_ms", (json_int_t)places->until_ms), NULL,
        0);
    arm_lease(supervisor);
    tell_load(supervisor);
    if (is_held(places) != was_held) {
        cameras_reconcile(supervisor);
    }
}

static void take_place(struct supervisor *supervisor, const json_t *body)
{
    struct places *places = &supervisor->places;
    const char *camera = message_string(body, "camera", ""), *place = message_string(body, "place", "none");
    const char *before = message_string(json_object_get(places->known, camera), "place", "none");
    json_t *known = json_pack("{s:s, s:s?, s:b}", "place", place, "node", message_string(body, "node", NULL),
                              "stopping", strcmp(before, "own") == 0 && strcmp(place, "own") != 0);

    if (!known || json_object_set_new(places->known, camera, known) < 0) {
        return;
    }
    keep_place(supervisor, camera, known);
    events_publish(supervisor->events, "cluster-camera",
                   json_pack("{s:s, s:s, s:O}", "camera", camera, "place", place, "node",
                             json_object_get(known, "node")));
    cameras_reconcile(supervisor);
}

static const json_t *find_node(const json_t *nodes, const char *name)
{
    size_t index;
    json_t *node;

    json_array_foreach(nodes, index, node) {
        if (strcmp(message_string(node, "name", ""), name) == 0) {
            return node;
        }
    }
    return NULL;
}

/* "silent": it does not say that it lives. */
static const char *status_of_node(const json_t *node)
{
    return message_integer(node, "silent_since_ms", 0) > 0 ? "silent"
                                                           : message_string(node, "status", "gone");
}

/* Tells of each of NODES that is another than in BEFORE. */
static void publish_nodes(const struct supervisor *supervisor, const json_t *nodes, const json_t *before)
{
    size_t index;
    json_t *node;

    json_array_foreach(nodes, index, node) {
        const char *name = message_string(node, "name", ""), *status = status_of_node(node);
        const json_t *last = find_node(before, name);
        if (!last || strcmp(status_of_node(last), status) != 0) {
            events_publish(supervisor->events, "cluster-node",
                           json_pack("{s:s, s:s}", "node", name, "status", status));
        }
    }
}

static void take_view(struct supervisor *supervisor, const json_t *body)
{
    struct places *places = &supervisor->places;
    json_t *view = json_deep_copy(body);

    publish_nodes(supervisor, json_object_get(view, "nodes"), json_object_get(places->view, "nodes"));
    json_decref(places->view);
    places->view = view;
}

void places_forget_view(struct places *places)
{
    json_decref(places->view);
    places->view = NULL;
    json_decref(places->link);
    places->link = NULL;
}

bool places_said(struct supervisor *supervisor, const json_t *body)
{
    if (message_is(body, "place")) {
        take_place(supervisor, body);
    } else if (message_is(body, "lease")) {
        take_lease(supervisor, body);
    } else if (message_is(body, "cluster-view")) {
        take_view(supervisor, body);
    } else if (message_is(body, "link")) {
        json_decref(supervisor->places.link);
        supervisor->places.link = json_deep_copy(body);
    } else {
        return false;
    }
    return true;
}

json_int_t places_resume(const struct places *places)
{
    return places->incarnation;
}

/* --- What follows --------------------------------------------------------------------------------------- */

/* The camera that a stream belongs to: a sub stream comes after its camera's main stream. */
static const struct config_camera *main_of(const struct config_camera *config)
{
    return config->sub ? config - 1 : config;
}

/* This node alone may fetch it: nobody else would, if it did not. */
static bool is_bound(const struct config *config, const struct config_camera *camera)
{
    return camera->nodes.count == 1 && strcmp(camera->nodes.items[0], config->cluster.node) == 0;
}

/* What was said of CAMERA. Before anything was, one that only this node may have is its own, also without NATS. */
static const char *place_of(const struct supervisor *supervisor, const struct config_camera *camera)
{
    const json_t *known = json_object_get(supervisor->places.known, camera->name);

    return !known && is_bound(supervisor->config, camera) ? "own" : message_string(known, "place", "none");
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = value ? config_need(strdup(value)) : NULL;
}

/* "ringcast://NODE/STREAM" */
static char *remote_url(const char *node, const char *stream)
{
    char path[URL_SIZE], url[URL_SIZE + SUBJECT_NODE_MAX + sizeof("ringcast:///")];

    if (url_encode(path, sizeof(path), stream, strlen(stream), URL_UNRESERVED "/") < 0) {
        path[0] = '\0'; /* longer than a name can be */
    }
    snprintf(url, sizeof(url), "ringcast://%s/%s", node, path);
    return config_need(strdup(url));
}

/* It comes from NODE, under its own name; nothing crosses the link while nobody looks. */
static void take_from(struct config_camera *effective, const char *node)
{
    free(effective->task.url);
    effective->task.url = remote_url(node, effective->name);
    set_text(&effective->task.username, NULL);
    set_text(&effective->task.password, NULL);
    effective->on_demand = true;
}

/* Why the shared CAMERA, which PLACE and NODE are said of, is taken from nowhere; NULL: it is not held. */
static const char *why_held(const struct supervisor *supervisor, const struct config_camera *camera,
                            const char *place, const char *node)
{
    if (strcmp(place, "node") == 0 && subject_check_node(node) == 0) {
        return NULL;
    }
    if (strcmp(place, "own") != 0 && strcmp(place, "prepare") != 0) {
        return json_object_get(supervisor->places.known, camera->name) ? no_node : no_word;
    }
    return is_held(&supervisor->places) || is_bound(supervisor->config, camera) ? NULL : no_lease;
}

const char *places_effective(const struct supervisor *supervisor, const struct config_camera *config,
                             struct config_camera *effective)
{
    const struct config_camera *camera = main_of(config);
    const json_t *known = json_object_get(supervisor->places.known, camera->name);
    const char *place = place_of(supervisor, camera), *node = message_string(known, "node", "");

    config_camera_copy(effective, config);
    if (camera->nodes.count == 0) {
        return NULL;
    }
    const char *why = why_held(supervisor, camera, place, node);
    if (!why && strcmp(place, "node") == 0) {
        take_from(effective, node);
    }
    return why;
}

static bool is_at_rest(const struct camera *camera)
{
    struct camera_view view = camera_view(camera);

    return view.pid == 0 && view.handed_over;
}

/* True if neither the camera's main stream nor its sub stream has a worker. */
static bool has_stopped(const struct supervisor *supervisor, const char *name)
{
    char sub[CONFIG_STREAM_NAME_MAX + 1];
    const struct camera *camera = supervisor_find_camera(supervisor, name);

    snprintf(sub, sizeof(sub), "%.*s" CONFIG_SUB_SUFFIX, CONFIG_CAMERA_NAME_MAX, name);
    const struct camera *second = supervisor_find_camera(supervisor, sub);
    return (!camera || is_at_rest(camera)) && (!second || is_at_rest(second));
}

void places_rested(struct supervisor *supervisor, struct camera *camera)
{
    char name[CONFIG_STREAM_NAME_MAX + 1];

    snprintf(name, sizeof(name), "%s", camera_view(camera).name);
    name[strcspn(name, "/")] = '\0';
    json_t *known = json_object_get(supervisor->places.known, name);
    if (message_boolean(known, "stopping", false) && has_stopped(supervisor, name)) {
        json_object_set_new(known, "stopping", json_false());
        keep_place(supervisor, name, known);
        cluster_tell(supervisor, message_pack("stopped", "{s:s}", "camera", name));
    }
}

/* --- Looking -------------------------------------------------------------------------------------------- */

static json_t *describe_shared(const struct supervisor *supervisor, const struct config_camera *camera)
{
    const json_t *known = json_object_get(supervisor->places.known, camera->name);
    const char *place = place_of(supervisor, camera), *node = message_string(known, "node", "");
    const char *why = why_held(supervisor, camera, place, node);

    if (why) {
        place = "none";
    } else if (strcmp(place, "prepare") == 0) {
        place = "node"; /* it is still that node's */
    }
    if (strcmp(place, "node") != 0) {
        node = strcmp(place, "own") == 0 ? supervisor->config->cluster.node : NULL;
    }
    return json_pack("{s:s, s:s?, s:s?, s:b, s:s?}", "place", place, "node", node, "stream",
                     node ? camera->name : NULL, "shared", 1, "why", why);
}

/* One that this node alone has, or that is written with the node that has it. */
static json_t *describe_fixed(const struct supervisor *supervisor, const struct config_camera *camera)
{
    char problem[CONFIG_PROBLEM_SIZE];
    struct camera_remote remote;

    if (camera_is_remote(camera->task.url) && camera_remote_read(camera->task.url, &remote, problem)) {
        return json_pack("{s:s, s:s, s:s, s:b, s:n}", "place", "node", "node", remote.node, "stream",
                         remote.stream, "shared", 0, "why");
    }
    return json_pack("{s:s, s:s, s:s, s:b, s:n}", "place", "own", "node", supervisor->config->cluster.node,
                     "stream", camera->name, "shared", 0, "why");
}

json_t *places_describe(const struct supervisor *supervisor, const char *camera)
{
    json_t *cameras = json_object();
    const struct config *config = supervisor->config;

    for (size_t i = 0; i < config->camera_count; i++) {
        const struct config_camera *each = &config->cameras[i];
        if (!each->sub && (!camera || strcmp(camera, each->name) == 0)) {
            json_object_set_new(cameras, each->name,
                                each->nodes.count > 0 ? describe_shared(supervisor, each)
                                                      : describe_fixed(supervisor, each));
        }
    }
    return cameras;
}

static json_t *describe_node(const json_t *node)
{
    const json_int_t since_ms = message_integer(node, "silent_since_ms", 0);
    const json_int_t version = message_integer(node, "version", 0);
    const double silent_s = (double)((json_int_t)clock_now_ms() - since_ms) / (double)MS_PER_SECOND;

    return json_pack(
        "{s:s, s:s, s:s, s:o, s:b, s:I, s:I, s:I, s:o}", "name", message_string(node, "name", ""), "status",
        message_string(node, "status", "gone"), "site", message_string(node, "site", ""), "version",
        version > 0 ? json_integer(version) : json_null(), "refused", message_boolean(node, "refused", false),
        "cameras", message_integer(node, "cameras", 0), "kbps", message_integer(node, "kbps", 0), "cpu",
        message_integer(node, "cpu", 0), "silent_s", since_ms > 0 ? json_real(silent_s) : json_null());
}

json_t *places_describe_nodes(const struct places *places)
{
    json_t *nodes = places->view ? json_array() : json_null(), *node;
    size_t index;

    json_array_foreach(json_object_get(places->view, "nodes"), index, node) {
        json_array_append_new(nodes, describe_node(node));
    }
    return nodes;
}

const char *places_why_no_link(const struct places *places)
{
    return message_boolean(places->link, "up", false) ? NULL : message_string(places->link, "why", NULL);
}

bool places_watched(const struct places *places)
{
    return message_boolean(places->view, "watched", false);
}

/* --- Making and unmaking -------------------------------------------------------------------------------- */

int places_open(struct supervisor *supervisor)
{
    struct places *places = &supervisor->places;
    struct fd_record record;
    char *name;

    *places = (struct places){.known = json_object()};
    if (!places->known) {
        return -ENOMEM;
    }
    while (fd_store_take_any(store_of(supervisor), FD_STORE_PLACE, "", &name, &record)) {
        if (strcmp(name, LEASE_NAME) == 0) {
            places->incarnation = message_integer(record.body, "incarnation", 0);
            places->until_ms = (uint64_t)message_integer(record.body, "until_ms", 0);
        } else {
            json_object_set(places->known, name, record.body);
        }
        fd_store_put(store_of(supervisor), FD_STORE_PLACE, name, json_deep_copy(record.body), NULL, 0);
        fd_record_finish(&record);
        free(name);
    }
    arm_lease(supervisor);
    return 0;
}

void places_close(struct supervisor *supervisor)
{
    timer_disarm(&supervisor->places.timer);
    places_forget_view(&supervisor->places);
    json_decref(supervisor->places.known);
    supervisor->places.known = NULL;
}
