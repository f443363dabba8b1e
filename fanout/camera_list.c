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

static int append(struct camera_list *list, const char *text)
{
    size_t length = strlen(text), needed = list->length + length + 1;

    if (needed > list->room) {
        size_t room = list->room ? list->room : FIRST_ROOM;
        while (room < needed) {
            room *= 2;
        }
        char *body = realloc(list->body, room);
        if (!body) {
            return -ENOMEM;
        }
        list->body = body;
        list->room = room;
    }
    memcpy(list->body + list->length, text, length + 1);
    list->length += length;
    return 0;
}

static int assemble(struct camera_list *list, const struct streams *streams, const char *prefix,
                    uint64_t prefix_hash)
{
    list->length = 0;
    int result = append(list, "{\"cameras\":[");
    const char *separator = "";

    for (struct stream *stream = streams->first; result == 0 && stream; stream = stream->next) {
        if (stream_is_sub(stream)) {
            continue;
        }
        uint64_t key = row_key(stream, prefix_hash);
        if (key != stream->row_key) {
            result = make_row(list, stream, prefix, key);
        }
        if (result == 0) {
            result = append(list, separator);
        }
        if (result == 0) {
            result = append(list, stream->row);
        }
        separator = ",";
    }
    return result == 0 ? append(list, "]}") : result;
}

int camera_list_update(struct camera_list *list, const struct streams *streams, const char *prefix)
{
    uint64_t prefix_hash = hash_add(HASH_START, prefix, strlen(prefix));

    if (list->body && list->changes == streams->set->changes && list->prefix == prefix_hash) {
        return 0;
    }
    int result = assemble(list, streams, prefix, prefix_hash);
    if (result < 0) {
        camera_list_finish(list);
        return result;
    }
    list->changes = streams->set->changes;
    list->prefix = prefix_hash;
    snprintf(list->etag, sizeof(list->etag), "\"%016" PRIx64 "\"",
             hash_add(HASH_START, list->body, list->length));
    return 0;
}

void camera_list_finish(struct camera_list *list)
{
    free(list->body);
    *list = (struct camera_list){.rows_made = list->rows_made};
}
