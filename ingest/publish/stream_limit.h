/* SPDX-License-Identifier: MIT */
/*
 * How much of a camera's stream is published at most: pictures and generations a second, each with a bucket of tokens that
 * fills up with time. A camera that exceeds the limits, by a fault or on purpose, costs its viewers, the log and ringcastd
 * no more than a lively camera. In memory of the caller; a zeroed limit has full buckets. Pure functions.
 */
#ifndef INGEST_PUBLISH_STREAM_LIMIT_H
#define INGEST_PUBLISH_STREAM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Pictures a second in the long run, twice what fast cameras send; and pictures at once, as a network delivers them after it
 * has stalled.
 */
#define STREAM_LIMIT_PICTURES 240
#define STREAM_LIMIT_PICTURES_BURST 2000

/* The same for generations: with each of them every viewer's decoder starts again. */
#define STREAM_LIMIT_GENERATIONS 1
#define STREAM_LIMIT_GENERATIONS_BURST 10

struct stream_limit {
    struct stream_bucket {
        int64_t used_ns;   /* what has been taken, as the time in which the bucket fills up again */
        int64_t filled_ns; /* when used_ns was right; CLOCK_MONOTONIC */
    } pictures, generations;
};

/* Takes one more at NOW_NS (CLOCK_MONOTONIC). False: the limit is exceeded. */
bool stream_limit_take_picture(struct stream_limit *limit, int64_t now_ns);
bool stream_limit_take_generation(struct stream_limit *limit, int64_t now_ns);

#endif
