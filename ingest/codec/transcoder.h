/* SPDX-License-Identifier: MIT */
/*
 * Decodes audio that no browser plays from MP4 (G.711, G.722, G.726, L16) and encodes it again, with libavcodec.
 * docs/design/ingest.md says why FLAC is the default. Owned by the publisher's audio; one thread.
 */
#ifndef INGEST_CODEC_TRANSCODER_H
#define INGEST_CODEC_TRANSCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/camera_task.h"
#include "ingest/codec/media.h"

struct transcoder;

/* What comes out. Belongs to the transcoder. */
struct transcoder_format {
    enum audio_codec codec;
    const uint8_t *config; /* AudioSpecificConfig, OpusHead or STREAMINFO */
    size_t config_size;
    uint32_t rate; /* Hz: of the track; for Opus 48000 */
    uint32_t channels;
    uint32_t duration; /* of a frame, in samples */
};

/* An encoded frame. */
struct transcoder_frame {
    const uint8_t *data; /* valid until the next call */
    size_t size;
};

/* True for audio that has to be transcoded, and can be. */
bool transcoder_handles(enum media_codec codec);

/* 0; -ENOTSUP: libavcodec cannot do this rate, or number of channels, with this codec; -ENOMEM. */
int transcoder_create(const struct media_stream *stream, enum audio_codec codec,
                      struct transcoder **transcoder);

/* NULL is allowed. */
void transcoder_destroy(struct transcoder *transcoder);

struct transcoder_format transcoder_format(const struct transcoder *transcoder);

/* Takes a packet's samples; to be called only once transcoder_next has returned 0. 0; -EBADMSG: damaged, and dropped. */
int transcoder_put(struct transcoder *transcoder, const uint8_t *data, size_t size);

/* The length of the packet that was put last, without stretching, in nanoseconds. */
int64_t transcoder_duration_ns(const struct transcoder *transcoder);

/* How much of the input has not come out yet, in nanoseconds, with what the encoder adds before its output. */
int64_t transcoder_pending_ns(const struct transcoder *transcoder);

/*
 * Makes the packet that was put last longer by NS nanoseconds (shorter, if negative) by resampling, so that no click is heard;
 * to an eighth of its length at least, and eight times at most. Until the first packet that changes its length, packets
 * are not resampled. 0; -ENOMEM.
 */
int transcoder_stretch(struct transcoder *transcoder, int64_t ns);

/* Whether a packet has changed its length: from then on every packet is resampled. */
bool transcoder_stretches(const struct transcoder *transcoder);

/* Leaves out the first NS nanoseconds of the packet that was put last, or all of it. */
void transcoder_skip(struct transcoder *transcoder, int64_t ns);

/* Puts NS nanoseconds of silence before the packet that was put last, or at the end if that packet is used up. */
void transcoder_silence(struct transcoder *transcoder, int64_t ns);

/* 1: *frame is encoded; 0: more samples are needed. To be called until it returns 0. */
int transcoder_next(struct transcoder *transcoder, struct transcoder_frame *frame);

#endif
