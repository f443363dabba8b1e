/* SPDX-License-Identifier: MIT */
/*
 * Reading a ring. The reader trusts nothing that it finds in the ring (invariant R7): each value is loaded
 * once, checked, and used from the local copy; an offset comes only from a position that was checked to be
 * aligned, reduced by the capacity that ringcast_open checked against the size of the object.
 *
 * The writer may overwrite an entry while it is read (R4). So whatever a function concludes from the ring's
 * content, a fragment or a contradiction, becomes its answer only in verdict(), which tests whether the
 * writer was there first.
 */
#include "common/ring/ring_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static const struct ring_header *header_of(const ringcast_reader *reader)
{
    return (const struct ring_header *)reader->map;
}

static const struct ring_generation_slot *slot_of(const ringcast_reader *reader, uint32_t generation)
{
    const struct ring_generation_slot *slots =
        (const struct ring_generation_slot *)(reader->map + reader->geometry.slots_offset);

    return &slots[generation % RING_GENERATIONS];
}

/* True if the ring can no longer be read: it was cut off under the reader. */
static bool is_gone(const ringcast_reader *reader)
{
    return ring_fault_hit(reader->guard);
}

/* --- Fragments ------------------------------------------------------------------------------------------ */

/* Local copy of an entry's header, of which every field was loaded exactly once. */
struct found {
    uint64_t position; /* of the fragment itself, behind padding if there was some */
    uint64_t sequence;
    int64_t decode_time, wall_ns, capture_ns, published_ns;
    uint32_t length, duration, generation, flags;
};

static const struct ring_entry *entry_at(const ringcast_reader *reader, uint64_t position)
{
    const uint8_t *data = reader->map + reader->geometry.data_offset;

    return (const struct ring_entry *)(data + ring_offset(&reader->geometry, position));
}

static void load_entry(const struct ring_entry *entry, struct found *found)
{
    found->sequence = ring_load_u64(&entry->sequence);
    found->decode_time = ring_load_i64(&entry->decode_time);
    found->wall_ns = ring_load_i64(&entry->wall_ns);
    found->capture_ns = ring_load_i64(&entry->capture_ns);
    found->published_ns = ring_load_i64(&entry->published_ns);
    found->length = ring_load_u32(&entry->length);
    found->duration = ring_load_u32(&entry->duration);
    found->generation = ring_load_u32(&entry->generation);
    found->flags = ring_load_u32(&entry->flags);
}

/* Whether the bytes from POSITION on were, or may have been, overwritten. `intent` behind POSITION is damage and counts
 * as that. */
static bool lapped(const ringcast_reader *reader, uint64_t position, memory_order order)
{
    uint64_t intent = atomic_load_explicit(&header_of(reader)->intent, order);

    return intent - position > reader->geometry.capacity;
}

static int verdict(const ringcast_reader *reader, uint64_t position, int result)
{
    ring_fence(memory_order_acquire);
    if (is_gone(reader)) {
        return -EPIPE;
    }
    if (lapped(reader, position, memory_order_relaxed)) {
        return -ESTALE;
    }
    return result;
}

/*
 * Loads and checks the one header at POSITION, which lies below HEAD. 0, or -EBADMSG, which verdict() must
 * still judge. An honest entry lies whole before HEAD and before the end of the data area; padding fills the
 * latter.
 */
static int check_entry(const ringcast_reader *reader, uint64_t position, uint64_t head, struct found *found)
{
    const struct ring_entry *entry = entry_at(reader, position);

    if (ring_load_u64(&entry->position) != position) {
        return -EBADMSG;
    }
    load_entry(entry, found);
    found->position = position;
    uint64_t span = ring_entry_span(found->length);
    uint64_t room = reader->geometry.capacity - ring_offset(&reader->geometry, position);
    if (span > room || span > head - position) {
        return -EBADMSG;
    }
    if (found->flags & RING_PADDING) {
        return span == room ? 0 : -EBADMSG;
    }
    if (found->length == 0 || found->length > reader->geometry.capacity / RING_FRAGMENT_PART) {
        return -EBADMSG;
    }
    return found->generation != 0 && found->sequence != 0 ? 0 : -EBADMSG;
}

