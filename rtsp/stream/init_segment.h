/* SPDX-License-Identifier: MIT */
/*
 * What a payloader must know of a stream, out of its init segment (`ftyp` + `moov`). Nothing of the segment is believed: a
 * worker that was taken over may have written it. Pure functions: any thread.
 */
#ifndef RTSP_STREAM_INIT_SEGMENT_H
#define RTSP_STREAM_INIT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ring/ringcast.h"

enum video_codec { VIDEO_H264, VIDEO_H265 };
enum audio_codec { AUDIO_NONE, AUDIO_AAC, AUDIO_OPUS };

/* Longest decoder configuration of a sound track that is taken. */
#define INIT_AUDIO_CONFIG_MAX 64

struct init_segment {
    enum video_codec video;
    uint32_t video_track, video_timescale;
    size_t video_config_size;
    uint8_t video_config[RINGCAST_INIT_MAX]; /* `avcC` or `hvcC`, without the box's header */

    enum audio_codec audio; /* AUDIO_NONE: no sound, or of a codec that is not sent over RTSP */
    uint32_t audio_track, audio_timescale;
    unsigned channels;
    size_t audio_config_size;
    uint8_t audio_config[INIT_AUDIO_CONFIG_MAX]; /* AAC: AudioSpecificConfig */
};

/* 0; -EBADMSG: there is no video in it that can be sent. */
int init_segment_read(struct init_segment *init, const void *data, size_t size);

/* True if a decoder of A can go on with B. */
bool init_segment_same(const struct init_segment *a, const struct init_segment *b);

#endif
