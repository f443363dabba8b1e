/* SPDX-License-Identifier: MIT */
#include "fanout/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/url.h"
#include "common/log/log.h"
#include "fanout/feed/init_cache.h"
#include "fanout/http/gate.h"

/* Milliseconds or more between two states that the viewers of a stream are sent. */
#define STATE_INTERVAL_MS 100

/* Seconds; longer than any ring is configured for. */
#define LOOK_BACK_MAX 86400

void streams_init(struct streams *streams, struct feed_set *set)
{
    *streams = (struct streams){.set = set};
    streams->end = &streams->first;
}

struct stream *streams_find(const struct streams *streams, const char *name)
{
    struct stream *stream = streams->first;
    while (stream && strcmp(stream->name, name) != 0) {
        stream = stream->next;
    }
    return stream;
}

/* Bytes of the name of the camera whose sub stream is called NAME; 0: NAME is not one of a sub stream. */
static size_t main_length(const char *name)
{
    size_t length = strlen(name), suffix = strlen(CAMERA_SUB_SUFFIX);
    bool sub = length > suffix && strcmp(name + length - suffix, CAMERA_SUB_SUFFIX) == 0;
    return sub ? length - suffix : 0;
}

struct stream *stream_of_feed(struct feed *feed)
{
    return (struct stream *)((char *)feed - offsetof(struct stream, feed));
}

bool stream_is_sub(const struct stream *stream)
{
    return main_length(stream->name) > 0;
}

static bool is_name(const char *name)
{
    size_t length = main_length(name);
    length = length > 0 ? length : strlen(name);
    return length > 0 && length <= CAMERA_NAME_MAX && !memchr(name, '/', length);
}

/* A main stream and its sub stream know each other, whichever comes first. */
static void join_streams(struct streams *streams, struct stream *stream)
{
    size_t length = main_length(stream->name), own = strlen(stream->name);
    for (struct stream *other = streams->first; other; other = other->next) {
        if (length > 0 && strlen(other->name) == length && memcmp(other->name, stream->name, length) == 0) {
            stream->main = other;
            other->sub = stream;
            other->changes++;
        } else if (main_length(other->name) == own && memcmp(other->name, stream->name, own) == 0) {
            stream->sub = other;
            other->main = stream;
        }
    }
}

static void part_streams(struct stream *stream)
{
    if (stream->main) {
        stream->main->sub = NULL;
        stream->main->changes++;
    }
    if (stream->sub) {
        stream->sub->main = NULL;
    }
}

static struct stream *append(struct streams *streams, const char *name)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (!stream) {
        return NULL;
    }
    stream->name = strdup(name);
    if (!stream->name) {
        free(stream);
        return NULL;
    }
    stream->state = json_string("starting");
    stream->error = json_null();
    stream->codecs = json_null();
    stream->width = json_null();
    stream->height = json_null();
    stream->audio = json_null();
    stream->audio_error = json_null();
    stream->mirror = json_false();
    stream->crop = json_null();
    stream->node = json_null();
    feed_init(&stream->feed, streams->set, stream->name);
    join_streams(streams, stream);
    *streams->end = stream;
    streams->end = &stream->next;
    streams->count++;
    streams->named++;
    streams->set->changes++;
    return stream;
}

int streams_add(struct streams *streams, const char *name, ringcast_reader *reader, int wake)
{
    bool valid = is_name(name);
    struct stream *stream = valid ? streams_find(streams, name) : NULL;
    if (valid && !stream) {
        stream = append(streams, name);
    }
    if (!stream) {
        ringcast_close(reader);
        if (wake >= 0) {
            close(wake);
        }
        return valid ? -ENOMEM : -EINVAL;
    }
    feed_set_ring(&stream->feed, reader, wake);
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

/* Something that /api/cameras says of STREAM has changed. */
static void note_change(struct feed_set *set, struct stream *stream)
{
    stream->changes++;
    set->changes++;
}

static void tell_state(struct stream *stream, int64_t now_ns)
{
    stream->state_due = false;
    stream->state_told_ns = now_ns;
    json_t *message =
        json_pack("{s:s, s:O, s:O}", "type", "state", "state", stream->state, "error", stream->error);
    if (json_is_true(stream->mirror)) {
        json_object_set(message, "mirror", stream->mirror);
    }
    if (json_is_array(stream->crop)) {
        json_object_set(message, "crop", stream->crop);
    }
    feed_set_state(&stream->feed, message);
}

static void state_timer_expired(void *context)
{
    struct streams *streams = context;
    int64_t now_ns = clock_now_ns();

    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        if (stream->state_due) {
            tell_state(stream, now_ns);
        }
    }
}

int streams_begin(struct streams *streams, struct loop *loop)
{
    return watch_timer_begin(&streams->state_timer, loop, state_timer_expired, streams);
}

/* How the picture is to be shown, if MESSAGE says so. True if that is a change. */
static bool update_look(struct stream *stream, const json_t *message)
{
    json_t *mirror = json_object_get(message, "mirror");
    json_t *crop = json_object_get(message, "crop");

    if (!json_is_boolean(mirror)) { /* `camera-add` says nothing of it */
        return false;
    }
    bool news = replace(&stream->mirror, mirror);
    news |= replace(&stream->crop, json_array_size(crop) == 4 ? crop : NULL);
    return news;
}