/* The same for the fragment at or, behind padding, after POSITION. */
static int check_fragment(const ringcast_reader *reader, uint64_t position, uint64_t head,
                          struct found *found)
{
    int result = check_entry(reader, position, head, found);
    if (result < 0 || !(found->flags & RING_PADDING)) {
        return result;
    }
    position += ring_entry_span(found->length);
    if (position == head) {
        return -EBADMSG;
    }
    result = check_entry(reader, position, head, found);
    return result < 0 || (found->flags & RING_PADDING) ? -EBADMSG : 0;
}

/* 1: *found is there, unless it was overwritten meanwhile; else what ringcast_read returns. */
static int find(const ringcast_reader *reader, const ringcast_cursor *cursor, struct found *found)
{
    const struct ring_header *header = header_of(reader);
    uint64_t position = cursor->position;

    /* The state first: what was published before the ring was retired is seen then. */
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_acquire);
    if (is_gone(reader)) {
        return -EPIPE;
    }
    if (position == head) {
        return state == RING_RETIRED ? -EPIPE : 0;
    }
    if (position < RING_FIRST_POSITION || lapped(reader, position, memory_order_acquire)) {
        return verdict(reader, position, -ESTALE);
    }
    if (position > head || position % RING_ALIGN != 0) {
        return verdict(reader, position, -EBADMSG);
    }
    int result = check_fragment(reader, position, head, found);
    if (result == 0 && cursor->sequence != 0 && found->sequence != cursor->sequence + 1) {
        result = -EBADMSG;
    }
    return result < 0 ? verdict(reader, position, result) : 1;
}

/* Timescale of generation NUMBER, or 0 if it is gone. */
static uint32_t timescale_of(const ringcast_reader *reader, uint32_t number)
{
    const struct ring_generation_slot *slot = slot_of(reader, number);
    uint32_t lock = atomic_load_explicit(&slot->lock, memory_order_acquire);
    uint32_t found = atomic_load_explicit(&slot->number, memory_order_relaxed);
    uint32_t timescale = atomic_load_explicit(&slot->timescale, memory_order_relaxed);

    ring_fence(memory_order_acquire);
    if (lock % 2 != 0 || found != number || atomic_load_explicit(&slot->lock, memory_order_relaxed) != lock) {
        return 0;
    }
    return timescale;
}

static void describe(const ringcast_reader *reader, const struct found *found, ringcast_entry *entry)
{
    *entry = (ringcast_entry){
        .position = found->position,
        .sequence = found->sequence,
        .generation = found->generation,
        .flags = found->flags & RING_PUBLIC_FLAGS,
        .length = found->length,
        .decode_time = found->decode_time,
        .duration = found->duration,
        .timescale = timescale_of(reader, found->generation),
        .wall_ns = found->wall_ns,
        .capture_ns = found->capture_ns,
        .published_ns = found->published_ns,
    };
}

int ringcast_read(const ringcast_reader *reader, ringcast_cursor *cursor, void *buffer, size_t size,
                  ringcast_entry *entry)
{
    struct found found;

    int result = find(reader, cursor, &found);
    if (result != 1) {
        return result;
    }
    describe(reader, &found, entry);
    if (found.length > size) {
        return verdict(reader, cursor->position, -ENOSPC);
    }
    ring_copy(buffer, entry_at(reader, found.position) + 1, found.length);
    result = verdict(reader, cursor->position, 1);
    if (result == 1) {
        cursor->position = found.position + ring_entry_span(found.length);
        cursor->sequence = found.sequence;
    }
    return result;
}

int ringcast_peek(const ringcast_reader *reader, const ringcast_cursor *cursor, ringcast_entry *entry)
{
    struct found found;

    int result = find(reader, cursor, &found);
    if (result != 1) {
        return result;
    }
    describe(reader, &found, entry);
    return verdict(reader, cursor->position, 1);
}

int ringcast_seek_keyframe(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    const struct ring_header *header = header_of(reader);
    struct found found;

    uint64_t keyframe = atomic_load_explicit(&header->keyframe, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_acquire);
    *cursor = (ringcast_cursor){.position = head};
    if (keyframe < RING_FIRST_POSITION || keyframe % RING_ALIGN != 0 || keyframe >= head ||
        lapped(reader, keyframe, memory_order_acquire)) {
        return -EAGAIN;
    }
    if (check_entry(reader, keyframe, head, &found) < 0 || (found.flags & RING_PADDING) ||
        !(found.flags & RINGCAST_KEYFRAME) || verdict(reader, keyframe, 0) < 0) {
        return -EAGAIN;
    }
    cursor->position = keyframe;
    return 0;
}

