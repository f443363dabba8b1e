#include "fanout/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "fanout/feed/init_cache.h"

void cameras_init(struct cameras *cameras, struct feed_set *set)
{
    *cameras = (struct cameras){.set = set};
    cameras->end = &cameras->first;
}

struct camera *cameras_find(const struct cameras *cameras, const char *name)
{
    struct camera *camera = cameras->first;
    while (camera && strcmp(camera->name, name) != 0) {
        camera = camera->next;
    }
    return camera;
}

/* Bytes of the name of the camera whose sub stream is called NAME; 0: that is no name of a sub stream. */
static size_t main_length(const char *name)
{
    size_t length = strlen(name), suffix = strlen(CAMERA_SUB_SUFFIX);
    bool sub = length > suffix && strcmp(name + length - suffix, CAMERA_SUB_SUFFIX) == 0;
    return sub ? length - suffix : 0;
}

bool camera_is_sub(const struct camera *camera)
{
    return main_length(camera->name) > 0;
}

static bool is_name(const char *name)
{
    size_t length = main_length(name);
    length = length > 0 ? length : strlen(name);
    return length > 0 && length <= CAMERA_NAME_MAX && !memchr(name, '/', length);
}

/* A camera and its sub stream know each other, whichever comes first. */
static void join_streams(struct cameras *cameras, struct camera *camera)
{
    size_t length = main_length(camera->name), own = strlen(camera->name);
    for (struct camera *other = cameras->first; other; other = other->next) {
        if (length > 0 && strlen(other->name) == length && memcmp(other->name, camera->name, length) == 0) {
            camera->main = other;
            other->sub = camera;
        } else if (main_length(other->name) == own && memcmp(other->name, camera->name, own) == 0) {
            camera->sub = other;
            other->main = camera;
        }
    }
}

static void part_streams(struct camera *camera)
{
    if (camera->main) {
        camera->main->sub = NULL;
    }
    if (camera->sub) {
        camera->sub->main = NULL;
    }
}

static struct camera *append(struct cameras *cameras, const char *name)
{
    struct camera *camera = calloc(1, sizeof(*camera));
    if (!camera) {
        return NULL;
    }
    camera->name = strdup(name);
    if (!camera->name) {
        free(camera);
        return NULL;
    }
    camera->state = json_string("starting");
    camera->error = json_null();
    camera->codecs = json_null();
    camera->width = json_null();
    camera->height = json_null();
    feed_init(&camera->feed, cameras->set, camera->name);
    join_streams(cameras, camera);
    *cameras->end = camera;
    cameras->end = &camera->next;
    cameras->count++;
    return camera;
}

int cameras_add(struct cameras *cameras, const char *name, ringcast_reader *reader, int wake)
{
    bool valid = is_name(name);
    struct camera *camera = valid ? cameras_find(cameras, name) : NULL;
    if (valid && !camera) {
        camera = append(cameras, name);
    }
    if (!camera) {
        ringcast_close(reader);
        if (wake >= 0) {
            close(wake);
        }
        return valid ? -ENOMEM : -EINVAL;
    }
    feed_set_ring(&camera->feed, reader, wake);
    return 0;
}

/* Puts a reference to VALUE, or null, in *MEMBER. True if that is a change. */
static bool replace(json_t **member, json_t *value)
{
    json_t *now = value ? json_incref(value) : json_null();
    bool changed = !*member || !json_equal(*member, now);
    json_decref(*member);
    *member = now;
    return changed;
}

void camera_update(struct camera *camera, const json_t *message)
{
    json_t *state = json_object_get(message, "state");
    json_t *error = json_object_get(message, "error");
    bool told = camera->feed.state_packet.length == 0;
    if (json_is_string(state)) {
        told |= replace(&camera->state, state);
        log_set_state(camera->name, json_string_value(state));
    }
    told |= replace(&camera->error, json_is_string(error) ? error : NULL);
    json_t *codecs = json_object_get(message, "codecs");
    if (json_is_string(codecs)) {
        replace(&camera->codecs, codecs);
        replace(&camera->width, json_object_get(message, "width"));
        replace(&camera->height, json_object_get(message, "height"));
    }
    if (told) {
        feed_set_state(&camera->feed, json_pack("{s:s, s:O, s:O}", "type", "state", "state", camera->state,
                                                "error", camera->error));
    }
}

bool camera_has_ring(const struct camera *camera, const struct stat *ring)
{
    return camera->feed.reader && camera->ring_device == ring->st_dev && camera->ring_inode == ring->st_ino;
}

bool camera_is_idle(const struct camera *camera)
{
    const char *state = json_string_value(camera->state);
    return state && strcmp(state, "idle") == 0;
}

static void camera_free(struct camera *camera)
{
    feed_finish(&camera->feed);
    json_decref(camera->state);
    json_decref(camera->error);
    json_decref(camera->codecs);
    json_decref(camera->width);
    json_decref(camera->height);
    free(camera->name);
    free(camera);
}

void cameras_remove(struct cameras *cameras, struct camera *camera, uint16_t code)
{
    feed_close_viewers(&camera->feed, code, NULL);
    part_streams(camera);
    struct camera **link = &cameras->first;
    while (*link != camera) {
        link = &(*link)->next;
    }
    *link = camera->next;
    if (!camera->next) {
        cameras->end = link;
    }
    cameras->count--;
    camera_free(camera);
}

/* "/live/NAME", percent-encoded: everything but RFC 3986's unreserved characters; of a sub stream with its
 * query. */
static json_t *live_path(const char *name)
{
    static const char sub_query[] = "?stream=sub";
    char path[sizeof("/live/") + (size_t)3 * CAMERA_NAME_MAX + sizeof(sub_query)] = "/live/";
    char *end = path + strlen(path);
    const char *slash = strchr(name, '/');
    for (const unsigned char *c = (const unsigned char *)name; *c && *c != '/'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                     strchr("-._~", *c);
        end += sprintf(end, plain ? "%c" : "%%%02X", *c);
    }
    snprintf(end, sizeof(path) - (size_t)(end - path), "%s", slash ? sub_query : "");
    return json_string(path);
}

void cameras_set_elsewhere(struct cameras *cameras, const json_t *counts)
{
    for (struct camera *camera = cameras->first; camera; camera = camera->next) {
        json_int_t viewers = json_integer_value(json_object_get(counts, camera->name));
        camera->elsewhere = viewers > 0 ? viewers : 0;
    }
}

static json_t *stream_describe(const struct camera *camera)
{
    const char *codecs = json_string_value(camera->codecs);
    return json_pack("{s:O, s:O, s:o?, s:O, s:O, s:I, s:o}", "state", camera->state, "codecs", camera->codecs,
                     "mime", codecs ? init_cache_mime(codecs) : json_null(), "width", camera->width, "height",
                     camera->height, "viewers", (json_int_t)camera->feed.seats.count + camera->elsewhere,
                     "live", live_path(camera->name));
}

json_t *camera_describe(const struct camera *camera)
{
    json_t *description = json_pack("{s:s}", "name", camera->name);
    json_t *stream = stream_describe(camera);
    if (!description || !stream || json_object_update(description, stream) < 0 ||
        json_object_set_new(description, "sub", camera->sub ? stream_describe(camera->sub) : json_null()) <
            0) {
        json_decref(description);
        description = NULL;
    }
    json_decref(stream);
    return description;
}

void cameras_finish(struct cameras *cameras)
{
    while (cameras->first) {
        cameras_remove(cameras, cameras->first, 1001);
    }
}
