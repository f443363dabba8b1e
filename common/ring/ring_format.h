/* SPDX-License-Identifier: MIT */
/*
 * How a ring lies in shared memory: private to ringcast's own sources, described bit by bit in
 * docs/reference/ring.md. Three parties touch it: the creator (the supervisor: once before any other process
 * sees the ring, and its state later), one writer (an ingest worker) and any number of readers, which map it
 * read-only. Every process may use this header.
 *
 * Integers are little-endian (the host's; only little-endian hosts are supported). All that changes after
 * creation is _Atomic, so that no access is a data race, except for the bytes of init segments, codecs and
 * fragments: those are copied with ring_copy() and the copy is thrown away when the writer may have
 * overwritten it meanwhile.
 */
#ifndef COMMON_RING_RING_FORMAT_H
#define COMMON_RING_RING_FORMAT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/ring/ringcast.h"

#define RING_MAGIC "RINGCAST"
#define RING_VERSION_MAJOR 1 /* with any other, the layout below does not hold */
#define RING_VERSION_MINOR 1 /* a higher one only adds what a reader may ignore */
#define RING_KNOWN_INCOMPATIBLE RING_ANY_CAPACITY

/* In `incompatible_flags`: the capacity is no power of two. Readers from before there were such rings refuse them. */
#define RING_ANY_CAPACITY 1u
#define RING_HAS_INDEX 1u /* compatible: keyframes can be found by their time, since minor version 1 */

#define RING_CAPACITY_MIN (UINT64_C(64) << 10)
#define RING_CAPACITY_MAX (UINT64_C(1) << 30)
#define RING_CAPACITY_STEP (UINT64_C(64) << 10)  /* a capacity is a multiple of this */
#define RING_DATA_OFFSET_MAX (UINT64_C(1) << 20) /* bounds what a reader maps before the data */
#define RING_INDEX_MAX 32768u                    /* places in an index, a power of two */

/* Entries begin at multiples of a cache line, so that a header is never split at the end of the data. */
#define RING_ALIGN 64u

/* Zero-filled memory must not look like an entry at position 0, so positions begin one step later. */
#define RING_FIRST_POSITION RING_ALIGN

/* Positions and sequences above this cannot be reached in honest use (centuries): they are damage. */
#define RING_COUNT_MAX (UINT64_C(1) << 62)

/* A fragment may take this part of the ring: a reader of any entry then has three quarters of a lap to copy
 * it. */
#define RING_FRAGMENT_PART 4u

/* The newest generations whose init segments are kept; generation N lies in slot N % RING_GENERATIONS. */
#define RING_GENERATIONS 4u

#define RING_NOTE_WORDS 6u
#define RING_NOTES 2u

#define RING_OBJECT_NAME_SIZE 256u

/* In ring_entry.flags, beside enum ringcast_entry_flags: this is not a fragment; the rest of the data area is unused. */
#define RING_PADDING (1u << 31)
#define RING_PUBLIC_FLAGS ((uint32_t)(RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY | RINGCAST_REMOTE))

enum ring_state {
    RING_LIVE = 1,
    RING_RETIRED = 2,
};

/* Written by the creator before the ring has its name (the magic last), constant from then on. */
struct ring_identity {
    char magic[8];
    uint16_t version_major;
    uint16_t version_minor;
    uint32_t
        header_size; /* bytes of struct ring_header in the creator's version; the generation slots follow */
    uint32_t compatible_flags;   /* features that a reader may ignore: RING_HAS_INDEX */
    uint32_t incompatible_flags; /* features without which a reader must refuse the ring */
    uint64_t capacity;           /* bytes of data */
    uint64_t data_offset;        /* bytes from the start of the object to the data */
    int64_t epoch_ns;            /* CLOCK_MONOTONIC of decode time 0 */
    uint32_t index_offset;     /* with RING_HAS_INDEX: bytes from the start of the object to the index, … */
    uint32_t index_count;      /* … its places, a power of two, … */
    uint32_t index_spacing_ms; /* … and the least time between two keyframes in it */
    uint8_t reserved[4];
    char name[RING_OBJECT_NAME_SIZE]; /* of the shared-memory object, for people who find one */
    uint8_t reserved_after_name[192];
};

