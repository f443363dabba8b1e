/* SPDX-License-Identifier: MIT */
/* What another node of a cluster sends, for tests in C: init segments, fragments and the messages that they come in. */
#ifndef TESTS_SUPPORT_REMOTE_MEDIA_H
#define TESTS_SUPPORT_REMOTE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cluster/piece.h"

#define REMOTE_MEDIA_TIMESCALE 90000u
#define REMOTE_MEDIA_SOUND_RATE 44100u
#define REMOTE_MEDIA_TICK 3600u /* 25 pictures a second */

/* Longest message that is made here, unless a fragment has a larger picture. */
#define REMOTE_MEDIA_SIZE 8192u

/* The body of a generation with sound, 640x360, or LARGE: 1920x1080. Returns its length. */
size_t remote_media_generation(uint8_t body[REMOTE_MEDIA_SIZE], bool large);

/* The init segment alone. */
size_t remote_media_init(uint8_t init[REMOTE_MEDIA_SIZE], bool large);

struct remote_media_fragment {
    bool keyframe;
    int64_t decode_time; /* of the picture */
    int64_t sound_time;  /* of the sound; -1: there is none */
    size_t picture;      /* bytes of the picture; at least 8 */
};

/* Bytes of the fragment, which are written to OUT unless that is NULL. */
size_t remote_media_fragment(uint8_t *out, const struct remote_media_fragment *fragment);

#endif
