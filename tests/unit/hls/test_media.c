/* SPDX-License-Identifier: MIT */
/* Fragments are read with suspicion, joined to parts without a hole, and sound that HLS has not is left out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "hls/media/init_segment.h"
#include "hls/media/part_builder.h"
#include "tests/support/boxes.h"
#include "tests/unit/hls/media_fixture.h"

static struct chunk read_chunk;

static void add(struct part_builder *builder, const struct fixture_picture *picture, int64_t video_shift,
                int64_t audio_shift, int expected)
{
    struct bytes fragment = fixture_fragment(picture);

    assert_int_equal(chunk_parse(fragment.data, fragment.length, 1, builder->audio.id, &read_chunk), 0);
    assert_int_equal(part_builder_add(builder, &read_chunk, video_shift, audio_shift), expected);
    free(fragment.data);
}

static void a_fragment_is_read(void **state)
{
    const struct fixture_picture picture = {.time = 900000,
                                            .duration = 3600,
                                            .keyframe = true,
                                            .offset = -7,
                                            .units = 3,
                                            .sound_time = 44100,
                                            .seed = 5};
    struct bytes fragment = fixture_fragment(&picture);

    (void)state;
    assert_int_equal(chunk_parse(fragment.data, fragment.length, 1, 2, &read_chunk), 0);
    assert_int_equal(read_chunk.video.decode_time, 900000);
    assert_int_equal(read_chunk.video.count, 1);
    assert_int_equal(read_chunk.video.samples[0].duration, 3600);
    assert_int_equal(read_chunk.video.samples[0].offset, -7);
    assert_int_equal(read_chunk.video.samples[0].flags, 0x02000000);
    assert_int_equal(read_chunk.video.data[4], 0x65);
    assert_int_equal(read_chunk.audio.count, 3);
    assert_int_equal(read_chunk.audio.decode_time, 44100);
    assert_int_equal(read_chunk.audio.samples[2].duration, 1024);
    assert_int_equal(read_chunk.audio.samples[2].size, FIXTURE_UNIT_LENGTH);
    assert_int_equal(read_chunk.audio.data[0], 5 ^ 0xFF);
    assert_in_range(chunk_wall_ns(&read_chunk, 0), 1800000009999999998, 1800000010000000000);
    read_chunk.ntp = UINT64_C(1) << 62; /* NTP's seconds began again in 2036 */
    assert_int_equal(chunk_wall_ns(&read_chunk, 0), INT64_C(3159720320) * NS_PER_SECOND);
    read_chunk.ntp = 0;
    assert_int_equal(chunk_wall_ns(&read_chunk, 7), 7);
    /* The sound is nobody's if the init segment has no such track. */
    assert_int_equal(chunk_parse(fragment.data, fragment.length, 1, 0, &read_chunk), 0);
    assert_int_equal(read_chunk.audio.count, 0);
    /* No picture of that track. */
    assert_int_equal(chunk_parse(fragment.data, fragment.length, 3, 2, &read_chunk), -EBADMSG);
    free(fragment.data);
}

/* In memory of just that length, so that a sanitizer sees a byte too many. */
static void no_damage_is_read_past(void **state)
{
    const struct fixture_picture picture = {.time = 1, .duration = 1, .keyframe = true, .units = 2};
    struct bytes fragment = fixture_fragment(&picture);

    (void)state;
    for (size_t length = 0; length < fragment.length; length++) {
        uint8_t *copy = malloc(length + 1);
        memcpy(copy, fragment.data, length);
        assert_int_equal(chunk_parse(copy, length, 1, 2, &read_chunk), -EBADMSG);
        free(copy);
    }
    /* Each byte of the boxes, also those of lengths, counts and offsets, with its bits turned over. */
    for (size_t at = 0; at < fragment.length; at++) {
        uint8_t *copy = malloc(fragment.length);
        memcpy(copy, fragment.data, fragment.length);
        copy[at] ^= 0xFF;
        if (chunk_parse(copy, fragment.length, 1, 2, &read_chunk) == 0) {
            struct part_builder builder = {.video.id = 1, .audio.id = 2};
            assert_int_equal(part_builder_add(&builder, &read_chunk, 0, 0), 0);
            part_builder_clear(&builder);
        }
        free(copy);
    }
    free(fragment.data);
}

