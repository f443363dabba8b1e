/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a stream that is served all the same, as one text for the log and the camera's status: the stream
 * exceeds the limits of stream_limit.h, or its groups of pictures do not fit the ring. Owned by the worker;
 * one thread.
 */
#ifndef INGEST_STREAM_NOTES_H
#define INGEST_STREAM_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/publish/publisher.h"

enum stream_note {
    STREAM_NOTE_NONE,
    STREAM_NOTE_PICTURES,
    STREAM_NOTE_GENERATIONS,
    STREAM_NOTE_GROUP,
    STREAM_NOTE_COUNT,
};

struct stream_notes {
    enum stream_note note;              /* that `text` describes */
    uint64_t excess[STREAM_NOTE_COUNT]; /* how many were left out, at the last look */
    int64_t seen_ns[STREAM_NOTE_COUNT]; /* when that number last changed, CLOCK_MONOTONIC; 0: never */
    int64_t logged_ns[STREAM_NOTE_COUNT];
    size_t wanted; /* bytes of the ring that the largest group so far needs */
    char text[SOURCE_ERROR_SIZE];
};

/* The ring, as the worker knows it. */
struct stream_notes_ring {
    size_t capacity;
    size_t max; /* bytes that it may grow to; 0: it stays as it is */
};

/*
 * Looks at STATUS. True: the text has changed, and ringcastd should get it. Also logs the text, at most once a minute for
 * each kind.
 */
bool stream_notes_update(struct stream_notes *notes, const struct publisher_status *status,
                         const struct stream_notes_ring *ring, int64_t now_ns);

/* The text; "": nothing is wrong. */
const char *stream_notes_text(const struct stream_notes *notes);

/* Another connection: nothing is wrong with it yet. */
void stream_notes_begin(struct stream_notes *notes, const struct publisher_status *status);

#endif
