/* SPDX-License-Identifier: MIT */
/*
 * What a group of viewers received, added up. bench_viewers has one for the viewers that read at once and one
 * for those that are slow on purpose. One thread.
 */
#ifndef TESTS_BENCH_TALLY_H
#define TESTS_BENCH_TALLY_H

#include <jansson.h>
#include <stdint.h>

#include "tests/bench/histogram.h"

/* Different close codes that are told apart; more are counted as code 0. */
#define TALLY_CLOSE_CODES 8

struct tally_close {
    int code; /* RFC 6455 section 7.4; 1006: the connection ended without a close frame */
    uint64_t count;
};

struct tally {
    /* over the whole run */
    uint64_t viewers, joined, refused, broken;
    uint64_t inits, texts, pings, fragments, bytes;
    uint64_t lost; /* numbers skipped without a drop message */
    uint64_t duplicated, disordered;
    uint64_t first_not_keyframe; /* viewers whose first fragment was none */
    uint64_t after_drop_not_keyframe;
    uint64_t keyframe_flag_wrong; /* sample flags and slice type contradict each other */
    uint64_t frames_missing;      /* camera's frames that were not in consecutive fragments */
    uint64_t frames_repeated;
    uint64_t unstamped, unreadable;
    uint64_t drops, dropped_fragments; /* drop messages and what they announce */
    struct tally_close closes[TALLY_CLOSE_CODES];
    struct histogram upgrade, join; /* TCP connect → 101, → first fragment wholly read */
    /* in the measured interval only */
    uint64_t interval_fragments, interval_bytes;
    struct histogram latency;        /* camera → wholly read from the socket */
    struct histogram ring_to_socket; /* published in the ring → wholly read from the socket */
};

/* On the heap because of the histograms. NULL: out of memory. */
struct tally *tally_create(void);
void tally_destroy(struct tally *tally);

void tally_add_close(struct tally *tally, int code);

/* Everything as one JSON object, owned by the caller. */
json_t *tally_json(const struct tally *tally);

#endif
