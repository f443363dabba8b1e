/*
 * Lets a recording begin at time 0: subtracts the first fragment's decode time from the `tfdt` boxes
 * (ISO/IEC 14496-12, 8.8.12) of all tracks, which keeps them in step. Pure functions over what the caller
 * owns; input that is not well-formed is left as it is.
 */
#ifndef CTL_SHIFT_TIMESTAMPS_H
#define CTL_SHIFT_TIMESTAMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Video, audio, and room for what may come. */
#define REBASE_TRACKS_MAX 4

struct rebase_track {
    uint32_t id;
    uint32_t timescale;
};

struct rebase {
    struct rebase_track tracks[REBASE_TRACKS_MAX];
    size_t track_count;
    bool begun;
    uint64_t origin;           /* decode time of the first fragment … */
    uint32_t origin_timescale; /* … in the timescale of the track that comes first in it */
};

/* Learns the tracks from the init segment of SIZE bytes (`moov`). The next fragment is the first. */
void rebase_init(struct rebase *rebase, const uint8_t *init, size_t size);

/* Changes the fragment of SIZE bytes in place. */
void rebase_fragment(struct rebase *rebase, uint8_t *fragment, size_t size);

#endif