/*
 * Entries lead forward only, so the first one after a place is found by trying each position where one may begin. An entry holds its own
 * position, which the bytes of a fragment do not match by chance. The search ends within one fragment's length if the ring is
 * sound. The writer is given an eighth of the ring before it comes to the place.
 */
int ringcast_seek_oldest(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    const size_t capacity = reader->geometry.capacity;
    struct found found;

    int result = ringcast_seek_keyframe(reader, cursor);
    if (result < 0) {
        return result;
    }
    uint64_t head = atomic_load_explicit(&header_of(reader)->head, memory_order_acquire);
    uint64_t reach = capacity - capacity / 8;
    uint64_t position = head > reach + RING_FIRST_POSITION ? head - reach : RING_FIRST_POSITION;
    const uint64_t found_by = position + capacity / RING_FRAGMENT_PART + 2 * RING_ALIGN;
    while (position < cursor->position) {
        if (check_entry(reader, position, head, &found) < 0) {
            if (position > found_by) {
                break; /* it contradicts itself, or the writer is there already */
            }
            position += RING_ALIGN;
        } else if (!(found.flags & RING_PADDING) && (found.flags & RINGCAST_KEYFRAME) &&
                   verdict(reader, position, 0) == 0) {
            cursor->position = position;
        } else {
            position += ring_entry_span(found.length);
        }
    }
    return 0;
}

/* --- By time -------------------------------------------------------------------------------------------- */

/*
 * The index tells where to look, and no more (R7): an entry counts if it is a keyframe by itself. The writer may have written
 * a place again, or be doing so, which looks like an entry that is gone.
 */

/* A reader is given this part of the ring before the writer comes to the place where it begins. */
#define PAST_MARGIN_PART 32u

/* Places of the index that are tried, one after the other, where there should be a keyframe. */
#define INDEX_ATTEMPTS 64

struct index_view {
    const struct ring_index_place *places;
    uint64_t first, end; /* numbers of keyframes whose places are not being written */
    uint32_t mask;
};

static struct index_view view_index(const ringcast_reader *reader)
{
    const uint32_t count = reader->geometry.index_count;
    uint64_t indexed =
        count > 0 ? atomic_load_explicit(&header_of(reader)->indexed, memory_order_acquire) : 0;

    return (struct index_view){
        .places = (const struct ring_index_place *)(reader->map + reader->geometry.index_offset),
        .first = indexed >= count ? indexed - count + (count > 0) : 0,
        .end = indexed,
        .mask = count - 1,
    };
}

static uint64_t indexed_position(const struct index_view *index, uint64_t number)
{
    return atomic_load_explicit(&index->places[number & index->mask].position, memory_order_relaxed);
}

static int64_t indexed_ns(const struct index_view *index, uint64_t number)
{
    return atomic_load_explicit(&index->places[number & index->mask].published_ns, memory_order_relaxed);
}

/* True if a keyframe lies at POSITION. */
static bool is_keyframe(const ringcast_reader *reader, uint64_t position, uint64_t head)
{
    struct found found;

    return position >= RING_FIRST_POSITION && position % RING_ALIGN == 0 && position < head &&
           check_entry(reader, position, head, &found) == 0 && !(found.flags & RING_PADDING) &&
           (found.flags & RINGCAST_KEYFRAME) && verdict(reader, position, 0) == 0;
}

/*
 * The number of the newest keyframe in INDEX that was published at TIME_NS or before, and that lies at POSITION or behind it; the
 * oldest one at or behind POSITION, if all are newer. The loop ends whatever is in the index.
 */
