/* SPDX-License-Identifier: MIT */
#include "fanout/feed/fragment_cache.h"

/* Positions are multiples of a ring's alignment: a multiplicative hash spreads them (Knuth). */
static size_t slot_of(const ringcast_cursor *cursor)
{
    return (size_t)((cursor->position * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % FRAGMENT_CACHE_SLOTS;
}

int fragment_cache_read(struct fragment_cache *cache, const ringcast_reader *reader, ringcast_cursor *cursor,
                        struct fragment_buffer **fragment)
{
    size_t slot = slot_of(cursor);

    if (cache->slots[slot].reader == reader && cache->slots[slot].cursor.position == cursor->position &&
        cache->slots[slot].cursor.sequence == cursor->sequence) {
        *cursor = cache->slots[slot].next;
        *fragment = &cache->slots[slot].buffer;
        return 1;
    }
    if (cache->bytes > FRAGMENT_CACHE_BYTES_MAX) {
        fragment_cache_clear(cache);
    }
    struct fragment_buffer *buffer = &cache->slots[slot].buffer;
    size_t room = buffer->packet.room;
    ringcast_cursor before = *cursor;
    cache->slots[slot].reader = NULL;
    int result = fragment_buffer_read(buffer, reader, cursor);
    cache->bytes += buffer->packet.room - room;
    if (result == 1) {
        cache->slots[slot].reader = reader;
        cache->slots[slot].cursor = before;
        cache->slots[slot].next = *cursor;
        cache->copies++;
    }
    *fragment = buffer;
    return result;
}

void fragment_cache_clear(struct fragment_cache *cache)
{
    for (size_t i = 0; i < FRAGMENT_CACHE_SLOTS; i++) {
        packet_finish(&cache->slots[i].buffer.packet);
        cache->slots[i].reader = NULL;
    }
    cache->bytes = 0;
}
