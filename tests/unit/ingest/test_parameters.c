/* SPDX-License-Identifier: MIT */
/* Parameter sets: what they say, the codecs parameter, the init segment. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/codec/aac.h"
#include "ingest/codec/codec_string.h"
#include "ingest/codec/parameter_sets.h"
#include "ingest/codec/sps.h"
#include "ingest/publish/init_segment.h"
#include "tests/support/boxes.h"
#include "tests/support/samples.h"

static void expect_sps(enum nal_codec codec, struct nal nal, uint32_t width, uint32_t height, int reorder,
                       const char *codecs)
{
    char text[CODEC_STRING_SIZE];
    struct sps sps;

    assert_int_equal(sps_parse(codec, &nal, &sps), 0);
    assert_int_equal(sps.width, width);
    assert_int_equal(sps.height, height);
    assert_int_equal(sps.reorder, reorder);
    codec_string_video(text, codec, &sps);
    assert_string_equal(text, codecs);
}

static void sizes_and_names(void **state)
{
    (void)state;
    expect_sps(NAL_H264, SAMPLE_NAL(sample_avc_high_sps), 1920, 1080, 2, "avc1.640028");
    expect_sps(NAL_H264, SAMPLE_NAL(sample_avc_base_sps), 640, 360, 0, "avc1.42C01E");
    expect_sps(NAL_H264, SAMPLE_NAL(sample_avc_422_sps), 720, 576, 0, "avc1.7A001E");
    expect_sps(NAL_H265, SAMPLE_NAL(sample_hevc_sps), 1920, 1080, 2, "hvc1.1.6.L120.90");
    expect_sps(NAL_H265, SAMPLE_NAL(sample_hevc_10bit_sps), 638, 358, 0, "hvc1.2.4.L63.90");
}

/* Every truncation and every flipped bit: an error or a size within bounds, never a read outside. */
/* Whatever follows, a camera that damages its sets goes on with those that it sent before. */
static void what_no_encoder_writes_is_refused(void **state)
{
    static const uint8_t ones[] = {0x67, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    /* Constrained baseline 3.1; id 0, then log2_max_frame_num_minus4 = 13. */
    static const uint8_t frame_bits[] = {0x67, 0x42, 0xc0, 0x1f, 0x8e, 0xff, 0xff, 0xff, 0xff};
    /* As before, with 0 bits there, and pic_order_cnt_type = 3. */
    static const uint8_t order[] = {0x67, 0x42, 0xc0, 0x1f, 0xc9, 0xff, 0xff, 0xff, 0xff};
    /* As before, with type 0 and log2_max_pic_order_cnt_lsb_minus4 = 13. */
    static const uint8_t order_bits[] = {0x67, 0x42, 0xc0, 0x1f, 0xe3, 0xbf, 0xff, 0xff, 0xff};
    static const struct nal damaged[] = {SAMPLE_NAL(ones), SAMPLE_NAL(frame_bits), SAMPLE_NAL(order),
                                         SAMPLE_NAL(order_bits)};
    static const struct nal whole = SAMPLE_NAL(sample_avc_high_sps);
    struct parameter_sets sets;

    (void)state;
    parameter_sets_init(&sets, NAL_H264);
    assert_int_equal(parameter_sets_put(&sets, &whole), 1);
    uint32_t width = sets.sps.width;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        assert_int_equal(parameter_sets_put(&sets, &damaged[i]), -EBADMSG);
    }
    assert_int_equal(sets.sps.width, width);
    assert_int_equal(sets.count, 1);
    parameter_sets_finish(&sets);
}

static void damaged_sets_are_harmless(void **state)
{
    const struct {
        enum nal_codec codec;
        struct nal nal;
    } samples[] = {{NAL_H264, SAMPLE_NAL(sample_avc_high_sps)},
                   {NAL_H264, SAMPLE_NAL(sample_avc_422_sps)},
                   {NAL_H265, SAMPLE_NAL(sample_hevc_sps)}};
    struct sps sps;

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        size_t size = samples[i].nal.size;
        for (size_t cut = 1; cut < size; cut++) {
            uint8_t *copy = malloc(cut); /* of this size, so that the sanitizer sees its end */
            memcpy(copy, samples[i].nal.data, cut);
            sps_parse(samples[i].codec, &(struct nal){copy, cut}, &sps);
            free(copy);
        }
        for (size_t bit = 8; bit < size * 8; bit++) {
            uint8_t *copy = malloc(size);
            memcpy(copy, samples[i].nal.data, size);
            copy[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            if (sps_parse(samples[i].codec, &(struct nal){copy, size}, &sps) == 0) {
                assert_true(sps.width > 0 && sps.width <= SPS_SIDE_MAX && sps.height > 0 &&
                            sps.height <= SPS_SIDE_MAX);
            }
            free(copy);
        }
    }
}