/*
 * What a writer notes about one entry, for the writer after it (struct ring_note). Writer: relaxed, `sequence` last with release, before
 * the entry itself. The next writer: acquire; a note counts if `sequence` is that of the newest entry. Readers take nothing from here.
 */
struct ring_note_place {
    _Atomic uint64_t sequence; /* of the entry; 0: none */
    _Atomic uint64_t words[RING_NOTE_WORDS];
    uint8_t reserved[8];
};

struct ring_header {
    struct ring_identity identity;

    /*
     * End of what the writer has begun to overwrite: the bytes at position P are intact while intent - P <=
     * capacity. Writer: the writer, relaxed, then a release fence, before it touches the bytes. Never goes
     * back. Readers: load before their copy (acquire) and after it (acquire fence, then relaxed); pairs with
     * that fence.
     */
    _Alignas(64) _Atomic uint64_t intent;
    uint8_t reserved_intent[56];

    /*
     * Position of the newest entry, 0 before the first. Writer: release, after the entry's own commit word.
     * Read by the next writer (acquire) to complete a publish that a kill has cut off.
     */
    _Atomic uint64_t newest;
    /*
     * End of the newest entry: entries below it may be read. Writer: release, after `newest`.
     * Readers: acquire; pairs with that release, so everything below is complete.
     */
    _Atomic uint64_t head;
    /*
     * Position of the newest entry that is a keyframe, 0: none. Writer: release, after `head`.
     * Readers: acquire, in ringcast_seek_keyframe; they check what they find there.
     */
    _Atomic uint64_t keyframe;
    /* Sequence of the newest entry. Writer: relaxed, after `head`. Read by the next writer when `newest` is
     * damaged. */
    _Atomic uint64_t sequence;
    /*
     * Largest decode time + duration so far, nanoseconds since the epoch. Writer: relaxed, before the entry's
     * commit word: never behind what readers have seen. Read by the next writer.
     */
    _Atomic int64_t end_ns;
    /*
     * Futex: low 32 bits of the count of publishes (and of one retirement). Writer: release increment after
     * all of the above, then FUTEX_WAKE. Readers: acquire load, then `head`, then FUTEX_WAIT if there is
     * nothing new.
     */
    _Atomic uint32_t wake;
    uint8_t reserved_wake[4];
    /*
     * Keyframes that were put into the index so far; the newest is at place (indexed - 1) % index_count. Writer: release,
     * after the place. Readers: acquire; they check what they find there. 0 without an index.
     */
    _Atomic uint64_t indexed;
    uint8_t reserved_positions[8];

    /* Number of the newest generation, 0: none. Writer: release, after its slot. Readers: acquire. */
    _Atomic uint32_t generation;
    /* Process of the writer, in its own name space; for people. Writer: relaxed, when it attaches. */
    _Atomic uint32_t writer_pid;
    uint8_t reserved_writer[56];

    /*
     * enum ring_state. Writer: the creator, when the ring's writer is gone. Readers: acquire, before `head`.
     */
    _Atomic uint32_t state;
    uint8_t reserved_creator[60];

    /* Room for a heartbeat (written by the writer) and a lease (by the creator). */
    uint8_t reserved_heartbeat[64];
    uint8_t reserved_lease[64];
    /* The note of the entry with sequence N is at N mod 2: so that of the newest entry is there until the next one is complete. */
    struct ring_note_place notes[RING_NOTES];
};

/*
 * One generation. A sequence lock: the writer makes `lock` odd (relaxed, then a release fence), writes the
 * rest (relaxed) and makes `lock` even again (release). Readers: load `lock` (acquire), give up if it is odd,
 * copy, acquire fence, load again (relaxed): a copy counts only if both are the same.
 */
struct ring_generation_slot {
    _Atomic uint32_t lock;
    _Atomic uint32_t number;
    _Atomic uint32_t timescale;
    _Atomic uint32_t width;
    _Atomic uint32_t height;
    _Atomic uint32_t init_length;
    uint8_t reserved[40];
    char codecs[RINGCAST_CODECS_SIZE];
    uint8_t init[RINGCAST_INIT_MAX];
};

