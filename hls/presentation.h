/* SPDX-License-Identifier: MIT */
/*
 * A camera for HLS clients: its main and its sub stream while they are held, and the requests that wait for them. It is held from the first
 * request for a playlist until nobody has asked for PRESENTATION_HOLD_MS, or three target durations if that is longer. Owned by the server; one thread.
 */
#ifndef HLS_PRESENTATION_H
#define HLS_PRESENTATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/program/program.h"
#include "hls/bodies.h"
#include "hls/feed.h"
#include "hls/stream/request.h"

/* Milliseconds without a request after which a camera is let go. */
#define PRESENTATION_HOLD_MS 10000

/* In the environment: just so many milliseconds, for tests. */
#define PRESENTATION_HOLD_VARIABLE "RINGCAST_HOLD_MS"

/* What was answered since the process began. */
struct answer_counts {
    json_int_t playlists, media;
    json_int_t refused; /* 400, 404 and 503 */
    json_int_t held;    /* how often a camera began to be held */
};

/* A request that has no answer yet. */
struct asking {
    TAILQ_ENTRY(asking) link;
    struct program_question *question;
    struct request request;
    bool sub_only; /* of `index.m3u8`: ?stream=sub */
    uint64_t since_ms;
};

TAILQ_HEAD(askings, asking);

struct presentation {
    TAILQ_ENTRY(presentation) link; /* of all that are held */
    char *name;                     /* the camera's */
    struct program *program;
    struct feed_memory *memory;
    struct answer_counts *counts;
    struct feed feeds[REQUEST_STREAMS];
    struct presentation_timing timing;
    struct bodies bodies;
    struct askings askings;
    bool is_held, has_targets;
    uint32_t hold; /* in the names of media: another one each time */
    uint64_t asked_ms, settled_ms;
    /* Playlists that are waited for, which are about as many as there are clients: now, and most since counted_ms. */
    unsigned watching[REQUEST_STREAMS], most[REQUEST_STREAMS];
    uint64_t counted_ms;
};

TAILQ_HEAD(presentations, presentation);

/* NULL: out of memory. NAME is copied; what is answered is added to COUNTS. */
struct presentation *presentation_create(struct program *program, const char *name,
                                         struct feed_memory *memory, struct answer_counts *counts);

/* Lets go of everything. The requests that wait must have been cancelled or answered. */
void presentation_destroy(struct presentation *presentation);

/*
 * Takes QUESTION: it is answered now, or waits. True: the camera is held from now on, and was not before.
 */
bool presentation_ask(struct presentation *presentation, struct program_question *question, uint64_t now_ms);

/* QUESTION waits here no more. */
void presentation_cancel(struct presentation *presentation, struct program_question *question);

/*
 * Reads the streams, answers what can be answered, and lets the camera go when nobody asks any more: then is_held is false, and no request waits.
 * Returns the time of the next turn at the latest.
 */
uint64_t presentation_turn(struct presentation *presentation, uint64_t now_ms);

/* The camera's stream CAMERA has another ring, or is removed. */
void presentation_change_ring(struct presentation *presentation, struct program_camera *camera);
void presentation_lose(struct presentation *presentation, struct program_camera *camera);

#endif
