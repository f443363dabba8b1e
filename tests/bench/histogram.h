/* SPDX-License-Identifier: MIT */
/*
 * Percentiles of durations in bounded memory: 128 buckets an octave, so a percentile is right within 0.8 %;
 * the largest and the number of values are exact. One thread at a time.
 */
#ifndef TESTS_BENCH_HISTOGRAM_H
#define TESTS_BENCH_HISTOGRAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    int64_t max;
    double sum;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* Adds a duration in nanoseconds; a negative one counts as 0. */
void histogram_add(struct histogram *histogram, int64_t ns);

/* The duration that FRACTION (0…1) of all values do not exceed, in nanoseconds; 0 when empty. */
int64_t histogram_percentile(const struct histogram *histogram, double fraction);

/* {"count","mean","p50","p95","p99","max"}, durations in milliseconds. Owned by the caller. */
json_t *histogram_json(const struct histogram *histogram);

#endif