static void fragments_become_one_part(void **state)
{
    struct part_builder builder = {.video.id = 1, .audio.id = 2};

    (void)state;
    for (int i = 0; i < 8; i++) {
        const struct fixture_picture picture = {.time = 90000 + i * 3600,
                                                .duration = 3000,
                                                .keyframe = i == 0,
                                                .offset = i,
                                                .units = i % 3,
                                                .sound_time = 44100 + (i / 3 * 3 + (i % 3 == 2)) * 1024,
                                                .seed = (uint8_t)i};
        add(&builder, &picture, 1000000, 500, 0);
    }
    struct blob *part = part_builder_finish(&builder, 42);
    assert_non_null(part);
    boxes_check(part->data, part->length);
    assert_int_equal(boxes_count(part->data, part->length, "prft"), 1);
    assert_int_equal(boxes_count(part->data, part->length, "moof"), 1);
    assert_int_equal(boxes_count(part->data, part->length, "mdat"), 1);
    assert_int_equal(boxes_read32(boxes_find(part->data, part->length, "moof/mfhd", 0).data + 4), 42);
    assert_int_equal(boxes_prft(part->data, part->length).media_time, 1090000);

    /* Read back, it is all that was in the fragments, and each picture lasts until the next. */
    assert_int_equal(chunk_parse(part->data, part->length, 1, 2, &read_chunk), 0);
    assert_int_equal(read_chunk.video.decode_time, 1090000);
    assert_int_equal(read_chunk.video.count, 8);
    size_t at = 0;
    for (int i = 0; i < 8; i++) {
        const struct chunk_sample *sample = &read_chunk.video.samples[i];
        assert_int_equal(sample->duration, i == 7 ? 3000 : 3600);
        assert_int_equal(sample->offset, i);
        assert_int_equal(sample->flags, i == 0 ? 0x02000000 : 0x01010000);
        assert_int_equal(sample->size, 4 + 1 + FIXTURE_SLICE_LENGTH);
        assert_int_equal(read_chunk.video.data[at + 6], i);
        at += sample->size;
    }
    assert_int_equal(at, read_chunk.video.length);
    assert_int_equal(read_chunk.audio.decode_time, 44600);
    assert_int_equal(read_chunk.audio.count, 7);
    assert_int_equal(read_chunk.audio.data[0], 1 ^ 0xFF);
    assert_int_equal(read_chunk.audio.data[6 * FIXTURE_UNIT_LENGTH], 7 ^ 0xFF);
    free(part);
    assert_null(part_builder_finish(&builder, 43)); /* it is empty */
    part_builder_clear(&builder);
}

static void a_hole_in_the_sound_is_the_last_units(void **state)
{
    struct part_builder builder = {.video.id = 1, .audio.id = 2};

    (void)state;
    add(&builder,
        &(struct fixture_picture){.time = 100, .duration = 10, .keyframe = true, .units = 2, .sound_time = 0},
        0, 0, 0);
    add(&builder, &(struct fixture_picture){.time = 110, .duration = 10, .units = 1, .sound_time = 5000}, 0,
        0, 0);
    struct blob *part = part_builder_finish(&builder, 1);
    assert_int_equal(chunk_parse(part->data, part->length, 1, 2, &read_chunk), 0);
    assert_int_equal(read_chunk.audio.samples[0].duration, 1024);
    assert_int_equal(read_chunk.audio.samples[1].duration, 5000 - 1024);
    free(part);
    part_builder_clear(&builder);
}

