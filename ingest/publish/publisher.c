/* SPDX-License-Identifier: MIT */
#include "ingest/publish/publisher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "ingest/codec/codec_string.h"
#include "ingest/codec/parameter_sets.h"
#include "ingest/codec/sample_writer.h"
#include "ingest/publish/audio_input.h"
#include "ingest/publish/fragment.h"
#include "ingest/publish/gop_meter.h"
#include "ingest/publish/init_segment.h"
#include "ingest/publish/stream_limit.h"
#include "ingest/publish/timeline.h"

/* How many frames H.264 streams with B slices reorder if their SPS does not state it: a pyramid of two levels. */
#define REORDER_ASSUMED 2

/* Larger stamps are invalid: sums with them must not overflow. */
#define STAMP_MAX_NS (INT64_C(1) << 60)

struct publisher {
    struct ring_output *output;
    struct gop_meter gop;
    struct publisher_status status;
    enum nal_codec codec;
    unsigned length_size; /* of the source's NAL units; 0: Annex B */
    struct parameter_sets sets;
    struct sample_writer picture;
    struct fragment fragment;   /* of PICTURE */
    struct ring_fragment entry; /* its entry in the ring */
    struct timeline timeline;
    struct audio_input audio;
    struct sound_gate gate;
    char audio_name[PUBLISHER_AUDIO_SIZE]; /* of what the camera sends */
    enum audio_codec audio_codec;          /* for sound that must be encoded */
    struct init_display display;
    struct stream_limit limit;
    uint8_t *init; /* of the present generation */
    size_t init_length;
    bool need_keyframe; /* frames are withheld until one comes */
    bool need_init;     /* the parameters may have changed since the present generation began */
    bool discontinuity; /* the next fragment does not follow the last one */
    bool joint;         /* it is the first of another connection */
    bool b_slices;      /* seen in this connection */
    bool audio_noted;   /* what is said of the present audio is that of NOTED_STATE */
    enum sound_state noted_state;
    bool audio_open; /* the present generation has a track for the present audio */
};

int publisher_create(struct ring_output *output, struct publisher **publisher)
{
    struct publisher *made = calloc(1, sizeof(*made));

    if (!made) {
        return -ENOMEM;
    }
    made->output = output;
    made->audio_codec = AUDIO_CODEC_FLAC;
    snprintf(made->status.audio, sizeof(made->status.audio), "none");
    timeline_init(&made->timeline, ring_writer_epoch_ns(output->ring), ring_writer_end_ns(output->ring));
    *publisher = made;
    return 0;
}

void publisher_destroy(struct publisher *publisher)
{
    if (!publisher) {
        return;
    }
    parameter_sets_finish(&publisher->sets);
    audio_input_finish(&publisher->audio);
    free(publisher->init);
    free(publisher);
}

void publisher_set_audio_codec(struct publisher *publisher, enum audio_codec codec)
{
    publisher->audio_codec = codec;
}

void publisher_set_display(struct publisher *publisher, const struct init_display *display)
{
    publisher->display = *display;
}

const struct publisher_status *publisher_status(const struct publisher *publisher)
{
    return &publisher->status;
}

/* What pictures will come: nothing of those before counts for them. */
static int begin_video(struct publisher *publisher, const struct media_stream *video,
                       char error[SOURCE_ERROR_SIZE])
{
    if (video->codec != MEDIA_CODEC_H264 && video->codec != MEDIA_CODEC_H265) {
        if (video->codec == MEDIA_CODEC_NONE) {
            snprintf(error, SOURCE_ERROR_SIZE, "the stream has no video");
        } else {
            snprintf(error, SOURCE_ERROR_SIZE, "the camera sends %s video; H.264 and H.265 can be shown",
                     video->codec_name);
        }
        return -ENOTSUP;
    }
    publisher->codec = video->codec == MEDIA_CODEC_H264 ? NAL_H264 : NAL_H265;
    parameter_sets_finish(&publisher->sets);
    parameter_sets_init(&publisher->sets, publisher->codec);
    if (parameter_sets_put_extradata(&publisher->sets, video->extradata, video->extradata_size,
                                     &publisher->length_size) < 0) {
        log_warning(
            "the parameter sets in the stream's description are damaged; waiting for those in the stream");
    }
    if (video->nal_length_size > 0) {
        publisher->length_size = video->nal_length_size;
    }
    publisher->need_keyframe = true;
    publisher->need_init = true;
    publisher->b_slices = false;
    return 0;
}

/* Sound that came waits for a keyframe, too. */
static enum sound_state sound_state(const struct publisher *publisher)
{
    bool awaits_keyframe = publisher->gate.state == SOUND_PLAYING && !publisher->audio_open;

