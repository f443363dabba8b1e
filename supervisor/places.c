/* SPDX-License-Identifier: MIT */
#include "supervisor/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/url.h"
#include "common/cluster/subject.h"
#include "common/config/config_camera.h"
#include "common/config/config_memory.h"
#include "common/ipc/message.h"
#include "common/log/log.h"
#include "supervisor/cameras.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/timer.h"
#include "supervisor/supervisor.h"

/* What the keeper knows the lease by; no camera has this name. */
#define LEASE_NAME "/lease"

#define URL_SIZE 512

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
    cameras_reconcile(supervisor);
}

bool places_said(struct supervisor *supervisor, const json_t *body)
{
    if (message_is(body, "place")) {
        take_place(supervisor, body);
    } else if (message_is(body, "lease")) {
        take_lease(supervisor, body);
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

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = value ? config_need(strdup(value)) : NULL;
}

/* "ringcast://NODE/STREAM" */
static char *remote_url(const char *node, const char *stream)
{
    char url[URL_SIZE], path[URL_SIZE];

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

const char *places_effective(const struct supervisor *supervisor, const struct config_camera *config,
                             struct config_camera *effective)
{
    const struct config_camera *camera = main_of(config);
    const json_t *known = json_object_get(supervisor->places.known, camera->name);
    const char *place = message_string(known, "place", "none"), *node = message_string(known, "node", "");

    config_camera_copy(effective, config);
    if (camera->nodes.count == 0) {
        return NULL;
    }
    if (strcmp(place, "node") == 0 && subject_check_node(node) == 0) {
        take_from(effective, node);
        return NULL;
    }
    if (strcmp(place, "own") != 0) {
        return known ? no_node : no_word;
    }
    return is_held(&supervisor->places) || is_bound(supervisor->config, camera) ? NULL : no_lease;
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

json_t *places_describe(const struct supervisor *supervisor)
{
    json_t *shared = json_object();
    const struct config *config = supervisor->config;

    for (size_t i = 0; i < config->camera_count; i++) {
        const struct config_camera *camera = &config->cameras[i];
        const json_t *known = json_object_get(supervisor->places.known, camera->name);
        if (!camera->sub && camera->nodes.count > 0) {
            json_object_set_new(shared, camera->name,
                                json_pack("{s:s, s:s?}", "place", message_string(known, "place", "none"),
                                          "node", message_string(known, "node", NULL)));
        }
    }
    return shared;
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
    json_decref(supervisor->places.known);
    supervisor->places.known = NULL;
}
