/* SPDX-License-Identifier: MIT */
/*
 * Which tracks an init segment has, and how a viewer gets the picture alone of what was made for picture and sound: the
 * sound's boxes are left away from init segments, and become `free` boxes in fragments, so that nothing moves
 * (ISO/IEC 14496-12, 8.1.2). Pure functions; they trust nothing that they read.
 */
#ifndef FANOUT_FEED_TRACKS_H
#define FANOUT_FEED_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracks {
    uint32_t video; /* its track ID; 0: the segment could not be read, and nothing can be left away */
    uint64_t video_key,
        sound_key; /* equal for tracks that are the same to the byte; sound_key is 0 without sound */
};

/* Fragments have one `traf` for the picture and one for sound. */
#define TRACKS_HIDDEN_MAX 4u

/* Where in a fragment `traf` boxes are hidden. */
struct tracks_hidden {
    uint8_t *types[TRACKS_HIDDEN_MAX];
    unsigned count;
};

/* Reads an init segment (`ftyp` + `moov`). What cannot be read has the key of all its bytes, and no sound. */
void tracks_read(const uint8_t *init, size_t length, struct tracks *tracks);

/*
 * Copies LENGTH bytes of INIT to OUT, which has room for as many, without all tracks but the video's. Returns how many
 * bytes that are.
 */
size_t tracks_copy_picture(const uint8_t *init, size_t length, const struct tracks *tracks, uint8_t *out);

/* Hides the other tracks' `traf` boxes in FRAGMENT until tracks_show. */
void tracks_hide(uint8_t *fragment, size_t length, uint32_t video, struct tracks_hidden *hidden);
void tracks_show(const struct tracks_hidden *hidden);

#endif
