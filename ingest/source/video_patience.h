/* SPDX-License-Identifier: MIT */
/*
 * How long a camera may be without a picture before its connection counts as dead. Most cameras send several pictures a
 * second, and silence of a few seconds is a fault; a doorbell or a time lapse sends one in 6 or 60 s. So the pace is
 * learnt, and what was learnt outlives connections: part of source_memory. One thread; nothing here reads a clock.
 */
#ifndef INGEST_SOURCE_VIDEO_PATIENCE_H
#define INGEST_SOURCE_VIDEO_PATIENCE_H

#include <stddef.h>
#include <stdint.h>

/* At a known pace of several pictures a second. */
#define VIDEO_PATIENCE_MS 5000

/* For the first picture of a connection. A camera that wakes from sleep needs some seconds. */
#define VIDEO_PATIENCE_FIRST_MS 10000

/* After a first picture, while the pace is not known: the next may be a minute away. */
#define VIDEO_PATIENCE_UNKNOWN_MS 75000

/* At most, whatever the pace. */
#define VIDEO_PATIENCE_MAX_MS 180000

/* Zeroed at first. */
struct video_patience {
    int64_t interval_ns; /* the longest distance between two pictures lately; 0: not known */
    unsigned silent;     /* connections in a row that gave no picture */
    int64_t last_ns; /* when the present connection gave its last picture (CLOCK_MONOTONIC); 0: none yet */
};

/* A new connection. */
void video_patience_begin(struct video_patience *patience);

/* A picture came at NOW_NS. */
void video_patience_picture(struct video_patience *patience, int64_t now_ns);

/* The connection is given up for want of pictures: what was learnt of the pace does not hold any more. */
void video_patience_overdue(struct video_patience *patience);

/*
 * Milliseconds from the last picture, or from the beginning of the connection, within which another one must come.
 * DEADLINE_S is the camera's setting, which replaces what was learnt unless it is 0.
 */
int64_t video_patience_ms(const struct video_patience *patience, size_t deadline_s);

#endif
