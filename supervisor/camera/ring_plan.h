/* SPDX-License-Identifier: MIT */
/*
 * How large a camera's ring should be, from what its worker measures. Memory of the caller; a zeroed plan has
 * no history. Pure functions.
 *
 * A viewer that joins begins at the newest keyframe, so the ring must hold everything since then together
 * with the next keyframe, and some more for readers that are late. The plan is a third more than the
 * largest group of pictures, and at least a second of the stream. A ring grows at once, because in a ring
 * that is too small viewers miss pictures. It shrinks only when three quarters of it have been enough for a minute,
 * because during a change both rings take memory.
 *
 * A ring that keeps the past (`look_back`) holds, beside that, so many seconds of the stream at its mean rate over as long a
 * time, a thirty-second part more for those who read the oldest of it, and the group of pictures before. It is content with a
 * sixteenth less, and with an eighth more. The fan-out holds the ring before for as long as its past counts, but only that one, so
 * a ring that holds half of its past is moved for the sake of it at most once in `look_back`, and more often only at the beginning.
 */
#ifndef SUPERVISOR_CAMERA_RING_PLAN_H
#define SUPERVISOR_CAMERA_RING_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of data. Below this a ring's own header and slots (68 KiB) outweigh what is saved. */
#define RING_PLAN_MIN 262144u

/* Bytes of data before anything is known: a GOP of 2 s at 2 Mbit/s, as main streams have, and a margin. */
#define RING_PLAN_FIRST 786432u

/* Bytes by which sizes differ. */
#define RING_PLAN_STEP 65536u

/*
 * Milliseconds for which less than a ring must be enough before it shrinks. The daemon tests are built with less.
 */
#ifndef RING_PLAN_SHRINK_MS
#define RING_PLAN_SHRINK_MS 60000
#endif

/* Milliseconds for which a stream is measured before its past is taken for known: cameras begin with a burst. */
#ifndef RING_PLAN_SETTLE_MS
#define RING_PLAN_SETTLE_MS 4000
#endif

/*
 * What a worker reports of its stream. The values are not trusted: no size above the maximum comes of them.
 */
struct ring_demand {
    uint64_t gop_bytes;        /* that the last group of pictures took in the ring */
    uint64_t fragment_bytes;   /* of the longest fragment in that group */
    uint64_t bytes_per_second; /* 0: not measured yet */
};

struct ring_plan {
    unsigned look_back_s;       /* seconds of the past that the ring keeps; 0: none */
    uint64_t spacious_since_ms; /* since when less would be enough; 0: it would not */
    size_t enough;              /* the largest size that was needed since then */
    uint64_t gop_bytes;         /* of the group of pictures when that began */
    double mean;                /* bytes a second over the last look_back_s, or since the beginning */
    uint64_t measured_ms;       /* how long that was measured */
    uint64_t noted_ms;          /* when the rate was last told; 0: never */
    size_t size;                /* of the ring when that was last asked for; 0: never */
    uint64_t moved_ms;          /* `measured_ms` when it got that size; 0: it has had it from the beginning */
};

/* The size in bytes that fits DEMAND, without a past: a multiple of RING_PLAN_STEP from RING_PLAN_MIN on, or MAX. */
size_t ring_plan_fit(const struct ring_demand *demand, size_t max);

/* Bytes that the past takes by what PLAN knows of it; 0: there is none to be kept, or its rate is not known yet. */
uint64_t ring_plan_past(const struct ring_plan *plan, const struct ring_demand *demand);

/* The size in bytes that a ring of SIZE bytes should have now; SIZE: it should stay. */
size_t ring_plan_next(struct ring_plan *plan, const struct ring_demand *demand, size_t size, size_t max,
                      uint64_t now_ms);

#endif