void stream_update(struct streams *streams, struct stream *stream, const json_t *message)
{
    json_t *state = json_object_get(message, "state");
    json_t *error = json_object_get(message, "error");
    json_t *codecs = json_object_get(message, "codecs");
    bool first = stream->feed.state_packet.length == 0, news = false;

    if (json_is_string(state)) {
        news |= replace(&stream->state, state);
        log_set_state(stream->name, json_string_value(state));
    }
    news |= replace(&stream->error, json_is_string(error) ? error : NULL);
    if (json_is_string(codecs)) {
        replace(&stream->codecs, codecs);
        replace(&stream->width, json_object_get(message, "width"));
        replace(&stream->height, json_object_get(message, "height"));
    }
    replace(&stream->audio, json_object_get(message, "audio"));
    replace(&stream->audio_error, json_object_get(message, "audio_error"));
    replace(&stream->node, json_object_get(message, "remote"));
    news |= update_look(stream, message);
    const json_t *look_back = json_object_get(message, "look_back");
    if (json_is_integer(look_back)) { /* `camera-add`, which also brings another ring, says nothing of it */
        json_int_t seconds = json_integer_value(look_back);
        stream->look_back_s = seconds > 0 && seconds <= LOOK_BACK_MAX ? (unsigned)seconds : 0;
        stream->feed.past.reach_ns = stream->look_back_s * NS_PER_SECOND;
    }
    note_change(streams->set, stream);
    if (!first && !news) {
        return;
    }
    int64_t now_ns = clock_now_ns();
    if (first || now_ns - stream->state_told_ns >= STATE_INTERVAL_MS * NS_PER_MS) {
        tell_state(stream, now_ns);
    } else if (!stream->state_due) {
        stream->state_due = true;
        watch_timer_arm(&streams->state_timer, STATE_INTERVAL_MS);
    }
}

void stream_join(struct stream *stream, struct viewer *viewer, const struct permit *permit)
{
    const struct stream *camera = stream->main ? stream->main : stream;

    feed_join(&stream->feed, viewer, permit_covers(permit, GATE_CAMERA, camera->name) ? permit : NULL);
}

bool stream_has_ring(const struct stream *stream, const struct stat *ring)
{
    return stream->feed.reader && stream->ring_device == ring->st_dev && stream->ring_inode == ring->st_ino;
}

static bool is_in_state(const struct stream *stream, const char *name)
{
    const char *state = json_string_value(stream->state);
    return state && strcmp(state, name) == 0;
}

bool stream_is_idle(const struct stream *stream)
{
    return is_in_state(stream, "idle");
}

bool stream_is_streaming(const struct stream *stream)
{
    return is_in_state(stream, "streaming");
}

static void stream_free(struct stream *stream)
{
    feed_finish(&stream->feed);
    free(stream->row);
    json_decref(stream->state);
    json_decref(stream->error);
    json_decref(stream->codecs);
    json_decref(stream->width);
    json_decref(stream->height);
    json_decref(stream->audio);
    json_decref(stream->audio_error);
    json_decref(stream->mirror);
    json_decref(stream->crop);
    json_decref(stream->node);
    free(stream->name);
    free(stream);
}

void streams_remove(struct streams *streams, struct stream *stream, uint16_t code)
{
    feed_close_viewers(&stream->feed, code, NULL);
    part_streams(stream);
    struct stream **link = &streams->first;
    while (*link != stream) {
        link = &(*link)->next;
    }
    *link = stream->next;
    if (!stream->next) {
        streams->end = link;
    }
    streams->count--;
    streams->named++;
    streams->set->changes++;
    stream_free(stream);
}

/* PREFIX, FOLDER ("/live/"), the camera's name, percent-encoded, and SUFFIX; of a sub stream with its query. */
static json_t *path_of(const char *name, const char *prefix, const char *folder, const char *suffix)
{
    char encoded[URL_ENCODE_MAX * CAMERA_NAME_MAX + 1];
    size_t length = strcspn(name, "/");

    url_encode(encoded, sizeof(encoded), name, length, URL_UNRESERVED);
    return json_sprintf("%s%s%s%s%s", prefix, folder, encoded, suffix,
                        name[length] == '/' ? "?stream=sub" : "");
}

void streams_set_elsewhere(struct streams *streams, const json_t *counts)
{
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        json_int_t viewers = json_integer_value(json_object_get(counts, stream->name));
        viewers = viewers > 0 ? viewers : 0;
        if (viewers != stream->elsewhere) {
            stream->elsewhere = viewers;
            note_change(streams->set, stream);
        }
    }
}

/* What its row says of STREAM itself: for a main stream beside the name, for a sub stream under `sub`. */
static json_t *describe_one(const struct stream *stream, const char *prefix)
{
    const char *codecs = json_string_value(stream->codecs);

    return json_pack("{s:O, s:O, s:o?, s:O, s:O, s:O, s:O, s:O, s:O, s:I, s:i, s:o, s:o, s:O}", "state",
                     stream->state, "codecs", stream->codecs, "mime",
                     codecs ? init_cache_mime(codecs) : json_null(), "width", stream->width, "height",
                     stream->height, "audio", stream->audio, "audio_error", stream->audio_error, "mirror",
                     stream->mirror, "crop", stream->crop, "viewers",
                     (json_int_t)stream->feed.viewers.count + stream->elsewhere, "look_back",
                     (int)stream->look_back_s, "live", path_of(stream->name, prefix, "/live/", ""), "poster",
                     path_of(stream->name, prefix, "/snapshot/", ".jpg"), "node", stream->node);
}

json_t *stream_describe(const struct stream *stream, const char *prefix)
{
    json_t *row = json_pack("{s:s}", "name", stream->name);
    json_t *own = describe_one(stream, prefix);

    if (!row || !own || json_object_update(row, own) < 0 ||
        json_object_set_new(row, "sub", stream->sub ? describe_one(stream->sub, prefix) : json_null()) < 0) {
        json_decref(row);
        row = NULL;
    }
    json_decref(own);
    return row;
}

void streams_finish(struct streams *streams)
{
    while (streams->first) {
        streams_remove(streams, streams->first, 1001);
    }
}