static void truncated_set_is_refused(void **state)
{
    struct sps sps;

    (void)state;
    assert_int_equal(sps_parse(NAL_H264, &(struct nal){sample_avc_high_sps, 6}, &sps), -EBADMSG);
    assert_int_equal(sps_parse(NAL_H265, &(struct nal){sample_hevc_sps, 2}, &sps), -EBADMSG);
    assert_int_equal(sps_parse(NAL_H265, &(struct nal){sample_hevc_sps, 18}, &sps), -EBADMSG);
    /* Within its reference picture sets, which the muxer reads as far as they claim to go. */
    for (size_t size = 3; size <= SAMPLE_HEVC_SETS_END; size++) {
        assert_int_equal(sps_parse(NAL_H265, &(struct nal){sample_hevc_sps, size}, &sps), -EBADMSG);
    }
    assert_int_equal(sps_parse(NAL_H265, &(struct nal){sample_hevc_sps, SAMPLE_HEVC_SETS_END + 1}, &sps), 0);
}

static void tier_and_profile_space(void **state)
{
    struct sps sps = {.hevc_profile = {.space = 1,
                                       .tier = 1,
                                       .idc = 4,
                                       .compatibility = 0x08000000,
                                       .constraints = {0x9e, 0x08, 0, 0, 0x01, 0},
                                       .level = 153}};
    char text[CODEC_STRING_SIZE];

    (void)state;
    codec_string_video(text, NAL_H265, &sps);
    assert_string_equal(text, "hvc1.A4.10.H153.9E.8.0.0.1");
}

/* The beginning of a set that is known is damage, and not another set; zeros behind a set mean nothing. */
static void sets_that_are_cut_off_change_nothing(void **state)
{
    const struct nal known[] = {SAMPLE_NAL(sample_avc_base_sps), SAMPLE_NAL(sample_avc_base_pps)};
    uint8_t longer[64] = {0};
    struct parameter_sets sets;

    (void)state;
    parameter_sets_init(&sets, NAL_H264);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(parameter_sets_put(&sets, &known[i]), 1);
        for (size_t size = 1; size < known[i].size; size++) {
            assert_int_equal(parameter_sets_put(&sets, &(struct nal){known[i].data, size}), -EBADMSG);
        }
        assert_int_equal(parameter_sets_put(&sets, &known[i]), 0);
    }
    memcpy(longer, known[1].data, known[1].size);
    assert_int_equal(parameter_sets_put(&sets, &(struct nal){longer, known[1].size + 3}), 1);
    assert_int_equal(parameter_sets_put(&sets, &known[1]), 1);
    parameter_sets_finish(&sets);
}

static void sets_are_kept_by_kind_and_id(void **state)
{
    struct parameter_sets sets;
    uint8_t changed[sizeof(sample_avc_base_sps)];

    (void)state;
    parameter_sets_init(&sets, NAL_H264);
    assert_false(parameter_sets_complete(&sets));
    assert_int_equal(parameter_sets_put(&sets, &SAMPLE_NAL(sample_avc_base_sps)), 1);
    assert_false(parameter_sets_complete(&sets));
    assert_int_equal(parameter_sets_put(&sets, &SAMPLE_NAL(sample_avc_base_pps)), 1);
    assert_true(parameter_sets_complete(&sets));
    assert_int_equal(parameter_sets_put(&sets, &SAMPLE_NAL(sample_avc_base_sps)), 0);
    assert_int_equal(parameter_sets_put(&sets, &SAMPLE_NAL(sample_avc_high_sps)), 1); /* the same id */
    assert_int_equal(sets.count, 2);
    assert_int_equal(sets.sps.width, 1920);
    memcpy(changed, sample_avc_base_sps, sizeof(changed));
    assert_int_equal(parameter_sets_put(&sets, &(struct nal){changed, 5}), -EBADMSG);
    assert_int_equal(sets.sps.width, 1920);
    parameter_sets_finish(&sets);
}

static void append(uint8_t *out, size_t *size, struct nal nal, unsigned prefix)
{
    static const uint8_t start_code[] = {0, 0, 0, 1};

    if (prefix == 0) {
        memcpy(out + *size, start_code, sizeof(start_code));
        *size += sizeof(start_code);
    } else {
        out[(*size)++] = (uint8_t)(nal.size >> 8);
        out[(*size)++] = (uint8_t)nal.size;
    }
    memcpy(out + *size, nal.data, nal.size);
    *size += nal.size;
}

