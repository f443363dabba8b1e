/* SPDX-License-Identifier: MIT */
/*
 * How a fuzz target's input becomes the payloads of a stream: each is a byte of flags, two bytes of length
 * and so many bytes. Each payload lies in memory of exactly its size. For the targets of ingest/rtp alone.
 */
#ifndef TESTS_FUZZ_RTP_FUZZ_FEED_H
#define TESTS_FUZZ_RTP_FUZZ_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "ingest/rtp/depacketizer.h"

enum {
    FEED_MARKER = 1,
    FEED_GAP = 2,
    FEED_NEXT_TIME = 4,
    FEED_RESET = 8,
    FEED_FLUSH = 16,
};

struct feed {
    const uint8_t *data;
    size_t size;
};

struct feed_item {
    uint8_t flags;
    uint8_t *data; /* to be freed */
    size_t size;
};

/* 1: *item is the next; 0: the end. */
int feed_next(struct feed *feed, struct feed_item *item);

/* Feeds everything to DEPACKETIZER and destroys it. CHECK sees every unit; NULL: what all have in common. */
void feed_depacketizer(struct depacketizer *depacketizer, const uint8_t *data, size_t size,
                       void (*check)(const struct depacketizer_unit *unit));

/* A unit of H.264 or H.265 must be NAL units after their lengths, and what the publisher does with it must hold. */
void feed_check_h264(const struct depacketizer_unit *unit);
void feed_check_h265(const struct depacketizer_unit *unit);

#endif
