/*
 * How large a camera's ring should be, from what its worker measures. Memory of the caller; a zeroed plan has
 * no history. Pure functions.
 *
 * A viewer that joins begins at the newest keyframe, so the ring must hold what was published since, and the
 * next keyframe beside it; a reader that is late needs some more. So: half as much again as the largest group
 * of pictures, and not less than a second's worth. A ring grows at once, for what is missing is a picture
 * that is not there, and shrinks only when it has been twice too large for a minute, for every change costs a
 * moment of both.
 */
#ifndef SUPERVISOR_CAMERA_RING_PLAN_H
#define SUPERVISOR_CAMERA_RING_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of data. Below this a ring's own header and slots (68 KiB) outweigh what is saved. */
#define RING_PLAN_MIN 262144u

/* Bytes of data before anything is known: a main stream's GOP of 2 s at 2 Mbit/s, with its margin. */
#define RING_PLAN_FIRST 1048576u

/* A ring shrinks after needing at most a half for so long, in ms. The daemon tests are built with less. */
#ifndef RING_PLAN_SHRINK_MS
#define RING_PLAN_SHRINK_MS 60000
#endif

/* What a worker says of its stream; nothing of it is believed beyond what the maximum allows. */
struct ring_demand {
    uint64_t gop_bytes;        /* of ring that the last group of pictures took */
    uint64_t fragment_bytes;   /* the longest fragment in it */
    uint64_t bytes_per_second; /* 0: not measured yet */
};

struct ring_plan {
    uint64_t spacious_since_ms; /* since when a half would do; 0: it would not */
};

/* The size that fits the demand: a power of two, at least RING_PLAN_MIN, at most MAX (a power of two). */
size_t ring_plan_fit(const struct ring_demand *demand, size_t max);

/* The size that a ring of SIZE bytes should have now; SIZE: it is to stay. */
size_t ring_plan_next(struct ring_plan *plan, const struct ring_demand *demand, size_t size, size_t max,
                      uint64_t now_ms);

#endif
