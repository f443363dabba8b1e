/* SPDX-License-Identifier: MIT */
/*
 * The init segment (`ftyp` + `moov`, ISO/IEC 14496-12, 8.2 and 8.8.1) of a stream, written by libavformat's
 * MP4 muxer. One thread; the result belongs to the caller.
 */
#ifndef INGEST_PUBLISH_INIT_SEGMENT_H
#define INGEST_PUBLISH_INIT_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/parameter_sets.h"
#include "ingest/codec/transcoder.h"

/* The audio track. */
struct init_audio {
    enum audio_codec codec;
    const uint8_t *config; /* AudioSpecificConfig, OpusHead or STREAMINFO */
    size_t config_size;
    uint32_t sample_rate; /* Hz; the track's timescale */
    unsigned channels;
};

/* How the picture is displayed where that differs from what the stream states. Zeroed: as the stream states it. */
struct init_display {
    unsigned aspect_width, aspect_height; /* shape of the whole picture before it is turned; 0: not set */
    unsigned rotate;                      /* degrees clockwise: 0, 90, 180 or 270 */
};

/* AUDIO NULL: no audio track. 0: *data, of *size bytes, has to be freed with free(3); -ENOMEM; other negative errno: the
 * muxer refuses. */
int init_segment_build(const struct parameter_sets *video, const struct init_display *display,
                       const struct init_audio *audio, uint8_t **data, size_t *size);

#endif
