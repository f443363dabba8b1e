/* SPDX-License-Identifier: MIT */
#include "ingest/publish/audio_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "ingest/codec/aac.h"
#include "ingest/codec/opus.h"

/* A unit is left out or put in when the track is off by this part of a unit, and by at least so much time. */
#define UNIT_PART_TENTHS 6
#define UNIT_LEAST_NS (20 * NS_PER_MS)

/* If the track is off by more, samples are left out or silence is put in; smaller differences are resampled away
 * within this time. */
#define SAMPLES_MOST_NS (60 * NS_PER_MS)
#define STRETCH_NS (200 * NS_PER_MS)

/* Samples that are off by less stay as they are, until something has had to be resampled. */
#define STRETCH_LEAST_NS (10 * NS_PER_MS)

/* Longer gaps stay: the pictures have one, too. */
#define GAP_MOST_NS (5 * NS_PER_SECOND)

/* Units count as missing when they are late by this time, and by so many tenths of their usual interval. */
#define MISSING_NS (200 * NS_PER_MS)
#define MISSING_TENTHS 25
#define MISSING_MOST_NS (1500 * NS_PER_MS)

/* The usual interval at most doubles with one unit, but for this; and it is forgotten over so many units. */
#define PACE_STEP_NS (40 * NS_PER_MS)
#define PACE_UNITS 64

/* Opus: a stream keeps to one duration. It may change it now and then, but not with every packet. */
#define OPUS_CHANGES 3
#define OPUS_STEADY 25

/* Two bytes of silence behind the first byte of a packet of 20 ms, one frame, full band (RFC 6716, 3.1). */
static const uint8_t opus_silence[] = {0xf8, 0xff, 0xfe};
#define OPUS_SILENCE_DURATION (OPUS_RATE / 50)

static int keep_config(struct audio_input *input, const uint8_t *config, size_t size)
{
    if (!config || size == 0 || size > sizeof(input->config)) {
        return -ENOTSUP;
    }
    memcpy(input->config, config, size);
    input->config_size = size;
    return 0;
}

static int begin_aac(struct audio_input *input, const struct media_stream *stream)
{
    struct aac_config aac;

    if (keep_config(input, stream->extradata, stream->extradata_size) < 0 ||
        aac_parse_config(input->config, input->config_size, &aac) < 0) {
        return -ENOTSUP;
    }
    uint32_t rate = stream->sample_rate != 0 ? stream->sample_rate : aac.sample_rate;
    input->codec = AUDIO_CODEC_AAC;
    input->object_type = aac.object_type;
    input->channels = aac.channels != 0 ? aac.channels : stream->channels;
    input->duration = (uint32_t)((uint64_t)aac.frame_length * rate / aac.sample_rate);
    int result = aac_check_create(input->config, input->config_size, &input->check);
    return result < 0 ? result : audio_track_configure(&input->track, rate);
}

static int begin_opus(struct audio_input *input, const struct media_stream *stream)
{
    if (keep_config(input, stream->extradata, stream->extradata_size) < 0) {
        return -ENOTSUP;
    }
    input->codec = AUDIO_CODEC_OPUS;
    input->channels = stream->channels;
    input->duration = 0;
    input->changes = OPUS_CHANGES;
    return audio_track_configure(&input->track, OPUS_RATE);
}

static int begin_transcoding(struct audio_input *input, const struct media_stream *stream,
                             enum audio_codec target)
{
    int result = transcoder_create(stream, target, &input->transcoder);

    if (result == -ENOTSUP && target != AUDIO_CODEC_FLAC) {
        log_warning("audio of %u Hz cannot be encoded as configured; FLAC takes it as it is",
                    (unsigned)stream->sample_rate);
        result = transcoder_create(stream, AUDIO_CODEC_FLAC, &input->transcoder);
    }
    if (result < 0) {
        return result;
    }
    struct transcoder_format format = transcoder_format(input->transcoder);
    result = keep_config(input, format.config, format.config_size);
    if (result < 0) {
        return result;
    }
    input->codec = format.codec;
    input->object_type = 2; /* AAC LC is what libavcodec encodes */
    input->channels = format.channels;
    input->duration = format.duration;
    return audio_track_configure(&input->track, format.rate);
}

