/*
 * A histogram of latencies with fixed bounds: ringcast-fanout counts in one per camera, says what is in it as
 * JSON, and ringcastd adds those of all fan-outs up. The bounds are part of the JSON, so a receiver that has
 * others refuses it rather than miscount. No thread of its own; owned by whoever embeds it.
 */
#ifndef COMMON_IPC_LATENCY_H
#define COMMON_IPC_LATENCY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* 0.1 ms to 1 s in steps of 1, 2.5, 5; and what is above. */
#define LATENCY_BOUNDS 13
#define LATENCY_BUCKETS (LATENCY_BOUNDS + 1)

struct latency {
    uint64_t counts[LATENCY_BUCKETS]; /* not cumulative; the last one: above all bounds */
    uint64_t sum_ns;
};

/*
 * Counts what took from FROM_NS to TO_NS, both CLOCK_MONOTONIC. FROM_NS may be whatever a hostile writer put
 * there: what is not before TO_NS, or more than an hour before it, is not counted.
 */
void latency_add(struct latency *latency, int64_t from_ns, int64_t to_ns);

/* How many were counted. */
uint64_t latency_count(const struct latency *latency);

/* Adds OTHER's counts. */
void latency_merge(struct latency *latency, const struct latency *other);

/* {"le_s":[bounds in seconds],"counts":[…],"sum_s":…}. A new object, or NULL. */
json_t *latency_to_json(const struct latency *latency);

/* False: OBJECT is not such a histogram with these bounds, and *latency is empty. */
bool latency_from_json(struct latency *latency, const json_t *object);

#endif