static uint64_t search_index(const struct index_view *index, int64_t time_ns, uint64_t position)
{
    uint64_t low = index->first, high = index->end;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (indexed_ns(index, middle) <= time_ns || indexed_position(index, middle) <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low + (low + 1 < index->end && indexed_position(index, low) < position);
}

/* Where the index leads nowhere, the cursor stays on the newest keyframe: a hostile ring is not searched through. */
static void seek_by_index(const ringcast_reader *reader, int64_t time_ns, uint64_t head, uint64_t least,
                          ringcast_cursor *cursor)
{
    const struct index_view index = view_index(reader);

    if (index.end - index.first == 0) {
        return;
    }
    uint64_t number = search_index(&index, time_ns, least);
    for (int i = 0; i < INDEX_ATTEMPTS && number < index.end; i++, number++) {
        uint64_t position = indexed_position(&index, number);
        if (position < cursor->position && is_keyframe(reader, position, head)) {
            cursor->position = position;
            return;
        }
    }
}

/* From the oldest keyframe on to the last one that was published at TIME_NS or before. */
static void seek_by_walking(const ringcast_reader *reader, int64_t time_ns, uint64_t head,
                            ringcast_cursor *cursor)
{
    const uint64_t newest = cursor->position;
    struct found found;

    ringcast_seek_oldest(reader, cursor);
    uint64_t position = cursor->position;
    while (position < newest && check_entry(reader, position, head, &found) == 0) {
        bool keyframe = !(found.flags & RING_PADDING) && (found.flags & RINGCAST_KEYFRAME);
        if (keyframe && found.published_ns > time_ns) {
            return;
        }
        if (keyframe) {
            cursor->position = position;
        }
        position += ring_entry_span(found.length);
    }
}

int ringcast_seek_time(const ringcast_reader *reader, ringcast_cursor *cursor, int64_t time_ns)
{
    const uint64_t capacity = reader->geometry.capacity;
    struct found found;

    int result = ringcast_seek_keyframe(reader, cursor);
    if (result < 0) {
        return result;
    }
    uint64_t head = atomic_load_explicit(&header_of(reader)->head, memory_order_acquire);
    uint64_t reach = capacity - capacity / PAST_MARGIN_PART;
    uint64_t least = head > reach ? head - reach : RING_FIRST_POSITION;
    if (check_entry(reader, cursor->position, head, &found) == 0 && found.published_ns <= time_ns) {
        return verdict(reader, cursor->position, 0) == 0 ? 0 : -EAGAIN;
    }
    if (reader->geometry.index_count > 0) {
        seek_by_index(reader, time_ns, head, least, cursor);
    } else {
        seek_by_walking(reader, time_ns, head, cursor);
    }
    return 0;
}

int64_t ringcast_epoch_ns(const ringcast_reader *reader)
{
    return *(const volatile int64_t *)&header_of(reader)->identity.epoch_ns;
}

int ringcast_continue(const ringcast_reader *reader, ringcast_cursor *cursor)
{
    struct found found;

    /* The first entry of a ring lies at its first position. */
    cursor->position = RING_FIRST_POSITION;
    int result = find(reader, cursor, &found);
    if (result == 1) {
        result = verdict(reader, cursor->position, 0);
    } else if (result == 0 || result == -EPIPE) {
        return -EAGAIN;
    }
    return result < 0 ? -ESTALE : 0;
}

/* --- Generations ---------------------------------------------------------------------------------------- */

/* The slots are sequence locks (ring_format.h), so each copy is tested before it counts. */

/*
 * The newest generation's slot is overwritten only when the writer has begun four more. A few attempts with
 * the newest number are plenty; they are bounded because the reader never waits for the writer.
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
    const struct ring_generation_slot *slot = slot_of(reader, number);
    ringcast_generation copy;

    uint32_t lock = atomic_load_explicit(&slot->lock, memory_order_acquire);
    if (lock % 2 != 0) {
        return is_gone(reader) ? -EBADMSG : -ESTALE;
    }
    load_slot(slot, &copy);
    bool fits = copy.init_length <= RINGCAST_INIT_MAX && copy.init_length <= size;
    if (buffer && fits) {
        ring_copy(buffer, slot->init, copy.init_length);
    }
    ring_fence(memory_order_acquire);
    if (is_gone(reader)) {
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
        uint32_t newest = atomic_load_explicit(&header_of(reader)->generation, memory_order_acquire);
        if (newest == 0) {
            return is_gone(reader) ? -EBADMSG : -EAGAIN;
        }
        result = read_slot(reader, newest, buffer, size, generation);
        if (result != -ESTALE) {
            break;
        }
    }
    return result;
}

/* --- Waiting -------------------------------------------------------------------------------------------- */

/* A futex in the read-only mapping, which FUTEX_WAIT does not mind. */

/* Sleeps while the futex word is VALUE. DEADLINE_NS: CLOCK_MONOTONIC, or -1. 0 or negative errno. */
static int sleep_while(const _Atomic uint32_t *word, uint32_t value, int64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = deadline_ns / NS_PER_SECOND,
                                .tv_nsec = deadline_ns % NS_PER_SECOND};

    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, deadline_ns < 0 ? NULL : &deadline, NULL,
                          FUTEX_BITSET_MATCH_ANY);
    return result < 0 ? -errno : 0;
}

