/* SPDX-License-Identifier: MIT */
/* Tracks of init segments and fragments, codecs that clients list, and durations in queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "fanout/feed/codec_choice.h"
#include "fanout/feed/keyframes.h"
#include "fanout/feed/tracks.h"
#include "fanout/http/media_query.h"
#include "tests/support/boxes.h"

struct writer {
    uint8_t data[1024];
    size_t length;
};

static size_t open_box(struct writer *writer, const char *type)
{
    size_t start = writer->length;

    memset(writer->data + start, 0, 8);
    memcpy(writer->data + start + 4, type, 4);
    writer->length += 8;
    return start;
}

static void close_box(struct writer *writer, size_t start)
{
    bytes_put_be32(writer->data + start, (uint32_t)(writer->length - start));
}

static void put(struct writer *writer, uint32_t value)
{
    bytes_put_be32(writer->data + writer->length, value);
    writer->length += 4;
}

static void put_trak(struct writer *writer, uint32_t id, const char *handler, uint32_t content)
{
    size_t trak = open_box(writer, "trak"), tkhd = open_box(writer, "tkhd");

    put(writer, 3); /* version 0 and flags */
    put(writer, 0);
    put(writer, 0);
    put(writer, id);
    close_box(writer, tkhd);
    size_t mdia = open_box(writer, "mdia"), mdhd = open_box(writer, "mdhd");
    put(writer, 0);
    put(writer, 0);
    put(writer, 0);
    put(writer, 1000 * id);
    close_box(writer, mdhd);
    size_t hdlr = open_box(writer, "hdlr");
    put(writer, 0);
    put(writer, 0);
    memcpy(writer->data + writer->length, handler, 4);
    writer->length += 4;
    put(writer, content);
    close_box(writer, hdlr);
    close_box(writer, mdia);
    close_box(writer, trak);
}

static void put_id_box(struct writer *writer, const char *type, uint32_t id)
{
    size_t box = open_box(writer, type);

    put(writer, 0);
    put(writer, id);
    close_box(writer, box);
}

/* SOUND: what is in its track; 0: there is none. */
static struct writer init_segment(uint32_t picture, uint32_t sound)
{
    struct writer writer = {0};

    size_t ftyp = open_box(&writer, "ftyp");
    put(&writer, 7);
    close_box(&writer, ftyp);
    size_t moov = open_box(&writer, "moov");
    put_id_box(&writer, "mvhd", sound ? 3 : 2);
    put_trak(&writer, 1, "vide", picture);
    if (sound) {
        put_trak(&writer, 2, "soun", sound);
    }
    size_t mvex = open_box(&writer, "mvex");
    put_id_box(&writer, "trex", 1);
    if (sound) {
        put_id_box(&writer, "trex", 2);
    }
    close_box(&writer, mvex);
    close_box(&writer, moov);
    return writer;
}

static struct tracks read_segment(uint32_t picture, uint32_t sound)
{
    struct writer init = init_segment(picture, sound);
    struct tracks tracks;

    tracks_read(init.data, init.length, &tracks);
    return tracks;
}

static void tracks_are_the_same_or_not(void **state)
{
    struct tracks both = read_segment(5, 6), other_sound = read_segment(5, 7), mute = read_segment(5, 0),
                  other_picture = read_segment(4, 6);
    (void)state;
    assert_int_equal(both.video, 1);
    assert_int_equal(both.video_timescale, 1000);
    assert_int_equal(both.sound, 2);
    assert_int_equal(both.sound_timescale, 2000);
    assert_int_equal(both.video_key, other_sound.video_key);
    assert_int_equal(both.video_key, mute.video_key);
    assert_int_not_equal(both.video_key, other_picture.video_key);
    assert_int_not_equal(both.sound_key, other_sound.sound_key);
    assert_int_equal(both.sound_key, other_picture.sound_key);
    assert_int_equal(mute.sound_key, 0);
}

static void a_picture_is_what_an_init_segment_without_sound_is(void **state)
{
    struct writer init = init_segment(5, 6), wanted = init_segment(5, 0);
    struct tracks tracks, left;
    uint8_t *out = malloc(init.length);
    (void)state;
    tracks_read(init.data, init.length, &tracks);
    size_t length = tracks_copy_picture(init.data, init.length, &tracks, out);
    boxes_check(out, length);
    assert_int_equal(length, wanted.length);
    assert_int_equal(boxes_find(out, length, "moov/mvex/trex", 0).size, 8);
    tracks_read(out, length, &left);
    assert_int_equal(left.video_key, tracks.video_key);
    assert_int_equal(left.sound_key, 0);
    free(out);
}

/* `moof` with a `traf` for picture and sound, of which the second has its decode time in 32 bits; then `mdat`. */
static struct writer make_fragment(uint64_t picture_time, uint32_t sound_time)
{
    struct writer fragment = {0};

