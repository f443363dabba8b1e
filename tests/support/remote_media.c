/* SPDX-License-Identifier: MIT */
#include "tests/support/remote_media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/codec/parameter_sets.h"
#include "ingest/publish/fragment.h"
#include "ingest/publish/init_segment.h"
#include "tests/support/samples.h"

static const uint8_t sound[] = {0x21, 0x10, 0x04, 0x60};

size_t remote_media_init(uint8_t init[REMOTE_MEDIA_SIZE], bool large)
{
    static const uint8_t config[] = {0x12, 0x08};
    const struct nal base[] = {SAMPLE_NAL(sample_avc_base_sps), SAMPLE_NAL(sample_avc_base_pps)};
    const struct nal high[] = {SAMPLE_NAL(sample_avc_high_sps), SAMPLE_NAL(sample_avc_high_pps)};
    const struct init_audio audio = {.config = config,
                                     .config_size = sizeof(config),
                                     .sample_rate = REMOTE_MEDIA_SOUND_RATE,
                                     .channels = 1};
    const struct init_display display = {0};
    struct parameter_sets sets;
    uint8_t *made;
    size_t size;

    parameter_sets_init(&sets, NAL_H264);
    for (size_t i = 0; i < 2; i++) {
        assert_true(parameter_sets_put(&sets, large ? &high[i] : &base[i]) >= 0);
    }
    assert_int_equal(init_segment_build(&sets, &display, &audio, &made, &size), 0);
    assert_true(size <= REMOTE_MEDIA_SIZE);
    memcpy(init, made, size);
    free(made);
    parameter_sets_finish(&sets);
    return size;
}

size_t remote_media_generation(uint8_t body[REMOTE_MEDIA_SIZE], bool large)
{
    struct piece_generation generation = {.width = large ? 1920 : 640, .height = large ? 1080 : 360};
    uint8_t init[REMOTE_MEDIA_SIZE];

    strcpy(generation.codecs, large ? "avc1.640028,mp4a.40.2" : "avc1.42C01E,mp4a.40.2");
    size_t head = piece_write_generation(body, &generation);
    size_t size = remote_media_init(init, large);
    assert_true(head + size <= REMOTE_MEDIA_SIZE);
    memcpy(body + head, init, size);
    return head + size;
}

size_t remote_media_fragment(uint8_t *out, const struct remote_media_fragment *fragment)
{
    static const uint32_t size = sizeof(sound), duration = 1024;
    uint8_t *data = calloc(1, fragment->picture);
    struct sample_writer *picture = calloc(1, sizeof(*picture));

    assert_true(data && picture && fragment->picture >= 8);
    data[0] = fragment->keyframe ? 0x65 : 0x41;
    memset(data + 1, 0x5a, fragment->picture - 1);
    picture->nals[0] = (struct nal){data, fragment->picture};
    picture->count = 1;
    picture->sample_size = 4 + fragment->picture;
    picture->picture = true;
    picture->keyframe = fragment->keyframe;
    const struct fragment made = {
        .sequence = 99,
        .picture = picture,
        .decode_time = fragment->decode_time,
        .duration = REMOTE_MEDIA_TICK,
        .clock = FRAGMENT_CLOCK_ARRIVAL,
        .wall_ns = 1500000000,
        .audio_count = fragment->sound_time >= 0,
        .audio_sizes = &size,
        .audio_data = sound,
        .audio_length = sizeof(sound),
        .audio_time = fragment->sound_time,
        .audio_durations = &duration,
    };
    size_t length = fragment_length(&made);
    if (fragment->sound_time < 0) {
        struct fragment silent = made;
        silent.audio_length = 0;
        length = fragment_length(&silent);
        if (out) {
            fragment_write(&silent, out);
        }
    } else if (out) {
        fragment_write(&made, out);
    }
    free(data);
    free(picture);
    return length;
}
