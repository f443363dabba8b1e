/* SPDX-License-Identifier: MIT */
#include "common/ring/ring_writer.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ring/ring_writer_private.h"

static_assert(RING_WRITER_FRAGMENT_PART == RING_FRAGMENT_PART, "the same to writer and reader");
static_assert(sizeof(struct ring_note) == RING_NOTE_WORDS * sizeof(uint64_t), "a note fits its place");

static struct ring_header *header_of(const struct ring_writer *writer)
{
    return (struct ring_header *)writer->map;
}

static struct ring_entry *entry_at(const struct ring_writer *writer, uint64_t position)
{
    uint8_t *data = writer->map + writer->geometry.data_offset;

    return (struct ring_entry *)(data + ring_offset(&writer->geometry, position));
}

/* Moves `intent` to at least END, before anything below END is touched. */
static void claim(struct ring_writer *writer, uint64_t end)
{
    if (end > writer->intent) {
        writer->intent = end;
    }
    atomic_store_explicit(&header_of(writer)->intent, writer->intent, memory_order_relaxed);
    /* Pairs with the acquire fence behind a reader's copy: one that saw any of the new bytes sees the new
     * intent. */
    ring_fence(memory_order_release);
}

/* Wakes every reader that sleeps on the ring. */
static void wake_readers(struct ring_writer *writer)
{
    struct ring_header *header = header_of(writer);
    uint64_t one = 1;

    atomic_fetch_add_explicit(&header->wake, 1, memory_order_release);
    ring_test_fault(RING_FAULT_WAKE);
    /* First the fan-out, which serves viewers: looking for sleepers on a futex takes some microseconds. */
    if (writer->wake >= 0) {
        /* EAGAIN: the counter is full, so its reader is woken anyway. */
        ssize_t written = write(writer->wake, &one, sizeof(one));
        (void)written;
    }
    ring_test_fault(RING_FAULT_WOKEN);
    syscall(SYS_futex, &header->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* --- Notes ---------------------------------------------------------------------------------------------- */

static struct ring_note_place *note_place(const struct ring_writer *writer, uint64_t sequence)
{
    return &header_of(writer)->notes[sequence % RING_NOTES];
}

/* Of the entry that is about to get SEQUENCE, or that has it in the ring before this one. */
static void write_note(struct ring_writer *writer, uint64_t sequence, const struct ring_note *note)
{
    struct ring_note_place *place = note_place(writer, sequence);

    for (size_t i = 0; i < RING_NOTE_WORDS; i++) {
        atomic_store_explicit(&place->words[i], note->words[i], memory_order_relaxed);
        ring_test_fault(RING_FAULT_NOTE_HALF);
    }
    atomic_store_explicit(&place->sequence, sequence, memory_order_release);
    ring_test_fault(RING_FAULT_NOTE);
}

bool ring_writer_note(const struct ring_writer *writer, struct ring_note *note)
{
    const struct ring_note_place *place = note_place(writer, writer->sequence);

    if (writer->sequence == 0 ||
        atomic_load_explicit(&place->sequence, memory_order_acquire) != writer->sequence) {
        return false;
    }
    for (size_t i = 0; i < RING_NOTE_WORDS; i++) {
        note->words[i] = atomic_load_explicit(&place->words[i], memory_order_relaxed);
    }
    return true;
}

/* --- Attaching to what a predecessor left --------------------------------------------------------------- */

/*
 * What a writer finds when it attaches (R5). A predecessor that was killed leaves one of these:
 *
 *   nothing begun            head is the end of the newest entry                nothing to do
 *   claimed or half-written  intent > head, newest as before                    nothing to do: it was never visible
 *   committed                newest at head, or behind the padding at head      head is moved over it
 *   visible                  head moved, keyframe or sequence behind            they are brought up to date
 *
 * Anything else was not left by a kill but by damage. Then no entry can be trusted: positions jump forward by more than a
 * lap, so that every place that a reader may hold is stale, and the sequence goes on upward. Every value is loaded once;
 * the ring may have been left by a hostile process.
 */

/* No timeline is further ahead of the clock than this, in ns: a later end is damage, and would last for ever. */
#define END_AHEAD_MAX (INT64_C(24) * 3600 * NS_PER_SECOND)

struct remains {
    uint64_t intent, newest, head, keyframe, sequence;
    struct ring_entry *entry; /* at `newest` */
    uint64_t entry_sequence;
    uint64_t entry_end;
    uint32_t entry_flags;
    uint32_t entry_generation;
};

static void load_remains(const struct ring_writer *writer, struct remains *remains)
{
    struct ring_header *header = header_of(writer);

    remains->intent = atomic_load_explicit(&header->intent, memory_order_acquire);
    remains->newest = atomic_load_explicit(&header->newest, memory_order_acquire);
    remains->head = atomic_load_explicit(&header->head, memory_order_acquire);
    remains->keyframe = atomic_load_explicit(&header->keyframe, memory_order_acquire);
    remains->sequence = atomic_load_explicit(&header->sequence, memory_order_acquire);
}

static bool counts_plausible(const struct ring_writer *writer, const struct remains *remains)
{
    return (remains->intent | remains->newest | remains->head) % RING_ALIGN == 0 &&
           remains->head >= RING_FIRST_POSITION && remains->intent >= remains->head &&
           remains->intent - remains->head <= writer->geometry.capacity && remains->intent < RING_COUNT_MAX &&
           remains->sequence < RING_COUNT_MAX;
}

/* Loads the header at POSITION; false if no complete entry of the wanted kind lies there. */
static bool load_entry(const struct ring_writer *writer, uint64_t position, bool padding,
                       struct remains *remains)
{
    const struct ring_entry *entry = entry_at(writer, position);
    uint64_t room = writer->geometry.capacity - ring_offset(&writer->geometry, position);

    if (atomic_load_explicit(&entry->position, memory_order_acquire) != position) {
        return false;
    }
    uint64_t span = ring_entry_span(atomic_load_explicit(&entry->length, memory_order_relaxed));
    remains->entry_flags = atomic_load_explicit(&entry->flags, memory_order_relaxed);
    remains->entry_sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
    remains->entry_generation = atomic_load_explicit(&entry->generation, memory_order_relaxed);
    remains->entry_end = position + span;
    if (padding) {
        return (remains->entry_flags & RING_PADDING) && span == room;
    }
    return !(remains->entry_flags & RING_PADDING) && span > sizeof(*entry) && span <= room &&
           remains->entry_sequence - remains->sequence <= 1; /* `sequence` is written after the entry */
}

/* Finds the true head: 0, or -EBADMSG for what no kill explains. */
static int find_head(const struct ring_writer *writer, struct remains *remains)
{
    if (!counts_plausible(writer, remains)) {
        return -EBADMSG;
    }
    if (remains->newest == 0) {
        remains->entry_sequence = remains->sequence;
        remains->entry_end = remains->head;
        remains->entry_flags = 0;
        remains->entry_generation = 0;
        return 0;
    }
    if (remains->newest > remains->head) {
        if (!load_entry(writer, remains->head, true, remains) || remains->entry_end != remains->newest) {
            return -EBADMSG;
        }
    }
    if (!load_entry(writer, remains->newest, false, remains)) {
        return -EBADMSG;
    }
    if (remains->newest < remains->head) {
        return remains->entry_end == remains->head ? 0 : -EBADMSG;
    }
    return remains->entry_end <= remains->intent ? 0 : -EBADMSG;
}

static void roll_forward(struct ring_writer *writer, const struct remains *remains)
{
    struct ring_header *header = header_of(writer);

    if (remains->entry_end != remains->head) {
        atomic_store_explicit(&header->head, remains->entry_end, memory_order_release);
    }
    ring_test_fault(RING_FAULT_RECOVER_HEAD);
    if (remains->entry_flags & RINGCAST_KEYFRAME) {
        atomic_store_explicit(&header->keyframe, remains->newest, memory_order_release);
    } else if (remains->keyframe >= remains->entry_end) {
        atomic_store_explicit(&header->keyframe, 0, memory_order_release);
    }
    ring_test_fault(RING_FAULT_RECOVER_KEYFRAME);
    atomic_store_explicit(&header->sequence, remains->entry_sequence, memory_order_relaxed);
    writer->intent = remains->intent;
    writer->head = remains->entry_end;
    writer->sequence = remains->entry_sequence;
    writer->left_generation = remains->entry_generation;
}

static uint64_t largest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int start_afresh(struct ring_writer *writer, const struct remains *remains)
{
    struct ring_header *header = header_of(writer);
    uint64_t capacity = writer->geometry.capacity;
    uint64_t furthest =
        largest(largest(remains->intent, remains->head), largest(remains->newest, remains->keyframe));

    if (furthest >= RING_COUNT_MAX || remains->sequence >= RING_COUNT_MAX) {
        return -EBADMSG;
    }
    /* Two laps: one to leave every reader's place behind, one because the start of a lap is rounded down to. */
    uint64_t start = furthest - ring_offset(&writer->geometry, furthest) + 3 * capacity;
    claim(writer, start);
    ring_test_fault(RING_FAULT_RECOVER_INTENT);
    atomic_store_explicit(&header->newest, 0, memory_order_release);
    atomic_store_explicit(&header->keyframe, 0, memory_order_release);
    for (size_t i = 0; i < RING_NOTES; i++) {
        atomic_store_explicit(&header->notes[i].sequence, 0, memory_order_relaxed);
    }
    ring_test_fault(RING_FAULT_RECOVER_NEWEST);
    writer->sequence = remains->sequence + 1; /* it may have been one behind */
    atomic_store_explicit(&header->sequence, writer->sequence, memory_order_relaxed);
    ring_test_fault(RING_FAULT_RECOVER_SEQUENCE);
    atomic_store_explicit(&header->head, start, memory_order_release);
    writer->head = start;
    return 0;
}

static int64_t plausible_end(const struct ring_header *header)
{
    int64_t end_ns = atomic_load_explicit(&header->end_ns, memory_order_relaxed);
    int64_t epoch_ns = header->identity.epoch_ns;
    int64_t now_ns = clock_now_ns();

    int64_t elapsed = epoch_ns >= 0 && epoch_ns < now_ns ? now_ns - epoch_ns : 0;
    if (end_ns < 0) {
        return 0;
    }
    return end_ns > elapsed + END_AHEAD_MAX ? elapsed : end_ns;
}

/* Repairs the ring, then fills in all that the ring itself records. 0 or -EBADMSG. */
static int recover(struct ring_writer *writer)
{
    struct ring_header *header = header_of(writer);
    struct remains remains;

    load_remains(writer, &remains);
    if (find_head(writer, &remains) == 0) {
        roll_forward(writer, &remains);
    } else {
        int result = start_afresh(writer, &remains);
        if (result < 0) {
            return result;
        }
    }
    writer->generation = atomic_load_explicit(&header->generation, memory_order_acquire);
    writer->indexed = atomic_load_explicit(&header->indexed, memory_order_acquire);
    writer->end_ns = plausible_end(header);
    if (writer->head != remains.head) {
        wake_readers(writer);
    }
    return 0;
}

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
    result = recover(attached);
    if (result < 0) {
        goto unmap;
    }
    atomic_store_explicit(&header_of(attached)->writer_pid, (uint32_t)getpid(), memory_order_relaxed);
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
    struct ring_header *header = header_of(next);

    if (next->head != RING_FIRST_POSITION || next->begun) {
        return -EINVAL;
    }
    next->sequence = old->sequence;
    next->generation = old->generation;
    next->end_ns = old->end_ns;
    /* For the next writer's recovery; a reader that looks earlier finds no entry. */
    struct ring_note note;
    if (ring_writer_note(old, &note)) {
        write_note(next, next->sequence, &note);
    }
    atomic_store_explicit(&header->sequence, next->sequence, memory_order_relaxed);
    atomic_store_explicit(&header->end_ns, next->end_ns, memory_order_relaxed);
    ring_test_fault(RING_FAULT_SUCCEED);
    atomic_store_explicit(&header->generation, next->generation, memory_order_release);
    return 0;
}

/* --- Where the writer is -------------------------------------------------------------------------------- */

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
    return header_of(writer)->identity.epoch_ns;
}

