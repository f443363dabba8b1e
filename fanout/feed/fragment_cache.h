/* SPDX-License-Identifier: MIT */
/*
 * Fragments for viewers that catch up: what one of them has read is not copied out of its ring again for the
 * next. Bounded in bytes, and empty while no viewer is behind. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_FRAGMENT_CACHE_H
#define FANOUT_FEED_FRAGMENT_CACHE_H

#include "fanout/feed/fragment_buffer.h"

/* Bytes of all fragments that are kept, besides the one that was read last. */
#define FRAGMENT_CACHE_BYTES_MAX (8u << 20)

#define FRAGMENT_CACHE_SLOTS 128u

struct fragment_cache {
    struct {
        struct fragment_buffer buffer;
        const ringcast_reader *reader; /* NULL: the slot is empty */
        ringcast_cursor cursor, next;  /* where the fragment was, and what follows it */
    } slots[FRAGMENT_CACHE_SLOTS];
    size_t bytes;
    uint64_t copies; /* how many fragments were copied out of rings since the start */
};

/* As fragment_buffer_read, but *FRAGMENT points to what was read, until the next call. */
int fragment_cache_read(struct fragment_cache *cache, const ringcast_reader *reader, ringcast_cursor *cursor,
                        struct fragment_buffer **fragment);

/* Frees everything; the cache may be used again. Call it before a reader in it is closed. */
void fragment_cache_clear(struct fragment_cache *cache);

#endif
