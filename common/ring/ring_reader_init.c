/* Reading a generation: the slots are sequence locks (ring_format.h), so each copy is tested before it
 * counts. */
#include "common/ring/ring_reader.h"

#include <errno.h>

/*
 * The newest generation's slot is overwritten only when the writer has begun four more. A few looks at a
 * fresh number are plenty; the bound is there because the reader never waits for the writer.
 */
#define NEWEST_ATTEMPTS 8

static void load_slot(const struct ring_generation_slot *slot, ringcast_generation *generation)
{
    generation->number = atomic_load_explicit(&slot->number, memory_order_relaxed);
    generation->timescale = atomic_load_explicit(&slot->timescale, memory_order_relaxed);
    generation->width = atomic_load_explicit(&slot->width, memory_order_relaxed);
    generation->height = atomic_load_explicit(&slot->height, memory_order_relaxed);
    generation->init_length = atomic_load_explicit(&slot->init_length, memory_order_relaxed);
    ring_copy(generation->codecs, slot->codecs, sizeof(generation->codecs));
}

static bool generation_valid(const ringcast_generation *generation)
{
    return memchr(generation->codecs, '\0', sizeof(generation->codecs)) &&
           ring_codecs_valid(generation->codecs) && generation->timescale != 0 &&
           generation->init_length <= RINGCAST_INIT_MAX;
}

static int read_slot(const ringcast_reader *reader, uint32_t number, void *buffer, size_t size,
                     ringcast_generation *generation)
{
    const struct ring_generation_slot *slot = ring_reader_slot(reader, number);
    ringcast_generation copy;

    uint32_t lock = atomic_load_explicit(&slot->lock, memory_order_acquire);
    if (lock % 2 != 0) {
        return ring_reader_gone(reader) ? -EBADMSG : -ESTALE;
    }
    load_slot(slot, &copy);
    bool fits = copy.init_length <= RINGCAST_INIT_MAX && copy.init_length <= size;
    if (buffer && fits) {
        ring_copy(buffer, slot->init, copy.init_length);
    }
    ring_fence(memory_order_acquire);
    if (ring_reader_gone(reader)) {
        return -EBADMSG;
    }
    if (atomic_load_explicit(&slot->lock, memory_order_relaxed) != lock || copy.number != number) {
        return -ESTALE;
    }
    if (!generation_valid(&copy)) {
        return -EBADMSG;
    }
    *generation = copy;
    return fits || !buffer ? 0 : -ENOSPC;
}

int ringcast_init_segment(const ringcast_reader *reader, uint32_t number, void *buffer, size_t size,
                          ringcast_generation *generation)
{
    if (number != 0) {
        return read_slot(reader, number, buffer, size, generation);
    }
    int result = -EAGAIN;
    for (int attempt = 0; attempt < NEWEST_ATTEMPTS; attempt++) {
        uint32_t newest = atomic_load_explicit(&ring_reader_header(reader)->generation, memory_order_acquire);
        if (newest == 0) {
            return ring_reader_gone(reader) ? -EBADMSG : -EAGAIN;
        }
        result = read_slot(reader, newest, buffer, size, generation);
        if (result != -ESTALE) {
            break;
        }
    }
    return result;
}