static int begin(struct audio_input *input, const struct media_stream *stream, enum audio_codec target)
{
    if (stream->codec == MEDIA_CODEC_AAC) {
        return begin_aac(input, stream);
    }
    if (stream->codec == MEDIA_CODEC_OPUS) {
        return begin_opus(input, stream);
    }
    return transcoder_handles(stream->codec) ? begin_transcoding(input, stream, target) : -ENOTSUP;
}

static void release(struct audio_input *input)
{
    transcoder_destroy(input->transcoder);
    aac_check_destroy(input->check);
    input->transcoder = NULL;
    input->check = NULL;
}

void audio_input_resume(struct audio_input *input)
{
    sound_clock_begin(&input->clock);
    input->heard_ns = 0;
}

int audio_input_begin(struct audio_input *input, const struct media_stream *stream, enum audio_codec target)
{
    release(input);
    input->config_size = input->last_size = 0;
    input->pace_ns = 0;
    input->source = stream->codec;
    input->source_rate = stream->sample_rate;
    input->source_channels = stream->channels;
    input->source_bits = stream->sample_bits;
    input->target = target;
    audio_input_resume(input);
    int result = stream->codec != MEDIA_CODEC_NONE ? begin(input, stream, target) : -ENOTSUP;
    if (result < 0) {
        release(input);
        audio_track_configure(&input->track, 0);
    }
    return result;
}

bool audio_input_is(const struct audio_input *input, const struct media_stream *stream,
                    enum audio_codec target)
{
    bool same = audio_input_has_track(input) && input->source == stream->codec &&
                input->source_rate == stream->sample_rate && input->source_channels == stream->channels &&
                input->source_bits == stream->sample_bits && input->target == target;

    if (!same || input->transcoder) {
        return same;
    }
    return input->config_size == stream->extradata_size &&
           memcmp(input->config, stream->extradata, input->config_size) == 0;
}

void audio_input_finish(struct audio_input *input)
{
    release(input);
    audio_track_finish(&input->track);
    *input = (struct audio_input){0};
}

bool audio_input_has_track(const struct audio_input *input)
{
    return input->track.rate != 0;
}

void audio_input_note_picture(struct audio_input *input, int64_t place_ns, int64_t arrival_ns)
{
    sound_clock_picture(&input->clock, place_ns, arrival_ns);
}

static int64_t to_ns(const struct audio_input *input, uint32_t duration)
{
    return duration * NS_PER_SECOND / input->track.rate;
}

/* Puts in the last unit once more, or a silent one. Returns its duration; 0: there is no unit for this. */
static int64_t put_filler(struct audio_input *input, bool silent)
{
    uint8_t unit[AAC_SILENCE_SIZE];
    const uint8_t *data = input->last;
    size_t size = input->last_size;
    uint32_t duration = input->last_duration;

    if (input->codec == AUDIO_CODEC_OPUS && (silent || size == 0)) {
        data = opus_silence;
        size = sizeof(opus_silence);
        duration = OPUS_SILENCE_DURATION;
    } else if (silent || size == 0) {
        size_t length = aac_silence(input->channels, unit);
        data = length > 0 ? unit : data;
        size = length > 0 ? length : size;
        duration = input->duration;
    }
    if (size == 0) {
        return 0;
    }
    audio_track_put(&input->track, data, size, duration);
    return to_ns(input, duration);
}

/* Fills the track up to UNTIL, with less than TOLERANCE missing. REPEATED: the last unit was repeated already. */
static void fill_with_units(struct audio_input *input, int64_t until, int64_t tolerance, bool repeated)
{
    int64_t missing = until - audio_track_end_ns(&input->track);

    while (missing > tolerance) {
        int64_t length = put_filler(input, repeated);
        if (length == 0) {
            return;
        }
        repeated = true;
        missing -= length;
    }
}

