/* SPDX-License-Identifier: MIT */
/*
 * A histogram of latencies with fixed bounds. ringcast-fanout has one for each camera and reports it as JSON; ringcastd
 * adds up those of all fan-outs. The bounds are part of the JSON, so that a receiver with other bounds refuses it rather
 * than miscounts. Part of a structure of its owner; one thread.
 */
#ifndef COMMON_IPC_LATENCY_H
#define COMMON_IPC_LATENCY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Bounds from 0.1 ms to 1 s in steps of 1, 2.5, 5; one more bucket for what is above. */
#define LATENCY_BOUNDS 13
#define LATENCY_BUCKETS (LATENCY_BOUNDS + 1)

struct latency {
    uint64_t counts[LATENCY_BUCKETS]; /* not cumulative; the last one: above all bounds */
    uint64_t sum_ns;
};

/*
 * Counts the time from FROM_NS to TO_NS, both CLOCK_MONOTONIC. FROM_NS may come from a hostile writer: a time that is
 * not before TO_NS, or more than an hour before it, is not counted.
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
