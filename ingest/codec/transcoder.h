/*
 * Audio that no browser plays from MP4 (G.711, G.722, G.726, L16), decoded and encoded anew by libavcodec.
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
    uint32_t duration; /* of a frame, in RATE */
};

/* An encoded frame. */
struct transcoder_frame {
    const uint8_t *data; /* valid until the next call */
    size_t size;
};

/* True for audio that needs transcoding, and can be. */
bool transcoder_handles(enum media_codec codec);

/* 0; -ENOTSUP: libavcodec cannot do this rate, or number of channels, with this codec; -ENOMEM. */
int transcoder_create(const struct media_stream *stream, enum audio_codec codec,
                      struct transcoder **transcoder);

/* NULL is allowed. */
void transcoder_destroy(struct transcoder *transcoder);

struct transcoder_format transcoder_format(const struct transcoder *transcoder);

/* Takes a packet's samples, once transcoder_next has returned 0. 0; -EBADMSG: damaged, and dropped. */
int transcoder_put(struct transcoder *transcoder, const uint8_t *data, size_t size);

/* How long the packet that was put last lasts by itself, in nanoseconds. */
int64_t transcoder_duration_ns(const struct transcoder *transcoder);

/* How much of what was put has not come out, in nanoseconds; what the encoder puts in front of its output counts, too. */
int64_t transcoder_pending_ns(const struct transcoder *transcoder);

/*
 * Makes the packet that was put last longer by NS (shorter, if negative) by resampling, so that nobody hears a click; within
 * an eighth and eight times its length. A packet that keeps its length stays as it is until the first that does not. 0; -ENOMEM.
 */
int transcoder_stretch(struct transcoder *transcoder, int64_t ns);

/* Whether a packet has had to change its length: from then on every one is resampled. */
bool transcoder_stretches(const struct transcoder *transcoder);

/* Leaves out NS of the packet that was put last, from its beginning, or all of it. */
void transcoder_skip(struct transcoder *transcoder, int64_t ns);

/* Puts NS of silence before the packet that was put last, or behind what came before if that is used up. */
void transcoder_silence(struct transcoder *transcoder, int64_t ns);

/* 1: *frame is encoded; 0: more samples are needed. To be called until it returns 0. */
int transcoder_next(struct transcoder *transcoder, struct transcoder_frame *frame);

#endif
