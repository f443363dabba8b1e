/* SPDX-License-Identifier: MIT */
/*
 * Writes a movie fragment (ISO/IEC 14496-12, 8.8): `prft` + `moof` + `mdat` with one video sample and any
 * number of audio samples. It allocates nothing: its length is known beforehand, so it is written straight
 * into the ring. Pure functions on the caller's memory; any process, any thread.
 */
#ifndef INGEST_PUBLISH_FRAGMENT_H
#define INGEST_PUBLISH_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/sample_writer.h"

/* Track numbers, the same in the init segment. */
#define FRAGMENT_VIDEO_TRACK 1
#define FRAGMENT_AUDIO_TRACK 2

/* Ticks a second of the video track. */
#define FRAGMENT_VIDEO_TIMESCALE 90000

/* Which time a `prft` box gives (8.16.5): its flags, as far as they are used here. */
enum fragment_clock {
    FRAGMENT_CLOCK_ARRIVAL = 2,  /* when the fragment was made: the frame had arrived */
    FRAGMENT_CLOCK_CAPTURE = 24, /* when the frame was captured, by the camera's clock */
};

struct fragment {
    uint32_t sequence; /* mfhd */
    const struct sample_writer *picture;
    int64_t decode_time;        /* tfdt, video timescale, ≥ 0 */
    uint32_t duration;          /* video timescale */
    int32_t composition_offset; /* presentation − decode time, video timescale */
    enum fragment_clock clock;
    int64_t wall_ns;                 /* Unix time of the frame, of the kind that `clock` names */
    size_t audio_count;              /* 0: no audio in this fragment */
    const uint32_t *audio_sizes;     /* of each access unit, bytes */
    const uint8_t *audio_data;       /* the access units, one after the other */
    size_t audio_length;             /* bytes, the sum of audio_sizes */
    int64_t audio_time;              /* tfdt, audio timescale, ≥ 0 */
    const uint32_t *audio_durations; /* of each access unit, audio timescale */
};

/* Bytes that fragment_write will write. */
size_t fragment_length(const struct fragment *fragment);

/* Fills exactly fragment_length bytes at OUT. */
void fragment_write(const struct fragment *fragment, uint8_t *out);

#endif
