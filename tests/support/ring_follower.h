/* SPDX-License-Identifier: MIT */
/* A reader that follows a ring as a viewer does and checks all that it gets: for the tests with several
 * processes. */
#ifndef TESTS_SUPPORT_RING_FOLLOWER_H
#define TESTS_SUPPORT_RING_FOLLOWER_H

#include "tests/support/ring_fixture.h"

struct ring_follower {
    ringcast_cursor cursor;
    uint64_t last_sequence;
    uint64_t last_position;
    bool jumped; /* the next fragment need not be the one after the last */
    uint64_t fragments;
    uint64_t jumps; /* -ESTALE: the writer was faster */
    uint64_t gaps;  /* sequences that were never seen, by jumping */
};

void follower_init(struct ring_follower *follower, const ringcast_reader *reader);

/*
 * Reads all that there is. 0: up to date; -EPIPE: the ring is retired; -EILSEQ: an error that cannot occur with
 * an honest writer, killed or not (a broken fragment, a sequence that went back or skipped without a jump,
 * -EBADMSG).
 */
int follower_drain(struct ring_follower *follower, const ringcast_reader *reader);

#endif