static void extradata_in_three_forms(void **state)
{
    struct parameter_sets sets;
    uint8_t data[256];
    unsigned length_size;
    size_t size = 0;

    (void)state;
    parameter_sets_init(&sets, NAL_H264);
    append(data, &size, SAMPLE_NAL(sample_avc_high_sps), 0);
    append(data, &size, SAMPLE_NAL(sample_avc_high_pps), 0);
    assert_int_equal(parameter_sets_put_extradata(&sets, data, size, &length_size), 0);
    assert_int_equal(length_size, 0);
    assert_true(parameter_sets_complete(&sets));
    parameter_sets_finish(&sets);

    const uint8_t avcc[] = {1, 0x64, 0, 0x28, 0xff, 0xe1};
    memcpy(data, avcc, sizeof(avcc));
    size = sizeof(avcc);
    append(data, &size, SAMPLE_NAL(sample_avc_high_sps), 2);
    data[size++] = 1;
    append(data, &size, SAMPLE_NAL(sample_avc_high_pps), 2);
    for (size_t cut = 1; cut < size; cut++) {
        assert_int_equal(parameter_sets_put_extradata(&sets, data, cut, &length_size), -EBADMSG);
    }
    parameter_sets_finish(&sets);
    assert_int_equal(parameter_sets_put_extradata(&sets, data, size, &length_size), 0);
    assert_int_equal(length_size, 4);
    assert_true(parameter_sets_complete(&sets));
    parameter_sets_finish(&sets);

    parameter_sets_init(&sets, NAL_H265);
    memset(data, 0, 23);
    data[0] = 1;
    data[21] = 3;
    data[22] = 3;
    size = 23;
    const struct nal units[] = {SAMPLE_NAL(sample_hevc_vps), SAMPLE_NAL(sample_hevc_sps),
                                SAMPLE_NAL(sample_hevc_pps)};
    for (size_t i = 0; i < 3; i++) {
        data[size++] = (uint8_t)(32 + i);
        data[size++] = 0;
        data[size++] = 1;
        append(data, &size, units[i], 2);
    }
    assert_int_equal(parameter_sets_put_extradata(&sets, data, size, &length_size), 0);
    assert_int_equal(length_size, 4);
    assert_true(parameter_sets_complete(&sets));
    parameter_sets_finish(&sets);
}

static void aac_configurations(void **state)
{
    static const uint8_t lc[] = {0x12, 0x10};
    static const uint8_t sbr[] = {0x2b, 0x11, 0x88, 0x00};
    static const uint8_t explicit_rate[] = {0x17, 0x80, 0x08, 0x00, 0x08};
    static const uint8_t celp[] = {0x42, 0x10};
    struct aac_config config;
    char text[CODEC_STRING_SIZE];

    (void)state;
    assert_int_equal(aac_parse_config(lc, sizeof(lc), &config), 0);
    assert_int_equal(config.sample_rate, 44100);
    assert_int_equal(config.channels, 2);
    assert_int_equal(config.frame_length, 1024);
    codec_string_aac(text, config.object_type);
    assert_string_equal(text, "mp4a.40.2");
    assert_int_equal(aac_parse_config(sbr, sizeof(sbr), &config), 0);
    assert_int_equal(config.sample_rate, 24000);
    codec_string_aac(text, config.object_type);
    assert_string_equal(text, "mp4a.40.5");
    assert_int_equal(aac_parse_config(explicit_rate, sizeof(explicit_rate), &config), 0);
    assert_int_equal(config.sample_rate, 4096);
    assert_int_equal(aac_parse_config(celp, sizeof(celp), &config), -EBADMSG);
    assert_int_equal(aac_parse_config(lc, 1, &config), -EBADMSG);
    assert_int_equal(aac_parse_config(lc, 0, &config), -EBADMSG);
}

static void fill(struct parameter_sets *sets, enum nal_codec codec)
{
    parameter_sets_init(sets, codec);
    if (codec == NAL_H265) {
        parameter_sets_put(sets, &SAMPLE_NAL(sample_hevc_vps));
    }
    parameter_sets_put(sets,
                       codec == NAL_H265 ? &SAMPLE_NAL(sample_hevc_sps) : &SAMPLE_NAL(sample_avc_high_sps));
    parameter_sets_put(sets,
                       codec == NAL_H265 ? &SAMPLE_NAL(sample_hevc_pps) : &SAMPLE_NAL(sample_avc_high_pps));
}

