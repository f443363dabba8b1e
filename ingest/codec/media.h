/* SPDX-License-Identifier: MIT */
/*
 * What a camera sends, whatever way it comes: its streams and their access units. A source fills
 * these in, and the publisher reads them. Plain data: any process, any thread.
 */
#ifndef INGEST_CODEC_MEDIA_H
#define INGEST_CODEC_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A time that the source does not know. */
#define MEDIA_TIME_UNKNOWN INT64_MIN

enum media_codec {
    MEDIA_CODEC_NONE,  /* no such stream */
    MEDIA_CODEC_OTHER, /* not supported; codec_name says which it is */
    MEDIA_CODEC_H264,
    MEDIA_CODEC_H265,
    MEDIA_CODEC_AAC,
    MEDIA_CODEC_OPUS,
    MEDIA_CODEC_PCMU, /* G.711 */
    MEDIA_CODEC_PCMA,
    MEDIA_CODEC_L16, /* big-endian */
    MEDIA_CODEC_G722,
    MEDIA_CODEC_G726,   /* as RFC 3551 packs it */
    MEDIA_CODEC_MPEGTS, /* pieces of a container with all streams (RFC 2250): only within a source */
};

/* One stream. Everything that it points to belongs to the source. */
struct media_stream {
    enum media_codec codec;
    const char *codec_name;
    const uint8_t *extradata; /* video: Annex B or avcC/hvcC; AAC: AudioSpecificConfig; Opus: OpusHead (RFC
                                 7845, 5.1); NULL: none */
    size_t extradata_size;
    unsigned nal_length_size; /* video: bytes of the length before each NAL unit of an access unit; 0: as
                                 avcC/hvcC in the extradata says, else a byte stream (Annex B) */
    double frame_rate;        /* video, pictures a second as they are announced; 0: they are not */
    uint32_t sample_rate;     /* audio, Hz */
    uint32_t channels;        /* audio; 0: not known */
    uint32_t sample_bits;     /* G.726: of a code word, 2…5 */
};

struct media_description {
    struct media_stream video;
    struct media_stream audio;
};

/* An access unit: a coded picture with what belongs to it, or a frame of audio. */
struct media_unit {
    bool video; /* else audio */
    bool keyframe;
    const struct media_stream
        *stream;         /* unless NULL, its stream from this unit on, in place of the one that was
                                          described before; the source's */
    const uint8_t *data; /* the source's; valid until its next call */
    size_t size;
    int64_t presentation_ns; /* the source's clock, the same for both streams; or MEDIA_TIME_UNKNOWN */
    int64_t decode_ns;       /* or MEDIA_TIME_UNKNOWN: RTP does not carry it */
    int64_t capture_ns;      /* CLOCK_MONOTONIC when it had arrived completely */
    int64_t wall_ns;         /* CLOCK_REALTIME at the same moment */
    int64_t camera_ns;       /* when it was captured, by the camera's wall clock (Unix time); 0: not known, or
                                its clock is plainly not ours */
    bool
        synced; /* audio: presentation_ns is beside the pictures by the camera's reports or its container, and not
                    by its arrival */
    bool lost; /* video: frames before it are missing, so what refers to them is damaged */
};

#endif
