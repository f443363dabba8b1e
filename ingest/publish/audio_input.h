/* SPDX-License-Identifier: MIT */
/*
 * A stream's audio on its way into fragments: passed through as it is where browsers play it (AAC, Opus),
 * transcoded where they do not, left out where it cannot be transcoded. Units are checked first, and placed by the sound's
 * own clock. The track has no holes: where sound is encoded anyway it is stretched by resampling, else whole units are
 * left out or put in. Owned by the publisher; one thread.
 */
#ifndef INGEST_PUBLISH_AUDIO_INPUT_H
#define INGEST_PUBLISH_AUDIO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/aac_check.h"
#include "ingest/codec/codec_string.h"
#include "ingest/codec/transcoder.h"
#include "ingest/publish/audio_track.h"
#include "ingest/publish/init_segment.h"
#include "ingest/publish/sound_clock.h"
#include "ingest/source/source.h"

/* Longest configuration kept: AudioSpecificConfigs have 2 to 7 bytes, OpusHead 19, STREAMINFO 34. */
#define AUDIO_INPUT_CONFIG_MAX 64

/* Longest unit that may be repeated: longer ones are music. */
#define AUDIO_INPUT_REPEAT_MAX 1024

struct audio_input {
    struct audio_track track;
    struct sound_clock clock;
    enum media_codec source; /* what the camera sends: streams with the same of these four are the same */
    uint32_t source_rate, source_channels, source_bits;
    enum audio_codec target;
    enum audio_codec codec; /* of the track */
    unsigned object_type;   /* of AAC */
    uint32_t duration;      /* of an access unit, in the track's rate; of Opus, of the last one */
    unsigned changes;       /* of Opus: how often the duration may still change */
    unsigned steady;        /* units since `changes` was raised */
    uint8_t config[AUDIO_INPUT_CONFIG_MAX];
    size_t config_size;
    unsigned channels;
    struct aac_check *check;              /* NULL: it is not AAC */
    struct transcoder *transcoder;        /* NULL: passed through */
    uint8_t last[AUDIO_INPUT_REPEAT_MAX]; /* the last unit of the track; passed through */
    size_t last_size;                     /* 0: none */
    uint32_t last_duration;
    int64_t heard_ns;     /* arrival of the last good unit; 0: none */
    int64_t heard_end_ns; /* end of the track then */
    int64_t pace_ns;      /* most intervals between two arrivals are at most this long */
};

/* A unit, with times as in struct sound_clock_unit. */
struct audio_input_unit {
    const uint8_t *data;
    size_t size;
    int64_t stamp_ns;
    int64_t synced_ns;
    int64_t arrival_ns; /* since the ring's epoch */
};

/* Begins another kind of audio. TARGET: the codec to encode to. 0; -ENOTSUP: it cannot be served, so there is no track;
 * -ENOMEM. */
int audio_input_begin(struct audio_input *input, const struct media_stream *stream, enum audio_codec target);

/* Whether the input was begun with STREAM and TARGET. */
bool audio_input_is(const struct audio_input *input, const struct media_stream *stream,
                    enum audio_codec target);

/* Another connection with the same audio. */
void audio_input_resume(struct audio_input *input);

void audio_input_finish(struct audio_input *input);

/* Whether there is a track for fragments. */
bool audio_input_has_track(const struct audio_input *input);

/* A picture that came at ARRIVAL_NS is shown at PLACE_NS (both since the epoch). */
void audio_input_note_picture(struct audio_input *input, int64_t place_ns, int64_t arrival_ns);

/* Fills the track up to NOW_NS (since the epoch) if units have been missing for longer than usual. */
void audio_input_fill(struct audio_input *input, int64_t now_ns);

/* Checks an access unit and, if the track is OPEN, puts it there. False: it is not of the announced kind. */
bool audio_input_put(struct audio_input *input, const struct audio_input_unit *unit, bool open);

/* The track's description for the init segment, pointing into INPUT. */
struct init_audio audio_input_init(const struct audio_input *input);

/* The track's name in the codecs parameter (RFC 6381). */
void audio_input_codec_string(const struct audio_input *input, char out[CODEC_STRING_SIZE]);

#endif