static const struct init_display as_it_comes;

static void init_segments(void **state)
{
    static const uint8_t config[] = {0x12, 0x10};
    const struct init_audio audio = {
        .config = config, .config_size = sizeof(config), .sample_rate = 44100, .channels = 2};

    (void)state;
    for (int i = 0; i < 4; i++) {
        bool hevc = (i & 1) != 0;
        bool sound = (i & 2) != 0;
        struct parameter_sets sets;
        uint8_t *init;
        size_t size;

        fill(&sets, hevc ? NAL_H265 : NAL_H264);
        assert_int_equal(init_segment_build(&sets, &as_it_comes, sound ? &audio : NULL, &init, &size), 0);
        boxes_check(init, size);
        assert_int_equal(boxes_count(init, size, "ftyp"), 1);
        assert_int_equal(boxes_count(init, size, "moof") + boxes_count(init, size, "mdat"), 0);
        struct box moov = boxes_find(init, size, "moov", 0);
        assert_int_equal(boxes_count(moov.data, moov.size, "trak"), sound ? 2 : 1);
        assert_int_equal(boxes_read32(boxes_find(init, size, "moov/trak/mdia/mdhd", 0).data + 12), 90000);
        struct box entries = boxes_find(init, size, "moov/trak/mdia/minf/stbl/stsd", 0);
        struct box entry = boxes_find(entries.data + 8, entries.size - 8, hevc ? "hvc1" : "avc1", 0);
        assert_int_equal(boxes_read32(entry.data + 24), 1920u << 16 | 1080);
        assert_int_equal(boxes_count(entry.data + 78, entry.size - 78, hevc ? "hvcC" : "avcC"), 1);
        assert_int_equal(boxes_read32(boxes_find(init, size, "moov/mvex/trex", 0).data + 4), 1);
        if (sound) {
            assert_int_equal(boxes_read32(boxes_find(init, size, "moov/trak/mdia/mdhd", 1).data + 12), 44100);
        }

        uint8_t *again;
        size_t again_size;
        assert_int_equal(init_segment_build(&sets, &as_it_comes, sound ? &audio : NULL, &again, &again_size),
                         0);
        assert_int_equal(size, again_size);
        assert_memory_equal(init, again, size);
        free(init);
        free(again);
        parameter_sets_finish(&sets);
    }
}

static void pixels_have_a_shape(void **state)
{
    static const struct {
        enum nal_codec codec;
        struct nal nal;
        uint16_t width, height;
    } samples[] = {
        {NAL_H264, SAMPLE_NAL(sample_avc_wide_sps), 2, 1},
        {NAL_H264, SAMPLE_NAL(sample_avc_extended_sps), 99, 100},
        {NAL_H264, SAMPLE_NAL(sample_avc_high_sps), 0, 0},
        {NAL_H265, SAMPLE_NAL(sample_hevc_extended_sps), 99, 100},
        {NAL_H265, SAMPLE_NAL(sample_hevc_wide_sps), 16, 11},
        {NAL_H265, SAMPLE_NAL(sample_hevc_sps), 0, 0},
    };
    struct sps sps;

    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        assert_int_equal(sps_parse(samples[i].codec, &samples[i].nal, &sps), 0);
        if (samples[i].width != 0 || sps.pixel_width != sps.pixel_height) {
            assert_int_equal(sps.pixel_width, samples[i].width);
            assert_int_equal(sps.pixel_height, samples[i].height);
        }
    }
}

/* Expects the SPS in the `avcC` of ENTRY to state this shape of a pixel: Firefox looks there alone. */
static void expect_stated_shape(const struct box *entry, uint32_t width, uint32_t height)
{
    struct box config = boxes_find(entry->data + 78, entry->size - 78, "avcC", 0);
    struct parameter_sets sets;
    unsigned length_size;

    parameter_sets_init(&sets, NAL_H264);
    assert_int_equal(parameter_sets_put_extradata(&sets, config.data, config.size, &length_size), 0);
    assert_int_equal(sets.sps.pixel_width, width);
    assert_int_equal(sets.sps.pixel_height, height);
    parameter_sets_finish(&sets);
}

