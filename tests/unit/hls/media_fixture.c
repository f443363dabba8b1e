/* SPDX-License-Identifier: MIT */
#include "tests/unit/hls/media_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "ingest/publish/fragment.h"
#include "ingest/publish/init_segment.h"
#include "tests/support/samples.h"

#define PICTURE_LENGTH (1 + FIXTURE_SLICE_LENGTH)
#define UNITS_MAX 64

struct bytes fixture_init(bool hevc, enum fixture_sound sound)
{
    static const uint8_t aac[] = {0x12, 0x10};
    static const uint8_t opus[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xBB, 0,   0,   0,   0,   0};
    static const uint8_t flac[34] = {0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x0A, 0xC4, 0x42, 0xF0};
    static const struct init_audio sounds[] = {
        [FIXTURE_AAC] = {AUDIO_CODEC_AAC, aac, sizeof(aac), FIXTURE_AUDIO_RATE, 2},
        [FIXTURE_OPUS] = {AUDIO_CODEC_OPUS, opus, sizeof(opus), 48000, 2},
        [FIXTURE_FLAC] = {AUDIO_CODEC_FLAC, flac, sizeof(flac), FIXTURE_AUDIO_RATE, 2},
    };
    const struct init_display display = {0};
    struct parameter_sets sets;
    struct bytes made;

    parameter_sets_init(&sets, hevc ? NAL_H265 : NAL_H264);
    if (hevc) {
        parameter_sets_put(&sets, &SAMPLE_NAL(sample_hevc_vps));
    }
    parameter_sets_put(&sets, hevc ? &SAMPLE_NAL(sample_hevc_sps) : &SAMPLE_NAL(sample_avc_high_sps));
    parameter_sets_put(&sets, hevc ? &SAMPLE_NAL(sample_hevc_pps) : &SAMPLE_NAL(sample_avc_high_pps));
    assert_int_equal(init_segment_build(&sets, &display, sound == FIXTURE_SILENT ? NULL : &sounds[sound],
                                        &made.data, &made.length),
                     0);
    parameter_sets_finish(&sets);
    return made;
}

struct bytes fixture_fragment(const struct fixture_picture *picture)
{
    uint8_t slice[PICTURE_LENGTH], sound[UNITS_MAX * FIXTURE_UNIT_LENGTH];
    uint32_t sizes[UNITS_MAX], durations[UNITS_MAX];
    struct sample_writer writer = {.nals = {{slice, sizeof(slice)}},
                                   .count = 1,
                                   .sample_size = 4 + sizeof(slice),
                                   .picture = true,
                                   .keyframe = picture->keyframe};

    memset(slice, picture->seed, sizeof(slice));
    slice[0] = picture->keyframe ? 0x65 : 0x41;
    memset(sound, picture->seed ^ 0xFF, sizeof(sound));
    assert_true(picture->units <= UNITS_MAX);
    for (unsigned i = 0; i < picture->units; i++) {
        sizes[i] = FIXTURE_UNIT_LENGTH;
        durations[i] = 1024;
    }
    const struct fragment fragment = {.sequence = 1,
                                      .picture = &writer,
                                      .decode_time = picture->time,
                                      .duration = picture->duration,
                                      .composition_offset = picture->offset,
                                      .clock = FRAGMENT_CLOCK_CAPTURE,
                                      .wall_ns = 1800000000 * NS_PER_SECOND +
                                                 picture->time * (NS_PER_SECOND / 10000) / 9,
                                      .audio_count = picture->units,
                                      .audio_sizes = sizes,
                                      .audio_data = sound,
                                      .audio_length = (size_t)picture->units * FIXTURE_UNIT_LENGTH,
                                      .audio_time = picture->sound_time,
                                      .audio_durations = durations};
    struct bytes made = {.length = fragment_length(&fragment)};
    made.data = malloc(made.length);
    assert_non_null(made.data);
    fragment_write(&fragment, made.data);
    return made;
}

/* --- A camera ------------------------------------------------------------------------------------------- */

static struct chunk chunk;

static double step_of(struct fixture_camera *camera)
{
    camera->random = camera->random * 1103515245u + 12345u;
    double part = (double)(camera->random >> 16 & 0x7FFF) / 16384.0 - 1.0; /* -1 … 1 */

    return (1.0 + camera->jitter * part) / camera->fps;
}

static int64_t ns_of(double seconds)
{
    return (int64_t)llround(seconds * 90000.0) * (NS_PER_SECOND / 10000) / 9;
}

static bool is_key(struct fixture_camera *camera)
{
    if (camera->now < camera->next_key - 0.0001) {
        return false;
    }
    camera->next_key = camera->now + camera->gop;
    return true;
}

void fixture_step(struct fixture_camera *camera)
{
    double step = step_of(camera);
    bool key = is_key(camera);
    const struct fixture_picture made = {.time = llround(camera->now * 90000.0),
                                         .duration = (uint32_t)llround(90000.0 / camera->fps),
                                         .keyframe = key};
    struct bytes fragment = fixture_fragment(&made);

    assert_int_equal(chunk_parse(fragment.data, fragment.length, 1, 0, &chunk), 0);
    const struct picture picture = {.chunk = &chunk,
                                    .start_ns = ns_of(camera->now),
                                    .duration_ns = ns_of(1.0 / camera->fps),
                                    .shown_ns = ns_of(camera->now),
                                    .wall_ns = 1800000000 * NS_PER_SECOND + ns_of(camera->now),
                                    .keyframe = key};
    assert_int_equal(segmenter_add(&camera->segmenter, &picture), 0);
    free(fragment.data);
    camera->now += step;
}

void fixture_play(struct fixture_camera *camera, double seconds)
{
    double end = camera->now + seconds;

    while (camera->now < end) {
        fixture_step(camera);
    }
}

void fixture_change(struct fixture_camera *camera, bool hevc, enum fixture_sound sound)
{
    struct bytes init = fixture_init(hevc, sound);

    camera->next_key = camera->now;
    assert_int_equal(segmenter_set_init(&camera->segmenter, init.data, init.length,
                                        hevc ? "hvc1.1.6.L93.B0" : "avc1.64001F", 1920, 1080),
                     0);
    free(init.data);
}

void fixture_begin(struct fixture_camera *camera)
{
    struct survey survey = {0};
    const struct survey *surveys[] = {&survey};

    camera->now = 1000;
    camera->next_key = 1000;
    while (camera->now < 1030) {
        survey_add(&survey, ns_of(camera->now), is_key(camera), false);
        camera->now += step_of(camera);
    }
    camera->timing.targets = targets_choose(surveys, 1);
    segmenter_begin(&camera->segmenter, &camera->timing, &survey, 7, 0);
    fixture_change(camera, camera->hevc, camera->sound);
}

void fixture_end(struct fixture_camera *camera)
{
    segmenter_end(&camera->segmenter);
}