    return awaits_keyframe ? SOUND_WAITING : publisher->gate.state;
}

/* What is said of the sound in this state. */
static void write_audio(const struct publisher *publisher, enum sound_state state,
                        char audio[PUBLISHER_AUDIO_SIZE], char error[PUBLISHER_AUDIO_ERROR_SIZE])
{
    static const char *const words[] = {
        [SOUND_NONE] = "none",       [SOUND_UNSUPPORTED] = "unsupported",
        [SOUND_WAITING] = "waiting", [SOUND_PLAYING] = "playing",
        [SOUND_ENDED] = "ended",     [SOUND_DAMAGED] = "damaged",
    };

    snprintf(audio, PUBLISHER_AUDIO_SIZE, "%s",
             state == SOUND_PLAYING ? publisher->audio_name : words[state]);
    error[0] = '\0';
    if (state == SOUND_UNSUPPORTED) {
        snprintf(error, PUBLISHER_AUDIO_ERROR_SIZE, "the camera sends %s, which is not supported",
                 publisher->audio_name);
    } else if (state == SOUND_ENDED) {
        snprintf(error, PUBLISHER_AUDIO_ERROR_SIZE, "the camera no longer sends its %s",
                 publisher->audio_name);
    } else if (state == SOUND_DAMAGED) {
        snprintf(error, PUBLISHER_AUDIO_ERROR_SIZE, "most of what the camera sends as %s cannot be that",
                 publisher->audio_name);
    }
}

/* Sets the texts about the sound, if they have changed. */
static void note_audio(struct publisher *publisher)
{
    struct publisher_status *status = &publisher->status;
    enum sound_state state = sound_state(publisher);
    char audio[PUBLISHER_AUDIO_SIZE];
    char error[PUBLISHER_AUDIO_ERROR_SIZE];

    if (publisher->audio_noted && state == publisher->noted_state) {
        return; /* this is asked for every unit */
    }
    publisher->audio_noted = true;
    publisher->noted_state = state;
    write_audio(publisher, state, audio, error);
    if (strcmp(audio, status->audio) == 0 && strcmp(error, status->audio_error) == 0) {
        return;
    }
    memcpy(status->audio, audio, sizeof(audio));
    memcpy(status->audio_error, error, sizeof(error));
    status->audio_changes++;
    if (error[0] != '\0') {
        log_warning("no sound: %s", error);
    } else if (state == SOUND_PLAYING) {
        log_info("there is sound: %s", audio);
    }
}

/* The audio is this from now on. 0; -ENOMEM. */
static int begin_audio(struct publisher *publisher, const struct media_stream *stream)
{
    int result = audio_input_begin(&publisher->audio, stream, publisher->audio_codec);

    publisher->audio_open = publisher->audio_noted = false;
    if (result == -ENOMEM) {
        return result;
    }
    snprintf(publisher->audio_name, sizeof(publisher->audio_name), "%s",
             stream->codec != MEDIA_CODEC_NONE ? stream->codec_name : "");
    if (stream->codec == MEDIA_CODEC_NONE) {
        sound_gate_begin(&publisher->gate, SOUND_NONE);
    } else {
        sound_gate_begin(&publisher->gate, result < 0 ? SOUND_UNSUPPORTED : SOUND_WAITING);
    }
    return 0;
}

