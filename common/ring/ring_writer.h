/* SPDX-License-Identifier: MIT */
/*
 * The writing side of a ring. One writer per ring; used by one ringcast-ingest worker from one thread.
 * After ring_writer_attach no function here allocates, blocks or makes a system call, except for the wake-up in
 * ring_writer_publish (invariant R1). A writer killed at any instruction leaves every published entry
 * readable, and the next ring_writer_attach carries on after them, in a new generation unless its stream is the same one (R5).
 */
#ifndef COMMON_RING_RING_WRITER_H
#define COMMON_RING_RING_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ring/ringcast.h"

/* A fragment takes at most a quarter of its ring: a longer one would leave readers no time. */
#define RING_WRITER_FRAGMENT_PART 4u

/* Bytes that a fragment takes in the ring beside its own, in the mean: its header, and what is left free behind it. */
#define RING_WRITER_OVERHEAD 96u

struct ring_writer;

/* A generation, as the caller gives it to the writer. Everything is copied. */
struct ring_stream {
    const char *codecs; /* RFC 6381 */
    const void *init;   /* `ftyp` + `moov` */
    size_t init_length; /* bytes, ≤ RINGCAST_INIT_MAX */
    uint32_t timescale; /* of the video track, ticks a second */
    uint32_t width, height;
};

/* What a writer wants the next one to know about the newest fragment. The ring keeps it and does not look into it. */
struct ring_note {
    uint64_t words[6];
};

/* A fragment, as the caller gives it; the writer adds position, sequence, generation and the time of publishing. */
struct ring_fragment {
    uint32_t flags;               /* enum ringcast_entry_flags */
    int64_t decode_time;          /* video timescale */
    uint32_t duration;            /* video timescale */
    int64_t wall_ns;              /* CLOCK_REALTIME at capture */
    int64_t capture_ns;           /* CLOCK_MONOTONIC at capture */
    const struct ring_note *note; /* copied; NULL: none */
};

/*
 * Maps the ring of descriptor FD and repairs what a killed predecessor left. WAKE is an eventfd
 * (non-blocking) to which each publish adds 1, or -1. FD is closed in every case; WAKE stays the caller's and
 * must outlive the writer.
 *
 * 0; -EPROTO: not a ring; -EBADMSG: a ring beyond repair; -ENOMEM.
 */
int ring_writer_attach(int fd, int wake, struct ring_writer **writer);

/*
 * Lets NEXT, a ring just made for the same camera with the same epoch, carry on where OLD stops: sequences, generations and
 * the end of the timeline. From then on the caller publishes nothing in OLD, and begins a generation in NEXT.
 *
 * 0; -EINVAL: something was published in NEXT already.
 */
int ring_writer_succeed(struct ring_writer *next, const struct ring_writer *old);

/* Size of the data area in bytes, and of the longest fragment that it takes. */
size_t ring_writer_capacity(const struct ring_writer *writer);
size_t ring_writer_fragment_max(const struct ring_writer *writer);

/* Bytes of the data area that a fragment of LENGTH bytes takes. */
size_t ring_writer_span(size_t length);

/* Unmaps. The ring stays readable. NULL is allowed. */
void ring_writer_detach(struct ring_writer *writer);

/* The ring's epoch: CLOCK_MONOTONIC nanoseconds of decode time 0; the same for every writer of this ring. */
int64_t ring_writer_epoch_ns(const struct ring_writer *writer);

/* Where the writer is. Positions are bytes since the ring was made; sequences go on in a ring of another size. */
struct ring_writer_positions {
    uint64_t head;     /* end of the newest entry */
    uint64_t keyframe; /* of the newest entry that is a keyframe, 0: none */
    uint64_t sequence; /* of the newest entry */
    uint32_t generation;
};
struct ring_writer_positions ring_writer_positions(const struct ring_writer *writer);

/* The number that the next fragment will get: its `mfhd` sequence_number must be the low 32 bits of it. */
uint64_t ring_writer_next_sequence(const struct ring_writer *writer);

/*
 * The end of the timeline so far, also of earlier writers: the largest decode time + duration published, in nanoseconds
 * since the epoch; 0: nothing was published. New decode times must not be smaller.
 */
int64_t ring_writer_end_ns(const struct ring_writer *writer);

/*
 * The note of the newest fragment, whichever writer has published it. A ring may have been left by a hostile writer: what the note says is to
 * be checked. False: that fragment has none, or nothing was published.
 */
bool ring_writer_note(const struct ring_writer *writer, struct ring_note *note);

/*
 * Goes on with the generation of the writer before this one: fragments need not begin with a keyframe. For a writer whose stream is the
 * same one, to the byte, and goes on where the newest fragment ends. To be called before this writer has begun a generation.
 *
 * 0; -ESTALE: the newest fragment is of another stream, or there is none.
 */
int ring_writer_resume_generation(struct ring_writer *writer, const struct ring_stream *stream);

/*
 * Begins a new generation. The first fragment after it must be a keyframe.
 *
 * 0; -EMSGSIZE: init segment or codecs too long; -EINVAL: timescale 0, or bytes in the codecs other than
 * letters, digits and ".,-_+% " (readers refuse them).
 */
int ring_writer_begin_generation(struct ring_writer *writer, const struct ring_stream *stream);

/*
 * Room for a fragment of exactly LENGTH bytes, contiguous, directly in the ring. The caller fills it and then publishes
 * it; a second reservation before that replaces the first.
 *
 * NULL: LENGTH is 0 or more than a quarter of the ring, or no generation was begun.
 */
uint8_t *ring_writer_reserve(struct ring_writer *writer, size_t length);

/*
 * Publishes the reserved fragment and wakes the readers.
 *
 * 0; -EINVAL: nothing is reserved, or the first fragment of a generation is not a keyframe: then the reservation is gone.
 */
int ring_writer_publish(struct ring_writer *writer, const struct ring_fragment *fragment);

#endif