    put_id_box(&fragment, "prft", 1);
    size_t moof = open_box(&fragment, "moof");
    for (uint32_t id = 1; id <= 2; id++) {
        size_t traf = open_box(&fragment, "traf");
        put_id_box(&fragment, "tfhd", id);
        size_t tfdt = open_box(&fragment, "tfdt");
        if (id == 1) {
            put(&fragment, 1u << 24); /* version 1 */
            put(&fragment, (uint32_t)(picture_time >> 32));
            put(&fragment, (uint32_t)picture_time);
        } else {
            put(&fragment, 0);
            put(&fragment, sound_time);
        }
        close_box(&fragment, tfdt);
        close_box(&fragment, traf);
    }
    close_box(&fragment, moof);
    close_box(&fragment, open_box(&fragment, "mdat"));
    return fragment;
}

static const struct tracks both_tracks = {
    .video = 1, .sound = 2, .video_timescale = 90000, .sound_timescale = 8000};

static void sound_is_hidden_in_a_fragment_and_shown_again(void **state)
{
    struct writer fragment = make_fragment(0, 0), before = fragment;
    struct tracks_edits edits = {0};
    (void)state;
    tracks_hide(fragment.data, fragment.length, &both_tracks, &edits);
    struct box content = boxes_find(fragment.data, fragment.length, "moof", 0);
    assert_int_equal(boxes_count(content.data, content.size, "traf"), 1);
    assert_int_equal(boxes_count(content.data, content.size, "free"), 1);
    assert_int_equal(boxes_read32(boxes_find(content.data, content.size, "traf/tfhd", 0).data + 4), 1);
    tracks_restore(&edits);
    assert_memory_equal(fragment.data, before.data, before.length);
    tracks_hide(fragment.data, fragment.length, &(struct tracks){0},
                &edits); /* which is the picture is not known */
    assert_memory_equal(fragment.data, before.data, before.length);
}

static void decode_times_begin_elsewhere_and_come_back(void **state)
{
    /* 100000 s and 0.5 s; the base is 99999.75 s. */
    struct writer fragment = make_fragment(UINT64_C(9000045000), 800002000), before = fragment;
    struct tracks_edits edits = {0};
    (void)state;
    assert_int_equal(tracks_begin(fragment.data, fragment.length, &both_tracks, false), UINT64_C(9000045000));
    assert_int_equal(tracks_begin(fragment.data, fragment.length, &both_tracks, true), UINT64_C(9000022500));
    tracks_shift(fragment.data, fragment.length, &both_tracks, UINT64_C(8999977500), 90000, &edits);
    struct box content = boxes_find(fragment.data, fragment.length, "moof", 0);
    assert_int_equal(boxes_read64(boxes_find(content.data, content.size, "traf/tfdt", 0).data + 4), 67500);
    assert_int_equal(boxes_read32(boxes_find(content.data, content.size, "traf/tfdt", 1).data + 4), 4000);
    assert_int_equal(tracks_prft_size(fragment.data, fragment.length), 16);
    assert_int_equal(tracks_prft_size(fragment.data + 16, fragment.length - 16), 0);
    assert_int_equal(tracks_prft_size(fragment.data, 8), 0);
    tracks_hide(fragment.data, fragment.length, &both_tracks, &edits);
    tracks_restore(&edits);
    assert_memory_equal(fragment.data, before.data, before.length);
    tracks_shift(fragment.data, fragment.length, &both_tracks, UINT64_C(9900000000), 90000, &edits);
    content = boxes_find(fragment.data, fragment.length, "moof", 0);
    assert_int_equal(boxes_read64(boxes_find(content.data, content.size, "traf/tfdt", 0).data + 4), 0);
    tracks_restore(&edits);
    tracks_shift(fragment.data, fragment.length, &both_tracks, 5, 0,
                 &edits); /* no unit: nothing is taken away */
    content = boxes_find(fragment.data, fragment.length, "moof", 0);
    assert_int_equal(boxes_read64(boxes_find(content.data, content.size, "traf/tfdt", 0).data + 4),
                     9000045000);
    tracks_restore(&edits);
}

/* FLAGS of the `trun`, and its COUNT of samples; a data offset and the first sample's flags are there if FLAGS say so. */
static struct writer fragment_of_run(uint32_t id, uint32_t flags, uint32_t count, uint32_t duration)
{
    struct writer fragment = {0};
    size_t moof = open_box(&fragment, "moof"), traf = open_box(&fragment, "traf");

