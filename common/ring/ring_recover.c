/*
 * What a writer finds when it attaches (R5). A predecessor that was killed leaves one of these:
 *
 *   nothing begun           head is the end of the newest entry                      nothing to do
 *   claimed or half-written intent > head, newest as before                          nothing to do: it was
 * never visible committed               newest at head, or behind the padding at head            head is
 * moved over it visible                 head moved, keyframe or sequence behind                  they are
 * brought up to date
 *
 * Anything else was not left by a kill but by damage. Then no entry can be trusted: positions jump forward by
 * more than a lap, so that every place that a reader may hold is stale, and the sequence goes on upward.
 * Every value is loaded once; the ring may have been left by a hostile process.
 */
#include <errno.h>
#include <time.h>

#include "common/ring/ring_writer_private.h"

#define NS_PER_SECOND INT64_C(1000000000)

/*
 * No timeline is further ahead of the clock than this, in ns: a later end is damage, and would last for ever.
 */
#define END_AHEAD_MAX (INT64_C(24) * 3600 * NS_PER_SECOND)

struct remains {
    uint64_t intent, newest, head, keyframe, sequence;
    struct ring_entry *entry; /* at `newest` */
    uint64_t entry_sequence;
    uint64_t entry_end;
    uint32_t entry_flags;
};

static void load_remains(const struct ring_writer *writer, struct remains *remains)
{
    struct ring_header *header = ring_writer_header(writer);

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
    const struct ring_entry *entry = ring_writer_entry(writer, position);
    uint64_t capacity = writer->geometry.capacity;
    uint64_t room = capacity - (position & (capacity - 1));

    if (atomic_load_explicit(&entry->position, memory_order_acquire) != position) {
        return false;
    }
    uint64_t span = ring_entry_span(atomic_load_explicit(&entry->length, memory_order_relaxed));
    remains->entry_flags = atomic_load_explicit(&entry->flags, memory_order_relaxed);
    remains->entry_sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
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
    struct ring_header *header = ring_writer_header(writer);

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
}

static uint64_t largest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int start_afresh(struct ring_writer *writer, const struct remains *remains)
{
    struct ring_header *header = ring_writer_header(writer);
    uint64_t capacity = writer->geometry.capacity;
    uint64_t furthest =
        largest(largest(remains->intent, remains->head), largest(remains->newest, remains->keyframe));

    if (furthest >= RING_COUNT_MAX || remains->sequence >= RING_COUNT_MAX) {
        return -EBADMSG;
    }
    /*
     * Two laps: one to leave every reader's place behind, one because the start of a lap is rounded down to.
     */
    uint64_t start = (furthest & ~(capacity - 1)) + 3 * capacity;
    ring_writer_claim(writer, start);
    ring_test_fault(RING_FAULT_RECOVER_INTENT);
    atomic_store_explicit(&header->newest, 0, memory_order_release);
    atomic_store_explicit(&header->keyframe, 0, memory_order_release);
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
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ns = now.tv_sec * NS_PER_SECOND + now.tv_nsec;
    int64_t elapsed = epoch_ns >= 0 && epoch_ns < now_ns ? now_ns - epoch_ns : 0;
    if (end_ns < 0) {
        return 0;
    }
    return end_ns > elapsed + END_AHEAD_MAX ? elapsed : end_ns;
}

int ring_writer_recover(struct ring_writer *writer)
{
    struct ring_header *header = ring_writer_header(writer);
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
    writer->end_ns = plausible_end(header);
    if (writer->head != remains.head) {
        ring_writer_wake(writer);
    }
    return 0;
}