int publisher_begin(struct publisher *publisher, const struct media_description *description,
                    char error[SOURCE_ERROR_SIZE])
{
    int result = begin_video(publisher, &description->video, error);

    if (result < 0) {
        return result;
    }
    publisher->discontinuity = publisher->joint = publisher->status.fragments > 0;
    timeline_forget_source(&publisher->timeline);
    if (audio_input_is(&publisher->audio, &description->audio, publisher->audio_codec)) {
        audio_input_resume(&publisher->audio);
    } else if (begin_audio(publisher, &description->audio) < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    note_audio(publisher);
    return 0;
}

/* The audio has changed. Pictures go on in the present generation up to the next keyframe. */
static int change_audio(struct publisher *publisher, const struct media_unit *unit,
                        char error[SOURCE_ERROR_SIZE])
{
    struct sound_gate before = publisher->gate;
    bool costs = publisher->audio_open && !publisher->need_init;

    if (audio_input_is(&publisher->audio, unit->stream, publisher->audio_codec)) {
        return 0;
    }
    if (begin_audio(publisher, unit->stream) < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    if (publisher->gate.state == SOUND_WAITING) {
        publisher->gate = before;
        sound_gate_change(&publisher->gate, unit->capture_ns, costs);
    }
    return 0;
}

static void put_audio(struct publisher *publisher, const struct media_unit *unit)
{
    struct audio_input_unit at = {
        .data = unit->data,
        .size = unit->size,
        .stamp_ns = SOUND_CLOCK_UNKNOWN,
        .synced_ns = SOUND_CLOCK_UNKNOWN,
        .arrival_ns = unit->capture_ns - ring_writer_epoch_ns(publisher->output->ring),
    };
    int64_t synced_ns;
    bool exact;

    if (!audio_input_has_track(&publisher->audio)) {
        return;
    }
    if (unit->presentation_ns > -STAMP_MAX_NS && unit->presentation_ns < STAMP_MAX_NS) {
        at.stamp_ns = unit->presentation_ns;
    }
    if (unit->synced &&
        timeline_map_audio(&publisher->timeline, unit->presentation_ns, unit->capture_ns, &synced_ns,
                           &exact) &&
        exact) {
        at.synced_ns = synced_ns;
    }
    bool open = publisher->audio_open && !publisher->need_keyframe;
    sound_gate_unit(&publisher->gate, audio_input_put(&publisher->audio, &at, open), unit->capture_ns);
    publisher->status.awaits_keyframe = publisher->gate.state == SOUND_PLAYING && !publisher->audio_open;
    note_audio(publisher);
}

/* Takes the parameter sets that the picture brought along. */
static void take_parameters(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->picture.parameter_count; i++) {
        int result = parameter_sets_put(&publisher->sets, &publisher->picture.parameters[i]);
        if (result == 1) {
            publisher->need_init = true;
        } else if (result < 0) {
            log_debug("a parameter set of %zu bytes is refused: %s", publisher->picture.parameters[i].size,
                      strerror(-result));
        }
    }
}

static void write_codecs(const struct publisher *publisher, bool has_audio, char codecs[RINGCAST_CODECS_SIZE])
{
    char video[CODEC_STRING_SIZE];
    char audio[CODEC_STRING_SIZE];

    codec_string_video(video, publisher->codec, &publisher->sets.sps);
    if (!has_audio) {
        snprintf(codecs, RINGCAST_CODECS_SIZE, "%s", video);
        return;
    }
    audio_input_codec_string(&publisher->audio, audio);
    snprintf(codecs, RINGCAST_CODECS_SIZE, "%s,%s", video, audio);
}

/* The stream that INIT and the status describe, as a ring keeps it. */
static struct ring_stream describe(const struct publisher_status *status, const uint8_t *init, size_t length)
{
    return (struct ring_stream){
        .codecs = status->codecs,
        .init = init,
        .init_length = length,
        .timescale = FRAGMENT_VIDEO_TIMESCALE,
        .width = status->width,
        .height = status->height,
    };
}

/* At a keyframe: changes to the next ring, if there is one. */
static bool advance_ring(struct publisher *publisher)
{
    struct ring_stream stream = describe(&publisher->status, publisher->init, publisher->init_length);

    return ring_output_advance(publisher->output, &stream);
}

/* The present generation has a track for the present sound, or none. */
static void open_audio(struct publisher *publisher, bool open)
{
    publisher->audio_open = open;
    publisher->status.awaits_keyframe = false;
    note_audio(publisher);
}

/*
 * Begins a new generation if the stream now needs another init segment than that of the present one. -EAGAIN: not now,
 * because there are too many.
 */
static int update_generation(struct publisher *publisher, int64_t now_ns, char error[SOURCE_ERROR_SIZE])
{
    struct init_audio audio = audio_input_init(&publisher->audio);
    bool has_audio = publisher->gate.state == SOUND_PLAYING;
    struct publisher_status *status = &publisher->status;
    uint8_t *init = NULL;
    size_t length = 0;
    int result =
        init_segment_build(&publisher->sets, &publisher->display, has_audio ? &audio : NULL, &init, &length);

    if (result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "the stream's parameter sets cannot be put into MP4");
        return result == -ENOMEM ? -ENOMEM : -ENOTSUP;
    }
    if (length == publisher->init_length && memcmp(init, publisher->init, length) == 0) {
        publisher->need_init = false;
        free(init);
        open_audio(publisher, has_audio);
        return 0;
    }
    if (!stream_limit_take_generation(&publisher->limit, now_ns)) {
        free(init);
        return -EAGAIN;
    }
    publisher->need_init = false;
    write_codecs(publisher, has_audio, status->codecs);
    status->width = publisher->sets.sps.width;
    status->height = publisher->sets.sps.height;
    status->changes++;
    struct ring_stream stream = describe(status, init, length);
    result = ring_writer_begin_generation(publisher->output->ring, &stream);
    if (result < 0) {
        free(init);
        snprintf(error, SOURCE_ERROR_SIZE, "the stream's parameter sets are too long: %zu bytes", length);
        return result;
    }
    free(publisher->init);
    publisher->init = init;
    publisher->init_length = length;
    open_audio(publisher, has_audio);
    return 0;
}