    put_id_box(&fragment, "tfhd", id);
    size_t trun = open_box(&fragment, "trun");
    put(&fragment, 1u << 24 | flags);
    put(&fragment, count);
    if (flags & 0x1u) {
        put(&fragment, 100);
    }
    if (flags & 0x4u) {
        put(&fragment, 0);
    }
    put(&fragment, duration);
    put(&fragment, 5000);
    close_box(&fragment, trun);
    close_box(&fragment, traf);
    close_box(&fragment, moof);
    close_box(&fragment, open_box(&fragment, "mdat"));
    return fragment;
}

static void one_picture_lasts_until_the_next(void **state)
{
    static const struct {
        uint32_t id, flags, count, duration, offset; /* OFFSET: 0: nothing is changed */
    } cases[] = {
        {1, 0x301, 1, 3600, 12}, {1, 0x305, 1, 3600, 16},
        {1, 0x300, 1, 3600, 8},  {1, 0x301, 1, 400000, 0}, /* lasts longer already */
        {1, 0x201, 1, 3600, 0},                            /* says no duration */
        {1, 0x301, 2, 3600, 0},                            /* two pictures */
        {2, 0x301, 1, 3600, 0},                            /* sound */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct writer fragment =
            fragment_of_run(cases[i].id, cases[i].flags, cases[i].count, cases[i].duration);
        struct writer before = fragment, wanted = fragment;
        struct tracks_edits edits = {0};
        if (cases[i].offset > 0) {
            size_t trun =
                boxes_find(fragment.data, fragment.length, "moof/traf/trun", 0).data - fragment.data;
            bytes_put_be32(wanted.data + trun + cases[i].offset, 180000);
        }
        tracks_stretch(fragment.data, fragment.length, &both_tracks, 180000, &edits);
        assert_memory_equal(fragment.data, wanted.data, wanted.length);
        tracks_restore(&edits);
        assert_memory_equal(fragment.data, before.data, before.length);
    }
}

static void note(struct keyframes *keyframes, uint64_t sequence, unsigned flags, int64_t decode_time)
{
    const ringcast_entry entry = {
        .sequence = sequence, .flags = flags, .decode_time = decode_time, .timescale = 90000};

    keyframes_note(keyframes, &entry);
}

static void the_distance_of_keyframes_is_learnt(void **state)
{
    struct keyframes keyframes = {0};
    (void)state;
    assert_int_equal(keyframes_step_ns(&keyframes), 4 * NS_PER_SECOND);
    note(&keyframes, 10, RINGCAST_KEYFRAME, 900000);
    note(&keyframes, 11, 0, 990000);
    assert_int_equal(keyframes_step_ns(&keyframes), 4 * NS_PER_SECOND);
    note(&keyframes, 12, RINGCAST_KEYFRAME, 1080000);
    assert_int_equal(keyframes_step_ns(&keyframes), 2 * NS_PER_SECOND);
    note(&keyframes, 20, RINGCAST_KEYFRAME, 9900000); /* some were not seen: says nothing */
    assert_int_equal(keyframes_step_ns(&keyframes), 2 * NS_PER_SECOND);
    note(&keyframes, 21, RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY, 18000000);
    note(&keyframes, 22, RINGCAST_KEYFRAME, 27000000000);
    assert_int_equal(keyframes_step_ns(&keyframes), 2 * NS_PER_SECOND);
    note(&keyframes, 23, RINGCAST_KEYFRAME, 27000450000); /* the longest of the last four */
    assert_int_equal(keyframes_step_ns(&keyframes), 5 * NS_PER_SECOND);
    for (unsigned i = 1; i <= KEYFRAMES_STEPS; i++) {
        note(&keyframes, 23 + i, RINGCAST_KEYFRAME, 27000450000 + i * INT64_C(90000));
    }
    assert_int_equal(keyframes_step_ns(&keyframes), 1 * NS_PER_SECOND);
}

static void damaged_fragments_are_survived(void **state)
{
    struct writer fragment = make_fragment(7, 8);
    (void)state;
    for (size_t at = 0; at < fragment.length; at++) {
        for (int value = 0; value < 256; value += 15) {
            uint8_t *copy = malloc(fragment.length);
            struct tracks_edits edits = {0};
            memcpy(copy, fragment.data, fragment.length);
            copy[at] = (uint8_t)value;
            tracks_shift(copy, fragment.length, &both_tracks, 1, 1, &edits);
            tracks_begin(copy, fragment.length, &both_tracks, true);
            tracks_hide(copy, fragment.length, &both_tracks, &edits);
            tracks_stretch(copy, fragment.length, &both_tracks, 90000, &edits);
            tracks_restore(&edits);
            copy[at] = fragment.data[at];
            assert_memory_equal(copy, fragment.data, fragment.length);
            free(copy);
        }
    }
    fragment = fragment_of_run(1, 0x305, 1, 3600);
    for (size_t at = 0; at < fragment.length; at++) {
        for (int value = 0; value < 256; value += 15) {
            uint8_t *copy = malloc(fragment.length);
            struct tracks_edits edits = {0};
            memcpy(copy, fragment.data, fragment.length);
            copy[at] = (uint8_t)value;
            tracks_stretch(copy, fragment.length, &both_tracks, 90000, &edits);
            tracks_restore(&edits);
            copy[at] = fragment.data[at];
            assert_memory_equal(copy, fragment.data, fragment.length);
            free(copy);
        }
    }
}

