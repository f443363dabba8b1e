#include "common/ring/ring_writer.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/ring/ring_writer_private.h"

#define NS_PER_SECOND INT64_C(1000000000)

static_assert(RING_WRITER_FRAGMENT_PART == RING_FRAGMENT_PART, "the same to writer and reader");

int ring_writer_attach(int fd, int wake, struct ring_writer **writer)
{
    struct ring_writer *attached = calloc(1, sizeof(*attached));
    int result = -ENOMEM;

    if (!attached) {
        goto close_descriptor;
    }
    attached->wake = wake;
    result = ring_geometry_read(fd, &attached->geometry);
    if (result < 0) {
        goto free_writer;
    }
    attached->map = mmap(NULL, attached->geometry.length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (attached->map == MAP_FAILED) {
        result = -errno;
        goto free_writer;
    }
    result = ring_writer_recover(attached);
    if (result < 0) {
        goto unmap;
    }
    atomic_store_explicit(&ring_writer_header(attached)->writer_pid, (uint32_t)getpid(),
                          memory_order_relaxed);
    *writer = attached;
    close(fd);
    return 0;

unmap:
    munmap(attached->map, attached->geometry.length);
free_writer:
    free(attached);
close_descriptor:
    close(fd);
    return result;
}

void ring_writer_detach(struct ring_writer *writer)
{
    if (!writer) {
        return;
    }
    munmap(writer->map, writer->geometry.length);
    free(writer);
}

int ring_writer_succeed(struct ring_writer *next, const struct ring_writer *old)
{
    struct ring_header *header = ring_writer_header(next);

    if (next->head != RING_FIRST_POSITION || next->begun) {
        return -EINVAL;
    }
    next->sequence = old->sequence;
    next->generation = old->generation;
    next->end_ns = old->end_ns;
    /* For the next writer's recovery; whoever reads them earlier finds no entry. */
    atomic_store_explicit(&header->sequence, next->sequence, memory_order_relaxed);
    atomic_store_explicit(&header->end_ns, next->end_ns, memory_order_relaxed);
    ring_test_fault(RING_FAULT_SUCCEED);
    atomic_store_explicit(&header->generation, next->generation, memory_order_release);
    return 0;
}

size_t ring_writer_capacity(const struct ring_writer *writer)
{
    return (size_t)writer->geometry.capacity;
}

size_t ring_writer_fragment_max(const struct ring_writer *writer)
{
    return (size_t)writer->geometry.capacity / RING_FRAGMENT_PART;
}

size_t ring_writer_span(size_t length)
{
    return (size_t)ring_entry_span(length);
}

int64_t ring_writer_epoch_ns(const struct ring_writer *writer)
{
    return ring_writer_header(writer)->identity.epoch_ns;
}

struct ring_writer_positions ring_writer_positions(const struct ring_writer *writer)
{
    return (struct ring_writer_positions){
        .head = writer->head,
        .keyframe = atomic_load_explicit(&ring_writer_header(writer)->keyframe, memory_order_relaxed),
        .sequence = writer->sequence,
        .generation = writer->generation,
    };
}

uint64_t ring_writer_next_sequence(const struct ring_writer *writer)
{
    return writer->sequence + 1;
}

int64_t ring_writer_end_ns(const struct ring_writer *writer)
{
    return writer->end_ns;
}

static void fill_slot(struct ring_generation_slot *slot, uint32_t number, const struct ring_stream *stream)
{
    /* Odd: a predecessor was killed in here. No reader has taken anything from the slot since. */
    uint32_t lock = atomic_load_explicit(&slot->lock, memory_order_relaxed) | 1u;

    atomic_store_explicit(&slot->lock, lock, memory_order_relaxed);
    ring_fence(memory_order_release);
    ring_test_fault(RING_FAULT_SLOT_LOCKED);
    atomic_store_explicit(&slot->number, number, memory_order_relaxed);
    atomic_store_explicit(&slot->timescale, stream->timescale, memory_order_relaxed);
    atomic_store_explicit(&slot->width, stream->width, memory_order_relaxed);
    atomic_store_explicit(&slot->height, stream->height, memory_order_relaxed);
    ring_test_fault(RING_FAULT_SLOT_HALF);
    atomic_store_explicit(&slot->init_length, (uint32_t)stream->init_length, memory_order_relaxed);
    memset(slot->codecs, 0, sizeof(slot->codecs));
    memcpy(slot->codecs, stream->codecs, strlen(stream->codecs));
    if (stream->init_length > 0) {
        memcpy(slot->init, stream->init, stream->init_length);
    }
    ring_test_fault(RING_FAULT_SLOT_FILLED);
    atomic_store_explicit(&slot->lock, lock + 1, memory_order_release);
}

int ring_writer_begin_generation(struct ring_writer *writer, const struct ring_stream *stream)
{
    if (stream->init_length > RINGCAST_INIT_MAX || strlen(stream->codecs) >= RINGCAST_CODECS_SIZE) {
        return -EMSGSIZE;
    }
    if (stream->timescale == 0 || !ring_codecs_valid(stream->codecs)) {
        return -EINVAL;
    }

    uint32_t number = writer->generation == UINT32_MAX ? 1 : writer->generation + 1; /* 0 means none */
    struct ring_generation_slot *slots =
        (struct ring_generation_slot *)(writer->map + writer->geometry.slots_offset);
    fill_slot(&slots[number % RING_GENERATIONS], number, stream);
    ring_test_fault(RING_FAULT_SLOT);
    atomic_store_explicit(&ring_writer_header(writer)->generation, number, memory_order_release);
    ring_test_fault(RING_FAULT_GENERATION);

    writer->generation = number;
    writer->timescale = stream->timescale;
    writer->begun = true;
    writer->wants_keyframe = true;
    writer->reserved.length = 0;
    return 0;
}

void ring_writer_claim(struct ring_writer *writer, uint64_t end)
{
    if (end > writer->intent) {
        writer->intent = end;
    }
    atomic_store_explicit(&ring_writer_header(writer)->intent, writer->intent, memory_order_relaxed);
    /* Pairs with the acquire fence behind a reader's copy: one that saw any of the new bytes sees the new
     * intent. */
    ring_fence(memory_order_release);
}

uint8_t *ring_writer_reserve(struct ring_writer *writer, size_t length)
{
    uint64_t capacity = writer->geometry.capacity;

    writer->reserved.length = 0;
    if (!writer->begun || length == 0 || length > ring_writer_fragment_max(writer)) {
        return NULL;
    }
    uint64_t position = writer->head;
    uint64_t room = capacity - (position & (capacity - 1));
    if (ring_entry_span(length) >
        room) { /* a fragment is contiguous: padding takes what is left of this lap */
        position += room;
    }
    ring_writer_claim(writer, position + ring_entry_span(length));
    ring_test_fault(RING_FAULT_INTENT);
    writer->reserved = (struct ring_reservation){.position = position, .length = length};
    return (uint8_t *)(ring_writer_entry(writer, position) + 1);
}

/* The end of the fragment on the timeline, rounded up; nonsense times (before the epoch, in centuries) count
 * as none. */
static int64_t end_of(const struct ring_writer *writer, const struct ring_fragment *fragment)
{
    int64_t timescale = writer->timescale;
    int64_t seconds = fragment->decode_time / timescale;

    if (fragment->decode_time < 0 || seconds >= INT64_MAX / NS_PER_SECOND / 2) {
        return 0;
    }
    /* At most 2^32 ticks of rest and 2^32 of duration, times 2^30: it fits. */
    int64_t ticks = fragment->decode_time % timescale + fragment->duration;
    int64_t whole = ticks / timescale;
    int64_t rest = ((ticks % timescale) * NS_PER_SECOND + timescale - 1) / timescale;
    return (seconds + whole) * NS_PER_SECOND + rest;
}

static void write_padding(struct ring_writer *writer, uint64_t position, uint64_t span)
{
    struct ring_entry *entry = ring_writer_entry(writer, position);

    atomic_store_explicit(&entry->sequence, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->length, (uint32_t)(span - sizeof(*entry)), memory_order_relaxed);
    ring_test_fault(RING_FAULT_PADDING_HALF);
    atomic_store_explicit(&entry->generation, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->flags, RING_PADDING, memory_order_relaxed);
    atomic_store_explicit(&entry->position, position, memory_order_release);
}

static void write_entry(struct ring_writer *writer, const struct ring_fragment *fragment)
{
    struct ring_entry *entry = ring_writer_entry(writer, writer->reserved.position);
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* no system call: the vDSO answers */
    int64_t now_ns = now.tv_sec * NS_PER_SECOND + now.tv_nsec;
    atomic_store_explicit(&entry->sequence, writer->sequence + 1, memory_order_relaxed);
    atomic_store_explicit(&entry->decode_time, fragment->decode_time, memory_order_relaxed);
    atomic_store_explicit(&entry->wall_ns, fragment->wall_ns, memory_order_relaxed);
    atomic_store_explicit(&entry->capture_ns, fragment->capture_ns, memory_order_relaxed);
    ring_test_fault(RING_FAULT_ENTRY_HALF);
    atomic_store_explicit(&entry->published_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&entry->length, (uint32_t)writer->reserved.length, memory_order_relaxed);
    atomic_store_explicit(&entry->duration, fragment->duration, memory_order_relaxed);
    atomic_store_explicit(&entry->generation, writer->generation, memory_order_relaxed);
    atomic_store_explicit(&entry->flags, fragment->flags & RING_PUBLIC_FLAGS, memory_order_relaxed);
    atomic_store_explicit(&entry->position, writer->reserved.position, memory_order_release);
    ring_test_fault(RING_FAULT_ENTRY);
}

/* The order of R4. Each store makes visible only what is complete. */
static void commit(struct ring_writer *writer, const struct ring_fragment *fragment)
{
    struct ring_header *header = ring_writer_header(writer);
    uint64_t position = writer->reserved.position;
    uint64_t end = position + ring_entry_span(writer->reserved.length);

    atomic_store_explicit(&header->end_ns, writer->end_ns, memory_order_relaxed);
    ring_test_fault(RING_FAULT_END);
    if (position != writer->head) {
        write_padding(writer, writer->head, position - writer->head);
        ring_test_fault(RING_FAULT_PADDING);
    }
    write_entry(writer, fragment);
    atomic_store_explicit(&header->newest, position, memory_order_release);
    ring_test_fault(RING_FAULT_NEWEST);
    atomic_store_explicit(&header->head, end, memory_order_release);
    ring_test_fault(RING_FAULT_HEAD);
    if (fragment->flags & RINGCAST_KEYFRAME) {
        atomic_store_explicit(&header->keyframe, position, memory_order_release);
    }
    ring_test_fault(RING_FAULT_KEYFRAME);
    writer->head = end;
    writer->sequence++;
    atomic_store_explicit(&header->sequence, writer->sequence, memory_order_relaxed);
    ring_test_fault(RING_FAULT_SEQUENCE);
}

void ring_writer_wake(struct ring_writer *writer)
{
    struct ring_header *header = ring_writer_header(writer);
    uint64_t one = 1;

    atomic_fetch_add_explicit(&header->wake, 1, memory_order_release);
    ring_test_fault(RING_FAULT_WAKE);
    /* First those who serve viewers: looking for sleepers on a futex takes some microseconds. */
    if (writer->wake >= 0) {
        /* EAGAIN: the counter is full, so whoever listens is woken anyway. */
        ssize_t written = write(writer->wake, &one, sizeof(one));
        (void)written;
    }
    ring_test_fault(RING_FAULT_WOKEN);
    syscall(SYS_futex, &header->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int ring_writer_publish(struct ring_writer *writer, const struct ring_fragment *fragment)
{
    if (writer->reserved.length == 0) {
        return -EINVAL;
    }
    if (writer->wants_keyframe && !(fragment->flags & RINGCAST_KEYFRAME)) {
        writer->reserved.length = 0;
        return -EINVAL;
    }
    int64_t end_ns = end_of(writer, fragment);
    if (end_ns > writer->end_ns) {
        writer->end_ns = end_ns;
    }
    commit(writer, fragment);
    writer->reserved.length = 0;
    writer->wants_keyframe = false;
    ring_writer_wake(writer);
    return 0;
}
