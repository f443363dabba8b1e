/* SPDX-License-Identifier: MIT */
/* Fragments: every byte accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/publish/fragment.h"
#include "tests/support/boxes.h"

static const uint8_t slice[] = {0x65, 0x88, 0x84, 0x00, 0x33};
static const uint8_t sei[] = {0x06, 0x01};
static struct sample_writer picture;

static void make_picture(bool keyframe)
{
    picture.nals[0] = (struct nal){sei, sizeof(sei)};
    picture.nals[1] = (struct nal){slice, sizeof(slice)};
    picture.count = 2;
    picture.sample_size = 8 + sizeof(sei) + sizeof(slice);
    picture.picture = true;
    picture.keyframe = keyframe;
}

/* Writes into memory of exactly the announced size. */
static uint8_t *write(const struct fragment *fragment, size_t *size)
{
    *size = fragment_length(fragment);
    uint8_t *data = malloc(*size);
    assert_non_null(data);
    memset(data, 0xee, *size);
    fragment_write(fragment, data);
    return data;
}

static void video_alone(void **state)
{
    static const uint8_t expected[] = {
        0,    0,    0,    32,   'p',  'r',  'f',  't',  1, 0, 0,    24,   0,    0,    0,    1, /* captured;
                                                                                                  track 1 */
        0x83, 0xaa, 0x7e, 0x81, 0x80, 0,    0,    0,    0, 0, 0,    5,    0,    0,    0,    7, /* 1.5 s after
                                                                                                  1970; shown
                                                                                                  at */
        0,    0,    0,    104,  'm',  'o',  'o',  'f',                                         /* */
        0,    0,    0,    16,   'm',  'f',  'h',  'd',  0, 0, 0,    0,    0,    0,    0,    7, /* */
        0,    0,    0,    80,   't',  'r',  'a',  'f',                                         /* */
        0,    0,    0,    16,   't',  'f',  'h',  'd',  0, 2, 0,    0,    0,    0,    0,    1, /* default-base-is-moof;
                                                                                                  track 1 */
        0,    0,    0,    20,   't',  'f',  'd',  't',  1, 0, 0,    0,    0,    0,    0,    5, 0,
        0,    0,    9,                                                                         /* */
        0,    0,    0,    36,   't',  'r',  'u',  'n',  1, 0, 0x0f, 1,    0,    0,    0,    1, /* one sample
                                                                                                */
        0,    0,    0,    112,  0,    0,    0x0e, 0x10, 0, 0, 0,    15, /* offset, duration, size */
        2,    0,    0,    0,    0xff, 0xff, 0xff, 0xfe,                 /* sync sample; −2 */
        0,    0,    0,    23,   'm',  'd',  'a',  't',                  /* */
        0,    0,    0,    2,    0x06, 0x01, 0,    0,    0, 5, 0x65, 0x88, 0x84, 0x00, 0x33,
    };
    struct fragment fragment = {.sequence = 7,
                                .picture = &picture,
                                .decode_time = 5LL << 32 | 9,
                                .duration = 3600,
                                .composition_offset = -2,
                                .clock = FRAGMENT_CLOCK_CAPTURE,
                                .wall_ns = 1500000000};
    size_t size;

    (void)state;
    make_picture(true);
    uint8_t *data = write(&fragment, &size);
    assert_int_equal(size, sizeof(expected));
    assert_memory_equal(data, expected, size);
    free(data);
}

static void video_with_audio(void **state)
{
    static const uint8_t sound[] = {1, 2, 3, 4, 5, 6};
    static const uint32_t sizes[] = {1, 3, 2};
    static const uint32_t durations[] = {1024, 1024, 1024};
    struct fragment fragment = {.sequence = UINT32_MAX,
                                .picture = &picture,
                                .decode_time = 90000,
                                .duration = 3600,
                                .composition_offset = 7200,
                                .audio_count = 3,
                                .audio_sizes = sizes,
                                .audio_data = sound,
                                .audio_length = sizeof(sound),
                                .audio_time = 1LL << 40,
                                .audio_durations = durations};
    struct fragment_track tracks[2];
    size_t size;

    (void)state;
    make_picture(false);
    uint8_t *data = write(&fragment, &size);
    assert_int_equal(boxes_check_fragment(data, size, tracks), UINT32_MAX);
    assert_int_equal(tracks[0].decode_time, 90000);
    assert_int_equal(tracks[0].duration, 3600);
    assert_int_equal(tracks[0].composition_offset, 7200);
    assert_int_equal(tracks[0].first_flags, 0x01010000);
    assert_int_equal(boxes_check_sample(tracks[0].first_data, tracks[0].bytes), 2);
    assert_int_equal(tracks[1].samples, 3);
    assert_int_equal(tracks[1].decode_time, 1LL << 40);
    assert_int_equal(tracks[1].duration, 3 * 1024);
    assert_int_equal(tracks[1].first_size, 1);
    assert_memory_equal(tracks[1].first_data, sound, sizeof(sound));
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(video_alone),
        cmocka_unit_test(video_with_audio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
