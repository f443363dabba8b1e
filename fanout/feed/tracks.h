/* SPDX-License-Identifier: MIT */
/*
 * Which tracks an init segment has, and how a viewer gets something else of a fragment than the others do, without a copy: some
 * bytes of it are changed, it is sent, and they are changed back. The sound's boxes become `free` boxes, so that nothing moves
 * (ISO/IEC 14496-12, 8.1.2); decode times begin elsewhere. Pure functions; they trust nothing that they read.
 */
#ifndef FANOUT_FEED_TRACKS_H
#define FANOUT_FEED_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracks {
    uint32_t video; /* its track ID; 0: the segment could not be read, and nothing can be left away */
    uint32_t sound; /* the same of the first other track; 0: there is none */
    uint32_t video_timescale, sound_timescale;
    uint64_t video_key,
        sound_key; /* equal for tracks that are the same to the byte; sound_key is 0 without sound */
};

/* Changes to one fragment: of the `traf` boxes and decode times of picture and sound. */
#define TRACKS_EDITS_MAX 8u

struct tracks_edits {
    struct {
        uint8_t *at;
        uint8_t old[8], length;
    } list[TRACKS_EDITS_MAX];
    unsigned count;
};

/* Reads an init segment (`ftyp` + `moov`). What cannot be read has the key of all its bytes, and no sound. */
void tracks_read(const uint8_t *init, size_t length, struct tracks *tracks);

/*
 * Copies LENGTH bytes of INIT to OUT, which has room for as many, without all tracks but the video's. Returns how many
 * bytes that are.
 */
size_t tracks_copy_picture(const uint8_t *init, size_t length, const struct tracks *tracks, uint8_t *out);

/* Hides the `traf` boxes of all tracks but the video's. */
void tracks_hide(uint8_t *fragment, size_t length, const struct tracks *tracks, struct tracks_edits *edits);

/*
 * Has the one picture of FRAGMENT last for DURATION, in units of the video's timescale. One that lasts longer already, and what says
 * durations in another way than ringcast's own fragments, stays as it is.
 */
void tracks_stretch(uint8_t *fragment, size_t length, const struct tracks *tracks, uint32_t duration,
                    struct tracks_edits *edits);

/*
 * The earliest decode time in FRAGMENT, in the video's timescale: of the picture, or with WITH_SOUND of all tracks. 0: it cannot be
 * read.
 */
uint64_t tracks_begin(const uint8_t *fragment, size_t length, const struct tracks *tracks, bool with_sound);

/* Bytes of the `prft` with which FRAGMENT begins; 0: it has none. */
size_t tracks_prft_size(const uint8_t *fragment, size_t length);

/* Takes BASE, in units of TIMESCALE a second, from the decode times; what is earlier becomes 0. */
void tracks_shift(uint8_t *fragment, size_t length, const struct tracks *tracks, uint64_t base,
                  uint32_t timescale, struct tracks_edits *edits);

/* Takes all EDITS back. */
void tracks_restore(struct tracks_edits *edits);

#endif