static int reorder_depth(const struct publisher *publisher)
{
    if (publisher->sets.sps.reorder >= 0) {
        return publisher->sets.sps.reorder;
    }
    return publisher->b_slices ? REORDER_ASSUMED : 0;
}

static void place(struct publisher *publisher, const struct media_unit *unit, struct timeline_place *out)
{
    struct timeline_frame frame = {
        .presentation_ns = unit->presentation_ns,
        .decode_ns = unit->decode_ns,
        .arrival_ns = unit->capture_ns,
        .reorder = reorder_depth(publisher),
        .keyframe = publisher->picture.keyframe,
    };

    timeline_place(&publisher->timeline, &frame, out);
    publisher->status.repairs = publisher->timeline.repairs;
    if (publisher->timeline.repairs > 0 && out->discontinuity) {
        log_debug("timeline repaired at %" PRId64 " (%" PRIu64 " so far)", out->decode_time,
                  publisher->timeline.repairs);
    }
}

static void note_need(struct publisher *publisher)
{
    publisher->status.gop_bytes = gop_meter_bytes(&publisher->gop);
    publisher->status.fragment_bytes = gop_meter_longest(&publisher->gop);
}

/* Room for the fragment, in the next ring if a keyframe may go there. NULL: there is none. */
static uint8_t *find_room(struct publisher *publisher, size_t length)
{
    uint8_t *room = ring_writer_reserve(publisher->output->ring, length);

    if (room) {
        return room;
    }
    gop_meter_refused(&publisher->gop, length);
    note_need(publisher);
    return publisher->picture.keyframe && advance_ring(publisher)
               ? ring_writer_reserve(publisher->output->ring, length)
               : NULL;
}

static int withhold(struct publisher *publisher, size_t length, char error[SOURCE_ERROR_SIZE])
{
    publisher->need_keyframe = true;
    publisher->discontinuity = true;
    publisher->status.withheld++;
    audio_track_clear(&publisher->audio.track);
    snprintf(error, SOURCE_ERROR_SIZE,
             "a picture of %zu bytes does not fit the ring; set a larger ring_size, or ring_size_max",
             length);
    return publisher->picture.keyframe ? -EMSGSIZE : 0;
}

/* Writes what prepare() has put together. As publisher_put. */
static int write_fragment(struct publisher *publisher, char error[SOURCE_ERROR_SIZE])
{
    bool keyframe = publisher->picture.keyframe;
    size_t length = fragment_length(&publisher->fragment);
    uint8_t *room = find_room(publisher, length);

    if (!room) {
        return -ENOBUFS;
    }
    fragment_write(&publisher->fragment, room);
    int result = ring_writer_publish(publisher->output->ring, &publisher->entry);
    audio_track_clear(&publisher->audio.track);
    if (result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "the ring refuses a fragment: %s", strerror(-result));
        return result;
    }
    publisher->status.fragments++;
    publisher->status.bytes += length;
    publisher->status.joints += publisher->joint;
    publisher->need_keyframe = publisher->discontinuity = publisher->joint = false;
    gop_meter_add(&publisher->gop, length, ring_writer_span(length), keyframe);
    note_need(publisher);
    return 1;
}

/* Lets the sound know of a picture, and fills the sound track if units stay away for a moment. */
static void add_sound(struct publisher *publisher, const struct media_unit *unit,
                      const struct timeline_place *at)
{
    int64_t shown = at->decode_time + at->composition_offset;
    int64_t shown_ns = shown / FRAGMENT_VIDEO_TIMESCALE * NS_PER_SECOND +
                       shown % FRAGMENT_VIDEO_TIMESCALE * NS_PER_SECOND / FRAGMENT_VIDEO_TIMESCALE;
    int64_t arrival_ns = unit->capture_ns - ring_writer_epoch_ns(publisher->output->ring);

    audio_input_note_picture(&publisher->audio, shown_ns, arrival_ns);
    if (publisher->audio_open) {
        audio_input_fill(&publisher->audio, arrival_ns);
    }
}

