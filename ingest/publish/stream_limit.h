/*
 * How much of a camera's stream is published at most: pictures and generations a second, each a bucket of
 * tokens that fills up with time. A camera that exceeds them, by a fault or on purpose, costs its viewers, the
 * log and ringcastd no more than a lively one. Memory of the caller; a zeroed limit is full. Pure functions.
 */
#ifndef INGEST_PUBLISH_STREAM_LIMIT_H
#define INGEST_PUBLISH_STREAM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Pictures a second in the long run, twice what fast cameras send; and at once, which is what a stalled
 * network delivers in one go.
 */
#define STREAM_LIMIT_PICTURES 240
#define STREAM_LIMIT_PICTURES_BURST 2000

/* The same for generations: each makes every viewer's decoder begin again. */
#define STREAM_LIMIT_GENERATIONS 1
#define STREAM_LIMIT_GENERATIONS_BURST 10

struct stream_limit {
    struct stream_bucket {
        int64_t used_ns;   /* of the time that a full bucket takes to fill, what has been taken */
        int64_t filled_ns; /* when that was right */
    } pictures, generations;
};

/* One more at NOW_NS (CLOCK_MONOTONIC). False: it is one too many. */
bool stream_limit_take_picture(struct stream_limit *limit, int64_t now_ns);
bool stream_limit_take_generation(struct stream_limit *limit, int64_t now_ns);

#endif
