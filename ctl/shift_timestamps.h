/* SPDX-License-Identifier: MIT */
/*
 * Lets a recording begin at time 0: subtracts the first fragment's decode time from the `tfdt` boxes
 * (ISO/IEC 14496-12, 8.8.12) of all tracks, which keeps the tracks in step. Pure functions on memory of the
 * caller; input that is not well-formed is left as it is.
 */
#ifndef CTL_SHIFT_TIMESTAMPS_H
#define CTL_SHIFT_TIMESTAMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Video, audio, and room for tracks to come. */
#define SHIFT_TIMESTAMPS_TRACKS_MAX 4

struct shift_timestamps_track {
    uint32_t id;
    uint32_t timescale; /* units in a second */
};

struct shift_timestamps {
    struct shift_timestamps_track tracks[SHIFT_TIMESTAMPS_TRACKS_MAX];
    size_t track_count;
    bool begun;                /* the origin is known */
    uint64_t origin;           /* decode time of the first fragment's first track */
    uint32_t origin_timescale; /* timescale of that track, in which ORIGIN counts */
};

/* Reads the tracks from INIT, an init segment (`moov`) of SIZE bytes. The next fragment is the first. */
void shift_timestamps_init(struct shift_timestamps *shift, const uint8_t *init, size_t size);

/* Shifts the decode times of FRAGMENT, SIZE bytes, in place. */
void shift_timestamps_fragment(struct shift_timestamps *shift, uint8_t *fragment, size_t size);

#endif