struct ring_writer_positions ring_writer_positions(const struct ring_writer *writer)
{
    return (struct ring_writer_positions){
        .head = writer->head,
        .keyframe = atomic_load_explicit(&header_of(writer)->keyframe, memory_order_relaxed),
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

/* --- Generations ---------------------------------------------------------------------------------------- */

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

static bool holds(const struct ring_generation_slot *slot, uint32_t number, const struct ring_stream *stream)
{
    const size_t codecs_size = strlen(stream->codecs) + 1;

    return codecs_size <= RINGCAST_CODECS_SIZE && stream->init_length <= RINGCAST_INIT_MAX &&
           atomic_load_explicit(&slot->lock, memory_order_acquire) % 2 == 0 &&
           atomic_load_explicit(&slot->number, memory_order_relaxed) == number &&
           atomic_load_explicit(&slot->timescale, memory_order_relaxed) == stream->timescale &&
           atomic_load_explicit(&slot->width, memory_order_relaxed) == stream->width &&
           atomic_load_explicit(&slot->height, memory_order_relaxed) == stream->height &&
           atomic_load_explicit(&slot->init_length, memory_order_relaxed) == stream->init_length &&
           memcmp(slot->codecs, stream->codecs, codecs_size) == 0 &&
           (stream->init_length == 0 || memcmp(slot->init, stream->init, stream->init_length) == 0);
}

int ring_writer_resume_generation(struct ring_writer *writer, const struct ring_stream *stream)
{
    const struct ring_generation_slot *slots =
        (const struct ring_generation_slot *)(writer->map + writer->geometry.slots_offset);

    if (writer->begun || stream->timescale == 0 || writer->left_generation == 0 ||
        writer->left_generation != writer->generation ||
        !holds(&slots[writer->generation % RING_GENERATIONS], writer->generation, stream)) {
        return -ESTALE;
    }
    writer->timescale = stream->timescale;
    writer->begun = true;
    return 0;
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
    atomic_store_explicit(&header_of(writer)->generation, number, memory_order_release);
    ring_test_fault(RING_FAULT_GENERATION);

    writer->generation = number;
    writer->timescale = stream->timescale;
    writer->begun = true;
    writer->wants_keyframe = true;
    writer->reserved.length = 0;
    return 0;
}

/* --- Fragments ------------------------------------------------------------------------------------------ */

uint8_t *ring_writer_reserve(struct ring_writer *writer, size_t length)
{
    writer->reserved.length = 0;
    if (!writer->begun || length == 0 || length > ring_writer_fragment_max(writer)) {
        return NULL;
    }
    uint64_t position = writer->head;
    uint64_t room = writer->geometry.capacity - ring_offset(&writer->geometry, position);
    if (ring_entry_span(length) >
        room) { /* a fragment is contiguous: padding takes what is left of this lap */
        position += room;
    }
    claim(writer, position + ring_entry_span(length));
    ring_test_fault(RING_FAULT_INTENT);
    writer->reserved = (struct ring_reservation){.position = position, .length = length};
    return (uint8_t *)(entry_at(writer, position) + 1);
}

/* The end of the fragment on the timeline, rounded up; 0 for nonsense times (before the epoch, in centuries). */
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
    struct ring_entry *entry = entry_at(writer, position);

    atomic_store_explicit(&entry->sequence, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->length, (uint32_t)(span - sizeof(*entry)), memory_order_relaxed);
    ring_test_fault(RING_FAULT_PADDING_HALF);
    atomic_store_explicit(&entry->generation, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->flags, RING_PADDING, memory_order_relaxed);
    atomic_store_explicit(&entry->position, position, memory_order_release);
}

static void write_entry(struct ring_writer *writer, const struct ring_fragment *fragment, int64_t now_ns)
{
    struct ring_entry *entry = entry_at(writer, writer->reserved.position);

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

/* The keyframe at POSITION, just published, goes into the index if it is due. */
static void note_keyframe(struct ring_writer *writer, uint64_t position, int64_t published_ns)
{
    const struct ring_geometry *geometry = &writer->geometry;

    if (geometry->index_count == 0 || published_ns < writer->index_due_ns) {
        return;
    }
    struct ring_index_place *place = (struct ring_index_place *)(writer->map + geometry->index_offset) +
                                     (writer->indexed & (geometry->index_count - 1));
    atomic_store_explicit(&place->position, position, memory_order_relaxed);
    ring_test_fault(RING_FAULT_INDEX_HALF);
    atomic_store_explicit(&place->published_ns, published_ns, memory_order_relaxed);
    ring_test_fault(RING_FAULT_INDEX_PLACE);
    writer->indexed++;
    writer->index_due_ns = published_ns + geometry->index_spacing_ms * NS_PER_MS;
    atomic_store_explicit(&header_of(writer)->indexed, writer->indexed, memory_order_release);
    ring_test_fault(RING_FAULT_INDEX);
}

/* The order of R4. Each store makes visible only what is complete. */
static void commit(struct ring_writer *writer, const struct ring_fragment *fragment)
{
    struct ring_header *header = header_of(writer);
    uint64_t position = writer->reserved.position;
    uint64_t end = position + ring_entry_span(writer->reserved.length);
    int64_t now_ns = clock_now_ns(); /* no system call: the vDSO answers */

    atomic_store_explicit(&header->end_ns, writer->end_ns, memory_order_relaxed);
    ring_test_fault(RING_FAULT_END);
    if (fragment->note) {
        write_note(writer, writer->sequence + 1, fragment->note);
    }
    if (position != writer->head) {
        write_padding(writer, writer->head, position - writer->head);
        ring_test_fault(RING_FAULT_PADDING);
    }
    write_entry(writer, fragment, now_ns);
    atomic_store_explicit(&header->newest, position, memory_order_release);
    ring_test_fault(RING_FAULT_NEWEST);
    atomic_store_explicit(&header->head, end, memory_order_release);
    ring_test_fault(RING_FAULT_HEAD);
    if (fragment->flags & RINGCAST_KEYFRAME) {
        atomic_store_explicit(&header->keyframe, position, memory_order_release);
    }
    ring_test_fault(RING_FAULT_KEYFRAME);
    if (fragment->flags & RINGCAST_KEYFRAME) {
        note_keyframe(writer, position, now_ns);
    }
    writer->head = end;
    writer->sequence++;
    atomic_store_explicit(&header->sequence, writer->sequence, memory_order_relaxed);
    ring_test_fault(RING_FAULT_SEQUENCE);
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
    wake_readers(writer);
    return 0;
}
