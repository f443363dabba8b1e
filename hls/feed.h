/* SPDX-License-Identifier: MIT */
/*
 * One stream of a camera while it is held: its ring is read, first to find out what the stream is like, then into the segmenter. Owned by a
 * presentation; one thread.
 *
 *          feed_begin            feed_go_live             feed_end
 *   off ───────────▶ surveying ───────────▶ live ──────────────────▶ off
 */
#ifndef HLS_FEED_H
#define HLS_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program/program.h"
#include "hls/stream/segmenter.h"
#include "hls/stream/survey.h"

/* One for the process: what all feeds read into. It grows to the longest fragment. */
struct feed_memory {
    uint8_t *data;
    size_t size;
    uint8_t init[RINGCAST_INIT_MAX];
    struct chunk chunk;
};

enum feed_state { FEED_OFF, FEED_SURVEYING, FEED_LIVE };

/* Where the cursor is: nowhere, at the end of a ring whose next one is to be begun, or in a ring. */
enum feed_place { FEED_SEEKING, FEED_CONTINUING, FEED_READING };

/* Zeroed it is off. */
struct feed {
    enum feed_state state;
    struct program_camera *camera; /* NULL: there is none of that name */
    struct feed_memory *memory;
    enum feed_place place;
    bool in_last; /* in the ring before the present one */
    ringcast_cursor cursor;
    bool past;   /* live, but what is read is still the past that the ring had: nobody is told of it yet */
    bool broken; /* the next fragment does not go on from the last one */
    struct survey survey;
    uint64_t first_ms; /* when the survey saw its first picture; 0: not yet */
    struct segmenter segmenter;
    uint32_t generation; /* whose init segment the segmenter has; 0: none */
    int64_t epoch_ns;
    uint64_t next_segment, next_break; /* numbers of the next time that it is held, at least */
};

/* Begins to look at the stream of CAMERA. */
void feed_begin(struct feed *feed, struct program_camera *camera, struct feed_memory *memory);

/* Begins with the past that is in the ring. The survey must have seen a picture. */
void feed_go_live(struct feed *feed, struct presentation_timing *timing);

/* Lets go of everything but the numbers. */
void feed_end(struct feed *feed);

/* The camera has another ring. */
void feed_change_ring(struct feed *feed);

/* Reads what is there. True: there is more, but others should have their turn. */
bool feed_read(struct feed *feed);

#endif