/* 1, -EPIPE, or 0: nothing yet, and *word is the futex's value from before the look. */
static int look_for_more(const ringcast_reader *reader, const ringcast_cursor *cursor, uint32_t *word)
{
    const struct ring_header *header = header_of(reader);

    *word = atomic_load_explicit(&header->wake, memory_order_acquire);
    uint32_t state = atomic_load_explicit(&header->state, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_acquire);
    if (is_gone(reader)) {
        return -EPIPE;
    }
    if (head != cursor->position) { /* also a place that only ringcast_read can explain */
        return 1;
    }
    return state == RING_RETIRED ? -EPIPE : 0;
}

int ringcast_wait(const ringcast_reader *reader, const ringcast_cursor *cursor, int timeout_ms)
{
    int64_t deadline_ns = timeout_ms < 0 ? -1 : clock_now_ns() + timeout_ms * NS_PER_MS;

    for (;;) {
        uint32_t word;
        int result = look_for_more(reader, cursor, &word);
        if (result != 0) {
            return result;
        }
        /* The clock, and not only the futex, ends the loop: a hostile writer can change the word all the time. */
        if (timeout_ms == 0 || (deadline_ns >= 0 && clock_now_ns() >= deadline_ns)) {
            return 0;
        }
        result = sleep_while(&header_of(reader)->wake, word, deadline_ns);
        if (result == -EINTR) {
            return -EINTR;
        }
        if (result == -EFAULT) { /* the object was cut off: the word has no page any more */
            return -EPIPE;
        }
    }
}

/* --- Opening -------------------------------------------------------------------------------------------- */

int ringcast_open_fd(int fd, ringcast_reader **reader)
{
    struct ring_geometry geometry;

    int result = ring_geometry_read(fd, &geometry);
    if (result < 0) {
        return result;
    }
    ringcast_reader *opened = calloc(1, sizeof(*opened));
    if (!opened) {
        return -ENOMEM;
    }
    void *map = mmap(NULL, geometry.length, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        result = -errno;
        goto free_reader;
    }
    *opened = (ringcast_reader){.map = map, .geometry = geometry};
    result = ring_fault_guard(map, geometry.length, &opened->guard);
    if (result < 0) {
        goto unmap;
    }
    *reader = opened;
    return 0;

unmap:
    munmap(map, geometry.length);
free_reader:
    free(opened);
    return result;
}

/* /dev/shm is everyone's: another user may have made the object that has a ring's name. Root may read any ring. */
static bool is_trusted(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && (status.st_uid == geteuid() || geteuid() == 0);
}

int ringcast_open(const char *name, ringcast_reader **reader)
{
    /* O_NONBLOCK: so as not to hang on a FIFO that another user has put in the ring's place. */
    int fd = shm_open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int result = is_trusted(fd) ? ringcast_open_fd(fd, reader) : -EPERM;
    close(fd);
    /* A ring that ended and whose name is about to go: its readers come here to see what follows. */
    if (result == 0 &&
        atomic_load_explicit(&header_of(*reader)->state, memory_order_acquire) == RING_RETIRED) {
        ringcast_close(*reader);
        *reader = NULL;
        result = -ENOENT;
    }
    return result;
}

void ringcast_close(ringcast_reader *reader)
{
    if (!reader) {
        return;
    }
    ring_fault_release(reader->guard);
    munmap((void *)reader->map, reader->geometry.length);
    free(reader);
}

size_t ringcast_capacity(const ringcast_reader *reader)
{
    return (size_t)reader->geometry.capacity;
}
