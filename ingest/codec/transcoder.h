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
    int64_t time_ns; /* when its first sample is due, on the clock of transcoder_put */
};

/* True for audio that needs transcoding, and can be. */
bool transcoder_handles(enum media_codec codec);

/* 0; -ENOTSUP: libavcodec cannot do this rate, or number of channels, with this codec; -ENOMEM. */
int transcoder_create(const struct media_stream *stream, enum audio_codec codec,
                      struct transcoder **transcoder);

/* NULL is allowed. */
void transcoder_destroy(struct transcoder *transcoder);

struct transcoder_format transcoder_format(const struct transcoder *transcoder);

/* Takes a packet's samples, the first of which is due at TIME_NS. 0; -EBADMSG: damaged, and dropped. */
int transcoder_put(struct transcoder *transcoder, const uint8_t *data, size_t size, int64_t time_ns);

/* 1: *frame is encoded; 0: more samples are needed. To be called until it returns 0. */
int transcoder_next(struct transcoder *transcoder, struct transcoder_frame *frame);

#endif