/* True if there is a place at PLACE on the track, whose end is BEHIND it by something that is not yet there. */
static bool reach(struct audio_input *input, int64_t place, int64_t behind)
{
    struct audio_track *track = &input->track;

    if (!track->started || place - behind - audio_track_end_ns(track) > GAP_MOST_NS) {
        return audio_track_begin(track, place - behind);
    }
    return true;
}

static void put_unit(struct audio_input *input, const uint8_t *data, size_t size, int64_t place)
{
    int64_t length = to_ns(input, input->duration);
    int64_t tolerance = length * UNIT_PART_TENTHS / 10;

    tolerance = tolerance > UNIT_LEAST_NS ? tolerance : UNIT_LEAST_NS;
    if (!reach(input, place, 0)) {
        return;
    }
    fill_with_units(input, place, tolerance, false);
    if (audio_track_end_ns(&input->track) - place > tolerance) {
        return;
    }
    audio_track_put(&input->track, data, size, input->duration);
    if (size <= sizeof(input->last)) {
        memcpy(input->last, data, size);
        input->last_size = size;
        input->last_duration = input->duration;
    }
}

/* The clock's place for a unit that lasts DURATION_NS, AFTER ns behind the beginning of its packet. */
static int64_t place_unit(struct audio_input *input, const struct audio_input_unit *unit, int64_t after,
                          int64_t duration_ns)
{
    struct sound_clock_unit timed = {.stamp_ns = unit->stamp_ns,
                                     .synced_ns = unit->synced_ns,
                                     .arrival_ns = unit->arrival_ns,
                                     .duration_ns = duration_ns};

    timed.stamp_ns += timed.stamp_ns != SOUND_CLOCK_UNKNOWN ? after : 0;
    timed.synced_ns += timed.synced_ns != SOUND_CLOCK_UNKNOWN ? after : 0;
    return sound_clock_place(&input->clock, &timed);
}

static bool put_aac(struct audio_input *input, const struct audio_input_unit *unit, bool open)
{
    struct aac_frame frames[AAC_CHECK_FRAMES_MAX];
    size_t count = aac_check_split(input->check, unit->data, unit->size, frames);
    int64_t length = to_ns(input, input->duration);
    bool ready = sound_clock_ready(&input->clock);
    size_t good = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t place = ready ? place_unit(input, unit, (int64_t)i * length, length) : 0;
        good += frames[i].good;
        if (open && ready && frames[i].good) {
            put_unit(input, frames[i].data, frames[i].size, place);
        }
    }
    return 2 * good > count;
}

/* Whether a packet of DURATION may follow those before. */
static bool keeps_duration(struct audio_input *input, uint32_t duration)
{
    if (input->duration == 0 || duration == input->duration) {
        if (input->changes < OPUS_CHANGES && ++input->steady >= OPUS_STEADY) {
            input->steady = 0;
            input->changes++;
        }
        return true;
    }
    if (input->changes == 0) {
        /* The stream has changed to this, or the packet is damaged: the next packet shows which. */
        input->duration = duration;
        return false;
    }
    input->changes--;
    return true;
}

static bool put_opus(struct audio_input *input, const struct audio_input_unit *unit, bool open)
{
    uint32_t duration = opus_packet_duration(unit->data, unit->size);
    bool good = duration != 0 && keeps_duration(input, duration);

    if (good) {
        input->duration = duration;
    }
    if (!sound_clock_ready(&input->clock) || input->duration == 0) {
        return good;
    }
    int64_t place = place_unit(input, unit, 0, to_ns(input, input->duration));
    if (open && good) {
        put_unit(input, unit->data, unit->size, place);
    }
    return good;
}

static void take_encoded(struct audio_input *input)
{
    struct transcoder_frame frame;

    while (transcoder_next(input->transcoder, &frame) == 1) {
        audio_track_put(&input->track, frame.data, frame.size, input->duration);
    }
}

/* Moves the samples in the transcoder to their place. */
static void adjust(struct audio_input *input, int64_t off, int64_t duration_ns)
{
    if (off > SAMPLES_MOST_NS) {
        transcoder_silence(input->transcoder, off);
    } else if (off < -SAMPLES_MOST_NS) {
        transcoder_skip(input->transcoder, -off);
    } else if (off > STRETCH_LEAST_NS || off < -STRETCH_LEAST_NS || transcoder_stretches(input->transcoder)) {
        int64_t part = off * duration_ns / STRETCH_NS;
        transcoder_stretch(input->transcoder, duration_ns < STRETCH_NS ? part : off);
    }
}

