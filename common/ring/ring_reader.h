/*
 * What is behind a ringcast_reader: private to libringcast, and to tests that lay a reader over memory of
 * their own. Immutable after it is filled in; any thread may use it.
 */
#ifndef COMMON_RING_RING_READER_H
#define COMMON_RING_RING_READER_H

#include "common/ring/ring_fault.h"
#include "common/ring/ring_format.h"

struct ringcast_reader {
    const uint8_t *map;
    struct ring_geometry geometry;
    struct ring_fault_guard *guard; /* NULL: unguarded */
};

static inline const struct ring_header *ring_reader_header(const struct ringcast_reader *reader)
{
    return (const struct ring_header *)reader->map;
}

static inline const struct ring_generation_slot *ring_reader_slot(const struct ringcast_reader *reader,
                                                                  uint32_t generation)
{
    const struct ring_generation_slot *slots =
        (const struct ring_generation_slot *)(reader->map + reader->geometry.slots_offset);

    return &slots[generation % RING_GENERATIONS];
}

/* The ring can no longer be read: it was cut off under the reader. */
static inline bool ring_reader_gone(const struct ringcast_reader *reader)
{
    return ring_fault_hit(reader->guard);
}

#endif