/* Puts the picture's fragment together, with the audio that waits for it. */
static void prepare(struct publisher *publisher, const struct media_unit *unit)
{
    const struct audio_track *audio = &publisher->audio.track;
    struct timeline_place at;

    place(publisher, unit, &at);
    add_sound(publisher, unit, &at);
    publisher->fragment = (struct fragment){
        .sequence = (uint32_t)ring_writer_next_sequence(publisher->output->ring),
        .picture = &publisher->picture,
        .decode_time = at.decode_time,
        .duration = at.duration,
        .composition_offset = at.composition_offset,
        .clock = unit->camera_ns != 0 ? FRAGMENT_CLOCK_CAPTURE : FRAGMENT_CLOCK_ARRIVAL,
        .wall_ns = unit->camera_ns != 0 ? unit->camera_ns : unit->wall_ns,
        .audio_count = publisher->audio_open ? audio->count : 0,
        .audio_sizes = audio->sizes,
        .audio_data = audio->data,
        .audio_length = publisher->audio_open ? audio->length : 0,
        .audio_time = audio->first,
        .audio_durations = audio->durations,
    };
    publisher->entry = (struct ring_fragment){
        .flags = (publisher->picture.keyframe ? RINGCAST_KEYFRAME : 0u) |
                 (publisher->discontinuity || at.discontinuity ? RINGCAST_DISCONTINUITY : 0u),
        .decode_time = at.decode_time,
        .duration = at.duration,
        .wall_ns = unit->wall_ns,
        .capture_ns = unit->capture_ns,
    };
}

/* A picture that would exceed a limit, and with it what follows up to the next keyframe. */
static int leave_out(struct publisher *publisher, uint64_t *count)
{
    publisher->need_keyframe = publisher->discontinuity = true;
    publisher->status.withheld++;
    (*count)++;
    audio_track_clear(&publisher->audio.track);
    return 0;
}

static int put_video(struct publisher *publisher, const struct media_unit *unit,
                     char error[SOURCE_ERROR_SIZE])
{
    struct sample_writer *picture = &publisher->picture;
    struct nal_reader reader;

    nal_reader_init(&reader, unit->data, unit->size, publisher->length_size);
    if (sample_writer_read(picture, publisher->codec, &reader, unit->keyframe) < 0) {
        log_warning("a picture of more than %d NAL units is left out", SAMPLE_WRITER_NALS_MAX);
        publisher->need_keyframe = true;
        picture->picture = false;
    }
    take_parameters(publisher);
    if (!picture->picture) {
        return 0;
    }
    sound_gate_picture(&publisher->gate, unit->capture_ns);
    note_audio(publisher);
    publisher->b_slices = publisher->b_slices || picture->b_slices;
    /*
     * New parameters without a keyframe: nothing that follows can be decoded with the present init segment.
     */
    publisher->need_keyframe = publisher->need_keyframe || publisher->need_init || unit->lost;
    if (publisher->need_keyframe && (!picture->keyframe || !parameter_sets_complete(&publisher->sets))) {
        publisher->status.withheld++;
        return 0;
    }
    if (!stream_limit_take_picture(&publisher->limit, unit->capture_ns)) {
        return leave_out(publisher, &publisher->status.pictures_refused);
    }
    bool audio_only = !publisher->need_init && picture->keyframe &&
                      publisher->audio_open != (publisher->gate.state == SOUND_PLAYING);
    int result =
        publisher->need_init || audio_only ? update_generation(publisher, unit->capture_ns, error) : 0;
    if (result == -EAGAIN && !audio_only) {
        return leave_out(publisher, &publisher->status.generations_refused);
    }
    if (result < 0 && result != -EAGAIN) { /* the audio waits for the next keyframe */
        return result;
    }
    if (picture->keyframe) {
        advance_ring(publisher);
    }
    prepare(publisher, unit);
    return write_fragment(publisher, error);
}

int publisher_put(struct publisher *publisher, const struct media_unit *unit, char error[SOURCE_ERROR_SIZE])
{
    if (unit->video) {
        int result = unit->stream ? begin_video(publisher, unit->stream, error) : 0;
        return result < 0 ? result : put_video(publisher, unit, error);
    }
    int result = unit->stream ? change_audio(publisher, unit, error) : 0;
    if (result == 0) {
        put_audio(publisher, unit);
    }
    return result;
}

size_t publisher_missing_room(const struct publisher *publisher)
{
    return fragment_length(&publisher->fragment);
}

int publisher_retry(struct publisher *publisher, char error[SOURCE_ERROR_SIZE])
{
    int result = write_fragment(publisher, error);

    return result == -ENOBUFS ? withhold(publisher, publisher_missing_room(publisher), error) : result;
}
