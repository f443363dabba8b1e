/* SPDX-License-Identifier: MIT */
/*
 * A fragment of a ring (`prft` + `moof` + `mdat`) taken apart: one picture, and the sound that came with it. Nothing in it is
 * believed. Pure functions: any thread.
 */
#ifndef RTSP_STREAM_FRAGMENT_H
#define RTSP_STREAM_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/box.h"
#include "rtsp/stream/init_segment.h"

/* Sound samples of one fragment that are taken. */
#define FRAGMENT_AUDIO_MAX 256

struct audio_sample {
    struct span bytes;
    int64_t time;      /* in the sound's timescale */
    uint32_t duration; /* the same */
};

/* Spans lie in the fragment that was read. */
struct fragment {
    struct span picture;   /* NAL units, each with its length in four bytes before it */
    int64_t decode_time;   /* in the video's timescale */
    int64_t present_time;  /* the same */
    uint32_t duration;     /* the same */
    uint64_t captured_ntp; /* of `prft`: by the camera's own clock, if it tells it; 0: there is none */
    size_t audio_count;
    struct audio_sample audio[FRAGMENT_AUDIO_MAX];
};

/* 0; -EBADMSG: it contradicts itself, or has no picture. */
int fragment_read(struct fragment *fragment, const struct init_segment *init, const void *data, size_t size);

#endif
