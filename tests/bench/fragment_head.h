/* SPDX-License-Identifier: MIT */
/*
 * What a viewer can read off the first bytes of a message: the kind of fMP4 segment, the fragment's number,
 * whether it is a keyframe, and the camera's stamp (stamp.h). Reads the boxes of ISO/IEC 14496-12 only as far
 * as it must; the rest of the message need not be there. Pure functions: any thread.
 */
#ifndef TESTS_BENCH_FRAGMENT_HEAD_H
#define TESTS_BENCH_FRAGMENT_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/stamp.h"

/* Bytes of a message that suffice: two `traf`, and the sound of five frames a second ahead of the picture. */
#define FRAGMENT_HEAD_SIZE 4096

enum fragment_kind { FRAGMENT_UNKNOWN, FRAGMENT_INIT, FRAGMENT_MEDIA };

struct fragment_head {
    uint32_t sequence; /* mfhd.sequence_number */
    bool keyframe;     /* as the sample flags of the video's first sample say */
    bool has_slice;    /* a coded slice was found within the head */
    bool idr;          /* … and it is of an IDR picture */
    bool stamped;
    struct stamp stamp;
};

/* Decides by the first box. */
enum fragment_kind fragment_kind(const uint8_t *data, size_t length);

/* track_ID of the first video track of an init segment, 0 if there is none in these bytes. */
uint32_t fragment_video_track(const uint8_t *init, size_t length);

/* Reads a fragment's head. False: no `moof` with a `traf` of TRACK in these bytes. */
bool fragment_head_read(const uint8_t *data, size_t length, uint32_t track, struct fragment_head *head);

#endif