/* Expects what `tkhd` says of the picture's size and `pasp` of its pixels; 0: there is no `pasp`. */
static void expect_shape(const struct parameter_sets *sets, const struct init_display *display,
                         uint32_t shown_width, uint32_t shown_height, uint32_t pixel_width,
                         uint32_t pixel_height)
{
    uint8_t *init;
    size_t size;

    assert_int_equal(init_segment_build(sets, display, NULL, &init, &size), 0);
    struct box tkhd = boxes_find(init, size, "moov/trak/tkhd", 0);
    assert_int_equal(boxes_read32(tkhd.data + tkhd.size - 8) >> 16, shown_width);
    assert_int_equal(boxes_read32(tkhd.data + tkhd.size - 4) >> 16, shown_height);
    struct box entries = boxes_find(init, size, "moov/trak/mdia/minf/stbl/stsd", 0);
    struct box entry = boxes_find(entries.data + 8, entries.size - 8, "avc1", 0);
    assert_int_equal(boxes_count(entry.data + 78, entry.size - 78, "pasp"), pixel_width != 0);
    if (pixel_width != 0) {
        struct box pasp = boxes_find(entry.data + 78, entry.size - 78, "pasp", 0);
        assert_int_equal(boxes_read32(pasp.data), pixel_width);
        assert_int_equal(boxes_read32(pasp.data + 4), pixel_height);
        expect_stated_shape(&entry, pixel_width, pixel_height);
    }
    free(init);
}

static void init_segments_say_the_shape(void **state)
{
    struct parameter_sets sets;

    (void)state;
    fill(&sets, NAL_H264);
    expect_shape(&sets, &as_it_comes, 1920, 1080, 0, 0);
    /* 1080N: 960x1080 of a picture that is 16:9; here a 1920x1080 that is shown as 32:9. */
    expect_shape(&sets, &(struct init_display){.aspect_width = 32, .aspect_height = 9}, 3840, 1080, 2, 1);
    /* Shapes that no picture has are left out. */
    expect_shape(&sets, &(struct init_display){.aspect_width = 65535, .aspect_height = 1}, 1920, 1080, 0, 0);
    parameter_sets_put(&sets, &SAMPLE_NAL(sample_avc_wide_sps));
    expect_shape(&sets, &as_it_comes, 960, 540, 2, 1);
    /* The setting counts more than the stream. */
    expect_shape(&sets, &(struct init_display){.aspect_width = 4, .aspect_height = 3}, 720, 540, 3, 2);
    expect_shape(&sets, &(struct init_display){.aspect_width = 8, .aspect_height = 9}, 480, 540, 1, 1);
    parameter_sets_finish(&sets);
}

static void init_segments_turn_the_picture(void **state)
{
    /* The matrices of 8.3.2: {a, b, u, c, d, v, x, y, w}. */
    static const struct {
        unsigned rotate;
        int32_t a, b, c, d;
    } turns[] = {{0, 65536, 0, 0, 65536},
                 {90, 0, 65536, -65536, 0},
                 {180, -65536, 0, 0, -65536},
                 {270, 0, -65536, 65536, 0}};
    struct parameter_sets sets;

    (void)state;
    fill(&sets, NAL_H264);
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        uint8_t *init;
        size_t size;
        struct init_display display = {.rotate = turns[i].rotate};

        assert_int_equal(init_segment_build(&sets, &display, NULL, &init, &size), 0);
        struct box tkhd = boxes_find(init, size, "moov/trak/tkhd", 0);
        const uint8_t *matrix = tkhd.data + tkhd.size - 8 - 36;
        assert_int_equal((int32_t)boxes_read32(matrix), turns[i].a);
        assert_int_equal((int32_t)boxes_read32(matrix + 4), turns[i].b);
        assert_int_equal((int32_t)boxes_read32(matrix + 12), turns[i].c);
        assert_int_equal((int32_t)boxes_read32(matrix + 16), turns[i].d);
        assert_int_equal(boxes_read32(matrix + 32), 1u << 30);
        free(init);
    }
    parameter_sets_finish(&sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_names),
        cmocka_unit_test(what_no_encoder_writes_is_refused),
        cmocka_unit_test(damaged_sets_are_harmless),
        cmocka_unit_test(truncated_set_is_refused),
        cmocka_unit_test(tier_and_profile_space),
        cmocka_unit_test(sets_that_are_cut_off_change_nothing),
        cmocka_unit_test(sets_are_kept_by_kind_and_id),
        cmocka_unit_test(extradata_in_three_forms),
        cmocka_unit_test(aac_configurations),
        cmocka_unit_test(init_segments),
        cmocka_unit_test(pixels_have_a_shape),
        cmocka_unit_test(init_segments_say_the_shape),
        cmocka_unit_test(init_segments_turn_the_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
