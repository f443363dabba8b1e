/* SPDX-License-Identifier: MIT */
/*
 * Looks up in a camera's ring when a fragment was published, through libringcast as any outside reader would,
 * so that a viewer can tell the server's share of the latency. One thread.
 */
#ifndef TESTS_BENCH_RING_WATCH_H
#define TESTS_BENCH_RING_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct ring_watch;

/* Attaches to the ring NAME ("/ringcast.<instance>.<camera>"). NULL: no such ring, or out of memory. */
struct ring_watch *ring_watch_create(const char *name);
void ring_watch_destroy(struct ring_watch *watch);

/* True and *published_ns (CLOCK_MONOTONIC) for a fragment not older than the last one asked for. */
bool ring_watch_published(struct ring_watch *watch, uint32_t sequence, int64_t *published_ns);

#endif