/*
 * Before each fragment, at a multiple of RING_ALIGN. Writer: everything relaxed, then `position` with
 * release: it is the entry's commit word. Readers: relaxed, each field once, after an acquire load of `head`,
 * which is stored later than the commit word. The next writer: `position` with acquire (pairs with the
 * release), then the rest.
 */
struct ring_entry {
    _Atomic uint64_t
        position; /* of this entry; with any other value, this is not the entry that a reader looks for */
    _Atomic uint64_t sequence;
    _Atomic int64_t decode_time;
    _Atomic int64_t wall_ns;
    _Atomic int64_t capture_ns;
    _Atomic int64_t published_ns;
    _Atomic uint32_t length; /* bytes that follow this header, without the filling up to RING_ALIGN */
    _Atomic uint32_t duration;
    _Atomic uint32_t generation;
    _Atomic uint32_t flags;
};

/*
 * One keyframe in the index. Writer: relaxed, then `indexed` with release. A reader may find a place that is being written
 * again; so it takes nothing from here but where to look, and the entry that it finds there says what it is.
 */
struct ring_index_place {
    _Atomic uint64_t position;    /* of the entry */
    _Atomic int64_t published_ns; /* of the entry */
};

static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2 && sizeof(long) == 8,
              "lock-free 64-bit atomics");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a ring is little-endian");

#define RING_AT(type, field, offset) static_assert(offsetof(struct type, field) == (offset), #type "." #field)
RING_AT(ring_identity, magic, 0);
RING_AT(ring_identity, version_major, 8);
RING_AT(ring_identity, version_minor, 10);
RING_AT(ring_identity, header_size, 12);
RING_AT(ring_identity, compatible_flags, 16);
RING_AT(ring_identity, incompatible_flags, 20);
RING_AT(ring_identity, capacity, 24);
RING_AT(ring_identity, data_offset, 32);
RING_AT(ring_identity, epoch_ns, 40);
RING_AT(ring_identity, index_offset, 48);
RING_AT(ring_identity, index_count, 52);
RING_AT(ring_identity, index_spacing_ms, 56);
RING_AT(ring_identity, reserved, 60);
RING_AT(ring_identity, name, 64);
RING_AT(ring_identity, reserved_after_name, 320);
RING_AT(ring_header, intent, 512);
RING_AT(ring_header, newest, 576);
RING_AT(ring_header, head, 584);
RING_AT(ring_header, keyframe, 592);
RING_AT(ring_header, sequence, 600);
RING_AT(ring_header, end_ns, 608);
RING_AT(ring_header, wake, 616);
RING_AT(ring_header, indexed, 624);
RING_AT(ring_header, generation, 640);
RING_AT(ring_header, writer_pid, 644);
RING_AT(ring_header, state, 704);
RING_AT(ring_header, reserved_heartbeat, 768);
RING_AT(ring_header, reserved_lease, 832);
RING_AT(ring_header, notes, 896);
static_assert(sizeof(struct ring_header) == 1024, "size of ring_header");
RING_AT(ring_note_place, sequence, 0);
RING_AT(ring_note_place, words, 8);
static_assert(sizeof(struct ring_note_place) == 64, "size of ring_note_place");
RING_AT(ring_generation_slot, lock, 0);
RING_AT(ring_generation_slot, number, 4);
RING_AT(ring_generation_slot, timescale, 8);
RING_AT(ring_generation_slot, width, 12);
RING_AT(ring_generation_slot, height, 16);
RING_AT(ring_generation_slot, init_length, 20);
RING_AT(ring_generation_slot, codecs, 64);
RING_AT(ring_generation_slot, init, 192);
static_assert(sizeof(struct ring_generation_slot) == 16576, "size of ring_generation_slot");
RING_AT(ring_entry, position, 0);
RING_AT(ring_entry, sequence, 8);
RING_AT(ring_entry, decode_time, 16);
RING_AT(ring_entry, wall_ns, 24);
RING_AT(ring_entry, capture_ns, 32);
RING_AT(ring_entry, published_ns, 40);
RING_AT(ring_entry, length, 48);
RING_AT(ring_entry, duration, 52);
RING_AT(ring_entry, generation, 56);
RING_AT(ring_entry, flags, 60);
static_assert(sizeof(struct ring_entry) == RING_ALIGN, "size of ring_entry");
RING_AT(ring_index_place, position, 0);
RING_AT(ring_index_place, published_ns, 8);
static_assert(sizeof(struct ring_index_place) == 16, "size of ring_index_place");
#undef RING_AT