static bool put_transcoded(struct audio_input *input, const struct audio_input_unit *unit, bool open)
{
    struct transcoder *transcoder = input->transcoder;

    /* A packet of L16 has whole samples. */
    bool whole = input->source != MEDIA_CODEC_L16 || unit->size % (2 * (size_t)input->channels) == 0;
    if (!whole || transcoder_put(transcoder, unit->data, unit->size) < 0) {
        return false;
    }
    if (!sound_clock_ready(&input->clock)) {
        return true;
    }
    int64_t duration_ns = transcoder_duration_ns(transcoder);
    int64_t place = place_unit(input, unit, 0, duration_ns);
    if (!open) {
        return true;
    }
    int64_t behind = transcoder_pending_ns(transcoder) - duration_ns;
    if (reach(input, place, behind)) {
        adjust(input, place - behind - audio_track_end_ns(&input->track), duration_ns);
        take_encoded(input);
    }
    return true;
}

/*
 * Learns at which intervals units arrive: the longest ones count, and are forgotten slowly. It takes several to learn a
 * much longer one, because a single one is a gap.
 */
static void note_arrival(struct audio_input *input, int64_t arrival_ns)
{
    int64_t distance = input->heard_ns != 0 ? arrival_ns - input->heard_ns : 0;
    int64_t most = 2 * input->pace_ns + PACE_STEP_NS;

    input->pace_ns -= input->pace_ns / PACE_UNITS;
    if (distance > input->pace_ns && distance < MISSING_MOST_NS) {
        input->pace_ns = distance < most ? distance : most;
    }
    input->heard_ns = arrival_ns;
    input->heard_end_ns = input->track.started ? audio_track_end_ns(&input->track) : 0;
}

bool audio_input_put(struct audio_input *input, const struct audio_input_unit *unit, bool open)
{
    bool good = false;

    if (!audio_input_has_track(input) || unit->size == 0) {
        return false;
    }
    if (input->transcoder) {
        good = put_transcoded(input, unit, open);
    } else if (input->check) {
        good = put_aac(input, unit, open);
    } else {
        good = put_opus(input, unit, open);
    }
    if (good) {
        note_arrival(input, unit->arrival_ns);
    }
    return good;
}

void audio_input_fill(struct audio_input *input, int64_t now_ns)
{
    int64_t patience = input->pace_ns * MISSING_TENTHS / 10;
    int64_t missing = now_ns - input->heard_ns;

    patience = patience > MISSING_NS ? patience : MISSING_NS;
    patience = patience < MISSING_MOST_NS ? patience : MISSING_MOST_NS;
    if (!input->track.started || input->heard_ns == 0 || missing < patience) {
        return;
    }
    int64_t length = to_ns(input, input->duration);
    int64_t until = input->heard_end_ns + missing - length;
    int64_t off = until - audio_track_end_ns(&input->track);
    if (off > GAP_MOST_NS) {
        return;
    }
    if (!input->transcoder) {
        fill_with_units(input, until, length, true);
    } else if (off > 0) {
        transcoder_silence(input->transcoder, off);
        take_encoded(input);
    }
}

struct init_audio audio_input_init(const struct audio_input *input)
{
    return (struct init_audio){
        .codec = input->codec,
        .config = input->config,
        .config_size = input->config_size,
        .sample_rate = input->track.rate,
        .channels = input->channels,
    };
}

void audio_input_codec_string(const struct audio_input *input, char out[CODEC_STRING_SIZE])
{
    switch (input->codec) {
    case AUDIO_CODEC_AAC:
        codec_string_aac(out, input->object_type);
        return;
    case AUDIO_CODEC_OPUS:
        snprintf(out, CODEC_STRING_SIZE, "opus");
        return;
    case AUDIO_CODEC_FLAC:
        snprintf(out, CODEC_STRING_SIZE, "flac");
        return;
    }
}
