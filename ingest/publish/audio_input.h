/*
 * A stream's audio on its way into fragments: passed through as it is where browsers play it (AAC, Opus),
 * transcoded where they do not, left out where that cannot be. Owned by the publisher; one thread.
 */
#ifndef INGEST_PUBLISH_AUDIO_INPUT_H
#define INGEST_PUBLISH_AUDIO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/codec_string.h"
#include "ingest/codec/transcoder.h"
#include "ingest/publish/audio_track.h"
#include "ingest/publish/init_segment.h"
#include "ingest/source/source.h"

/* Longest configuration kept: AudioSpecificConfigs have 2 to 7 bytes, OpusHead 19, STREAMINFO 34. */
#define AUDIO_INPUT_CONFIG_MAX 64

struct audio_input {
    struct audio_track track;
    enum audio_codec codec;
    unsigned object_type; /* of AAC */
    bool opus_packets;    /* durations are in the packets */
    uint32_t duration;    /* of an access unit, in the track's rate, else */
    uint8_t config[AUDIO_INPUT_CONFIG_MAX];
    size_t config_size;
    unsigned channels;
    struct transcoder *transcoder; /* NULL: passed through */
};

/* A new connection with this audio; TARGET: what to encode to. It may be left out. 0; -ENOMEM. */
int audio_input_begin(struct audio_input *input, const struct media_stream *stream, enum audio_codec target);

void audio_input_finish(struct audio_input *input);

/* Whether fragments have an audio track. */
bool audio_input_has_track(const struct audio_input *input);

/* An access unit for DECODE_NS (since the epoch; EXACT if from the source's clock). */
void audio_input_put(struct audio_input *input, const uint8_t *data, size_t size, int64_t decode_ns,
                     bool exact);

/* What the init segment says of the track, pointing into INTAKE. */
struct init_audio audio_input_init(const struct audio_input *input);

/* Its name as RFC 6381 has it. */
void audio_input_codec_string(const struct audio_input *input, char out[CODEC_STRING_SIZE]);

#endif