/* Where the data begins in rings without an index: after the slots, on a page of its own. The index, if there is one, begins here. */
#define RING_DATA_OFFSET 69632u
static_assert(RING_DATA_OFFSET % 4096 == 0 &&
                  RING_DATA_OFFSET >=
                      sizeof(struct ring_header) + RING_GENERATIONS * sizeof(struct ring_generation_slot),
              "the slots lie before the data");

/* What a process that maps a ring knows of its shape: read once, checked, never read again. */
struct ring_geometry {
    uint64_t capacity;
    size_t slots_offset;
    size_t data_offset;
    size_t length; /* of header, slots and data */
    size_t index_offset;
    uint32_t index_count; /* 0: the ring has no index, or none that can be used */
    uint32_t index_spacing_ms;
};

/* Reads and checks the identity of the object behind FD. 0; -EPROTO: not a ring, too short, or of another version. */
int ring_geometry_read(int fd, struct ring_geometry *geometry);

/* Whether every byte of TEXT up to its NUL may stand in a codecs parameter: no quotes, markup or control characters. */
bool ring_codecs_valid(const char *text);

/* Where in the data area the byte at POSITION lies. */
static inline uint64_t ring_offset(const struct ring_geometry *geometry, uint64_t position)
{
    return position % geometry->capacity;
}

static inline bool ring_is_power_of_two(uint64_t capacity)
{
    return (capacity & (capacity - 1)) == 0;
}

static inline uint64_t ring_entry_span(uint64_t length)
{
    return (sizeof(struct ring_entry) + length + (RING_ALIGN - 1)) & ~(uint64_t)(RING_ALIGN - 1);
}

#if defined(__SANITIZE_THREAD__)
#define RING_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RING_TSAN 1
#endif
#endif

/*
 * Copies bytes that the writer may be overwriting at the same time. The race is part of the design: the
 * caller tests afterwards whether the copy is good, and nothing looks at it before. ThreadSanitizer cannot
 * know that, so for it there is a version that it does not see into (it would intercept memcpy).
 */
#ifdef RING_TSAN
__attribute__((no_sanitize("thread"), noinline, unused)) static void ring_copy(void *to, const void *from,
                                                                               size_t length)
{
    volatile uint8_t *target = to;
    const volatile uint8_t *source = from;
    for (size_t i = 0; i < length; i++) {
        target[i] = source[i];
    }
}
#else
static inline void ring_copy(void *to, const void *from, size_t length)
{
    memcpy(to, from, length);
}
#endif

/*
 * One relaxed load of an entry's field by a reader. ThreadSanitizer must not see it: where the reader looks
 * for an entry, a fragment may lie by now, written by plain stores.
 */
static inline uint32_t ring_load_u32(const _Atomic uint32_t *from)
{
#ifdef RING_TSAN
    uint32_t value;
    ring_copy(&value, from, sizeof(value));
    return value;
#else
    return atomic_load_explicit(from, memory_order_relaxed);
#endif
}

static inline uint64_t ring_load_u64(const _Atomic uint64_t *from)
{
#ifdef RING_TSAN
    uint64_t value;
    ring_copy(&value, from, sizeof(value));
    return value;
#else
    return atomic_load_explicit(from, memory_order_relaxed);
#endif
}

static inline int64_t ring_load_i64(const _Atomic int64_t *from)
{
    return (int64_t)ring_load_u64((const _Atomic uint64_t *)from);
}

/* gcc warns that ThreadSanitizer does not model fences. It needs none here: all it sees are atomics. */
#if defined(RING_TSAN) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void ring_fence(memory_order order)
{
    atomic_thread_fence(order);
}
#if defined(RING_TSAN) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
