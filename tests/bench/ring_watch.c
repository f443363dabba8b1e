/* SPDX-License-Identifier: MIT */
#include "tests/bench/ring_watch.h"

#include <stdlib.h>

#include "common/ring/ringcast.h"

struct ring_watch {
    ringcast_reader *reader;
    ringcast_cursor cursor;
    ringcast_entry entry; /* the newest one read */
    size_t size;
    uint8_t buffer[];
};

struct ring_watch *ring_watch_create(const char *name)
{
    ringcast_reader *reader;
    if (ringcast_open(name, &reader) < 0) {
        return NULL;
    }
    size_t size = ringcast_capacity(reader);
    struct ring_watch *watch = calloc(1, sizeof *watch + size);
    if (!watch) {
        ringcast_close(reader);
        return NULL;
    }
    watch->reader = reader;
    watch->size = size;
    ringcast_seek_keyframe(reader, &watch->cursor);
    return watch;
}

void ring_watch_destroy(struct ring_watch *watch)
{
    if (!watch) {
        return;
    }
    ringcast_close(watch->reader);
    free(watch);
}

bool ring_watch_published(struct ring_watch *watch, uint32_t sequence, int64_t *published_ns)
{
    while ((int32_t)(sequence - (uint32_t)watch->entry.sequence) > 0) {
        int got = ringcast_read(watch->reader, &watch->cursor, watch->buffer, watch->size, &watch->entry);
        if (got < 0) {
            ringcast_seek_keyframe(watch->reader, &watch->cursor);
        }
        if (got <= 0) {
            return false;
        }
    }
    *published_ns = watch->entry.published_ns;
    return (uint32_t)watch->entry.sequence == sequence;
}
