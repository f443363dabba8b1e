/* SPDX-License-Identifier: MIT */
#include "fanout/camera_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

#define FIRST_ROOM 4096u

/* The same while nothing that STREAM's row says has changed. PREFIX: a hash. Never 0. */
static uint64_t row_key(const struct stream *stream, uint64_t prefix)
{
    const uint64_t parts[] = {
        prefix,
        stream->changes,
        stream->feed.viewers.count,
        stream->sub ? stream->sub->changes + 1 : 0,
        stream->sub ? stream->sub->feed.viewers.count : 0,
    };
    uint64_t key = hash_add(HASH_START, parts, sizeof(parts));

    return key ? key : 1;
}

/* 0 or -ENOMEM: the row is as it was. */
static int make_row(struct camera_list *list, struct stream *stream, const char *prefix, uint64_t key)
{
    json_t *object = stream_describe(stream, prefix);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!text) {
        return -ENOMEM;
    }
    free(stream->row);
    stream->row = text;
    stream->row_key = key;
    list->rows_made++;
    return 0;
}

static int append(struct camera_list_body *body, const char *text)
{
    size_t length = strlen(text), needed = body->length + length + 1;

    if (needed > body->room) {
        size_t room = body->room ? body->room : FIRST_ROOM;
        while (room < needed) {
            room *= 2;
        }
        char *larger = realloc(body->text, room);
        if (!larger) {
            return -ENOMEM;
        }
        body->text = larger;
        body->room = room;
    }
    memcpy(body->text + body->length, text, length + 1);
    body->length += length;
    return 0;
}

static bool shows(const void *context, const struct stream *stream)
{
    const struct camera_list_body *body = context;

    return !stream_is_sub(stream) && (body->everything || rights_allow(body->rights, stream->name));
}

/* Fitting patterns takes a while where there are many, so what came of it is kept. */
static int append_groups(struct camera_list *list, struct camera_list_body *body,
                         const struct streams *streams)
{
    const uint64_t parts[] = {list->groups.changes, streams->named};
    uint64_t key = hash_add(HASH_START, parts, sizeof(parts));

    if (!body->groups || body->groups_key != key) {
        json_t *groups = camera_groups_describe(&list->groups, streams, shows, body);
        char *text = groups ? json_dumps(groups, JSON_COMPACT) : NULL;
        json_decref(groups);
        if (!text) {
            return -ENOMEM;
        }
        free(body->groups);
        body->groups = text;
        body->groups_key = key;
    }
    return append(body, body->groups);
}

static int assemble(struct camera_list *list, struct camera_list_body *body, const struct streams *streams,
                    const char *prefix)
{
    body->length = 0;
    int result = append(body, "{\"cameras\":[");
    const char *separator = "";

    for (struct stream *stream = streams->first; result == 0 && stream; stream = stream->next) {
        if (!shows(body, stream)) {
            continue;
        }
        uint64_t key = row_key(stream, body->prefix);
        if (key != stream->row_key) {
            result = make_row(list, stream, prefix, key);
        }
        if (result == 0) {
            result = append(body, separator);
        }
        if (result == 0) {
            result = append(body, stream->row);
        }
        separator = ",";
    }
    if (result == 0) {
        result = append(body, "],\"groups\":");
    }
    if (result == 0) {
        result = append_groups(list, body, streams);
    }
    return result == 0 ? append(body, "}") : result;
}

static void free_body(struct camera_list_body *body)
{
    free(body->text);
    free(body->groups);
    rights_unref(body->rights);
    *body = (struct camera_list_body){0};
}

static bool is_for(const struct camera_list_body *body, const struct visitor *visitor, uint64_t prefix)
{
    if (!body->text || body->prefix != prefix || body->everything != (visitor->via == VISITOR_ANONYMOUS)) {
        return false;
    }
    return body->everything || rights_same_cameras(body->rights, visitor->rights);
}

/* The body for VISITOR; or the one that was not asked for longest, which is to be made for him. */
static struct camera_list_body *find(struct camera_list *list, const struct visitor *visitor, uint64_t prefix)
{
    struct camera_list_body *oldest = &list->bodies[0];

    for (unsigned i = 0; i < CAMERA_LIST_BODIES; i++) {
        struct camera_list_body *body = &list->bodies[i];
        if (is_for(body, visitor, prefix)) {
            return body;
        }
        oldest = body->used < oldest->used ? body : oldest;
    }
    free_body(oldest);
    oldest->everything = visitor->via == VISITOR_ANONYMOUS;
    oldest->rights = rights_ref(visitor->rights);
    oldest->prefix = prefix;
    return oldest;
}

const struct camera_list_body *camera_list_get(struct camera_list *list, const struct streams *streams,
                                               const struct visitor *visitor, const char *prefix)
{
    uint64_t prefix_hash = hash_add(HASH_START, prefix, strlen(prefix));
    struct camera_list_body *body = find(list, visitor, prefix_hash);

    if (!body->text || body->changes != streams->set->changes) {
        if (assemble(list, body, streams, prefix) < 0) {
            free_body(body);
            return NULL;
        }
        body->changes = streams->set->changes;
        snprintf(body->etag, sizeof(body->etag), "\"%016" PRIx64 "\"",
                 hash_add(HASH_START, body->text, body->length));
    }
    body->used = ++list->requests;
    return body;
}

void camera_list_finish(struct camera_list *list)
{
    for (unsigned i = 0; i < CAMERA_LIST_BODIES; i++) {
        free_body(&list->bodies[i]);
    }
    camera_groups_finish(&list->groups);
}