static void time_that_goes_back_needs_another_part(void **state)
{
    struct part_builder builder = {.video.id = 1, .audio.id = 2};

    (void)state;
    add(&builder,
        &(struct fixture_picture){
            .time = 100, .duration = 10, .keyframe = true, .units = 1, .sound_time = 500},
        0, 0, 0);
    add(&builder, &(struct fixture_picture){.time = 100, .duration = 10}, 0, 0, -EAGAIN);
    add(&builder, &(struct fixture_picture){.time = 110, .duration = 10, .units = 1, .sound_time = 400}, 0, 0,
        -EAGAIN);
    add(&builder, &(struct fixture_picture){.time = 110, .duration = 10}, 0, 0, 0);
    struct blob *part = part_builder_finish(&builder, 1);
    assert_int_equal(chunk_parse(part->data, part->length, 1, 2, &read_chunk), 0);
    assert_int_equal(read_chunk.video.count, 2); /* what did not fit left nothing behind */
    free(part);
    part_builder_clear(&builder);
}

static void init_segments_are_read(void **state)
{
    static const char *const formats[] = {
        [FIXTURE_AAC] = "mp4a", [FIXTURE_OPUS] = "Opus", [FIXTURE_FLAC] = "fLaC"};

    (void)state;
    for (int sound = FIXTURE_SILENT; sound <= FIXTURE_FLAC; sound++) {
        for (int hevc = 0; hevc < 2; hevc++) {
            struct bytes init = fixture_init(hevc, (enum fixture_sound)sound);
            struct init_facts facts;
            assert_int_equal(init_segment_read(init.data, init.length, &facts), 0);
            assert_int_equal(facts.video, 1);
            assert_int_equal(facts.video_timescale, 90000);
            assert_int_equal(facts.audio, sound == FIXTURE_SILENT ? 0 : 2);
            if (sound != FIXTURE_SILENT) {
                assert_int_equal(facts.audio_timescale, sound == FIXTURE_OPUS ? 48000 : FIXTURE_AUDIO_RATE);
                assert_int_equal(facts.audio_format, boxes_read32((const uint8_t *)formats[sound]));
                assert_int_equal(init_segment_sound_fits(&facts), sound != FIXTURE_OPUS);
            }
            for (size_t length = 0; length < init.length; length++) {
                uint8_t *copy = malloc(length + 1);
                memcpy(copy, init.data, length);
                assert_int_equal(init_segment_read(copy, length, &facts), -EBADMSG);
                free(copy);
            }
            free(init.data);
        }
    }
}

static void the_sound_is_taken_out_of_an_init_segment(void **state)
{
    struct bytes with = fixture_init(false, FIXTURE_OPUS), without = fixture_init(false, FIXTURE_SILENT);
    struct init_facts facts;
    uint8_t *out = malloc(with.length);

    (void)state;
    assert_int_equal(init_segment_read(with.data, with.length, &facts), 0);
    long length = init_segment_without_sound(with.data, with.length, &facts, out);
    assert_true(length > 0 && (size_t)length < with.length);
    boxes_check(out, (size_t)length);
    assert_int_equal(init_segment_read(out, (size_t)length, &facts), 0);
    assert_int_equal(facts.audio, 0);
    struct box moov = boxes_find(out, (size_t)length, "moov", 0);
    assert_int_equal(boxes_count(moov.data, moov.size, "trak"), 1);
    struct box mvex = boxes_find(out, (size_t)length, "moov/mvex", 0);
    assert_int_equal(boxes_count(mvex.data, mvex.size, "trex"), 1);
    /* Track for track it is what the worker makes for a camera without sound. */
    struct box trak = boxes_find(out, (size_t)length, "moov/trak", 0);
    struct box expected = boxes_find(without.data, without.length, "moov/trak", 0);
    assert_int_equal(trak.size, expected.size);
    assert_memory_equal(trak.data, expected.data, expected.size);
    free(out);
    free(with.data);
    free(without.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fragment_is_read),
        cmocka_unit_test(no_damage_is_read_past),
        cmocka_unit_test(fragments_become_one_part),
        cmocka_unit_test(a_hole_in_the_sound_is_the_last_units),
        cmocka_unit_test(time_that_goes_back_needs_another_part),
        cmocka_unit_test(init_segments_are_read),
        cmocka_unit_test(the_sound_is_taken_out_of_an_init_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