/* Whatever is cut off or overwritten, no byte outside is read or written: the sanitizers see it. */
static void damage_is_survived(void **state)
{
    struct writer init = init_segment(5, 6);
    struct tracks tracks;
    (void)state;
    for (size_t at = 0; at < init.length; at++) {
        for (int value = 0; value < 256; value += 51) {
            uint8_t *copy = malloc(init.length), *out = malloc(init.length);
            struct tracks_edits edits = {0};
            memcpy(copy, init.data, init.length);
            copy[at] = (uint8_t)value;
            tracks_read(copy, init.length, &tracks);
            assert_true(tracks_copy_picture(copy, init.length, &tracks, out) <= init.length);
            tracks_shift(copy, init.length, &both_tracks, 1, 1, &edits);
            tracks_hide(copy, init.length, &both_tracks, &edits);
            tracks_restore(&edits);
            free(copy);
            free(out);
        }
        uint8_t *begin = malloc(at + 1), *out = malloc(at + 1);
        memcpy(begin, init.data, at);
        tracks_read(begin, at, &tracks);
        assert_true(tracks_copy_picture(begin, at, &tracks, out) <= at);
        free(begin);
        free(out);
    }
}

static void clients_list_codecs_by_examples(void **state)
{
    char names[CODEC_NAMES_SIZE];
    (void)state;
    assert_int_equal(codec_choice_parse(NULL), CODEC_VIDEO | CODEC_SOUND);
    assert_int_equal(codec_choice_parse(""), CODEC_VIDEO | CODEC_SOUND);
    assert_int_equal(codec_choice_parse(" ,,"), CODEC_VIDEO | CODEC_SOUND);
    assert_int_equal(
        codec_choice_parse(
            "avc1.640029,avc1.64002A,avc1.640033,hvc1.1.6.L153.B0,mp4a.40.2,mp4a.40.5,flac,opus"),
        CODEC_VIDEO | CODEC_SOUND);
    assert_int_equal(codec_choice_parse("avc1.640029,mp4a.40.2"), CODEC_H264 | CODEC_AAC);
    assert_int_equal(codec_choice_parse("hvc1.1.6.L153.B0, flac"), CODEC_H265 | CODEC_FLAC);
    assert_int_equal(codec_choice_parse("av01.0.04M.08"), 0);
    assert_int_equal(codec_choice_parse("avc12,mp4a.6B,opusculum"), 0);
    assert_int_equal(codec_choice_of_tracks("hvc1.1.6.L93.B0"), CODEC_H265);
    assert_string_equal(codec_choice_names(CODEC_H265 | CODEC_AAC, names), "video:H265, audio:AAC");
    assert_string_equal(codec_choice_names(0, names), "");
    assert_true(strlen(codec_choice_names(~0u, names)) < CODEC_NAMES_SIZE - 1);
    assert_int_equal(codec_choice_picture_length("avc1.64001F,mp4a.40.2"), 11);
    assert_int_equal(codec_choice_picture_length("avc1.64001F"), 11);
}

static void durations_are_plain_numbers(void **state)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "-1",
                                        "+1",
                                        "0",
                                        "0.0",
                                        ".5",
                                        "5.",
                                        "1e3",
                                        " 1",
                                        "1s",
                                        "604801",
                                        "1.2.3",
                                        "0x10",
                                        "99999999999999999999999999999",
                                        "0.0000000001"};
    (void)state;
    assert_int_equal(media_query_parse_seconds("10"), 10 * NS_PER_SECOND);
    assert_int_equal(media_query_parse_seconds("0.25"), NS_PER_SECOND / 4);
    assert_int_equal(media_query_parse_seconds("604800"), 604800 * NS_PER_SECOND);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (media_query_parse_seconds(wrong[i]) != -1) {
            fail_msg("\"%s\"", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tracks_are_the_same_or_not),
        cmocka_unit_test(a_picture_is_what_an_init_segment_without_sound_is),
        cmocka_unit_test(sound_is_hidden_in_a_fragment_and_shown_again),
        cmocka_unit_test(decode_times_begin_elsewhere_and_come_back),
        cmocka_unit_test(one_picture_lasts_until_the_next),
        cmocka_unit_test(the_distance_of_keyframes_is_learnt),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(damaged_fragments_are_survived),
        cmocka_unit_test(clients_list_codecs_by_examples),
        cmocka_unit_test(durations_are_plain_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
