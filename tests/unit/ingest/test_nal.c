/* SPDX-License-Identifier: MIT */
/* NAL units: finding them, naming them, making a sample of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/codec/nal.h"
#include "ingest/codec/sample_writer.h"
#include "tests/support/boxes.h"

/* What a reader finds, as text: the units in hex, '|' between them, and its last result. */
static void expect_units(const char *bytes, size_t size, unsigned length_size, const char *expected,
                         int result)
{
    struct nal_reader reader;
    struct nal nal;
    char text[256] = "";
    size_t length = 0;
    int last;

    nal_reader_init(&reader, (const uint8_t *)bytes, size, length_size);
    while ((last = nal_reader_next(&reader, &nal)) == 1) {
        assert_true(nal.size > 0);
        for (size_t i = 0; i < nal.size; i++) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%02x", nal.data[i]);
        }
        length += (size_t)snprintf(text + length, sizeof(text) - length, "|");
    }
    assert_string_equal(text, expected);
    assert_int_equal(last, result);
}

#define ANNEXB(bytes, expected) expect_units(bytes, sizeof(bytes) - 1, 0, expected, 0)
#define PREFIXED(bytes, length_size, expected, result)                                                       \
    expect_units(bytes, sizeof(bytes) - 1, length_size, expected, result)

static void annexb_units(void **state)
{
    (void)state;
    ANNEXB("", "");
    ANNEXB("\x00\x00\x01", "");
    ANNEXB("\x00\x00\x01\x65", "65|");
    ANNEXB("\x00\x00\x00\x01\x65\x88", "6588|");
    ANNEXB("\x00\x00\x01\x67\x42\x00\x00\x00\x01\x68\xce\x00\x00\x01\x65\x01", "6742|68ce|6501|");
    ANNEXB("\x00\x00\x01\x00\x00\x01\x00\x00\x00\x01\x41\x9a", "419a|");     /* empty units */
    ANNEXB("\x00\x00\x00\x00\x00\x00\x01\x41\x9a\x00\x00\x00\x00", "419a|"); /* zeros around */
    ANNEXB("\x12\x34\x00\x00\x01\x41", "41|");                               /* garbage before */
    ANNEXB("\x41\x9a\x02\x03", "");                                          /* no start code */
    ANNEXB("\x00\x00\x01\x41\x00\x00\x03\x01\x00\x00\x02\x80",
           "410000030100000280|"); /* emulation prevention */
    ANNEXB("\x00\x00\x01\x41\x00\x00", "41|");
}

static void prefixed_units(void **state)
{
    (void)state;
    PREFIXED("", 4, "", 0);
    PREFIXED("\x00\x00\x00\x02\x65\x88\x00\x00\x00\x01\x41", 4, "6588|41|", 0);
    PREFIXED("\x02\x65\x88\x00\x01\x41", 1, "6588|41|", 0);
    PREFIXED("\x00\x02\x65\x00", 2, "6500|", 0);
    PREFIXED("\x00\x00\x00\x05\x65\x88", 4, "", -EBADMSG);
    PREFIXED("\x00\x00\x00\x01\x65\xff\xff\xff\xff\x41", 4, "65|", -EBADMSG);
    PREFIXED("\x00\x00\x00\x01\x65\x00\x00", 4, "65|", -EBADMSG);
}

static enum nal_kind kind(enum nal_codec codec, unsigned type)
{
    uint8_t header[2] = {(uint8_t)(codec == NAL_H264 ? type | 0x60 : type << 1), 1};

    return nal_kind(codec, &(struct nal){header, sizeof(header)});
}

static void kinds(void **state)
{
    static const enum nal_kind h264[] = {
        [0] = NAL_KIND_OTHER,      [1] = NAL_KIND_SLICE,       [2] = NAL_KIND_SLICE,
        [4] = NAL_KIND_SLICE,      [3] = NAL_KIND_SLICE,       [5] = NAL_KIND_KEYFRAME,
        [6] = NAL_KIND_OTHER,      [7] = NAL_KIND_SPS,         [8] = NAL_KIND_PPS,
        [9] = NAL_KIND_DISPOSABLE, [10] = NAL_KIND_DISPOSABLE, [11] = NAL_KIND_DISPOSABLE,
        [12] = NAL_KIND_DISPOSABLE};

    (void)state;
    for (unsigned type = 0; type < sizeof(h264) / sizeof(h264[0]); type++) {
        assert_int_equal(kind(NAL_H264, type), h264[type]);
    }
    for (unsigned type = 0; type < 64; type++) {
        enum nal_kind expected = type < 32 ? NAL_KIND_SLICE : NAL_KIND_OTHER;
        if (type >= 16 && type <= 21) {
            expected = NAL_KIND_KEYFRAME;
        }
        if (type >= 35 && type <= 38) {
            expected = NAL_KIND_DISPOSABLE;
        }
        if (type >= 32 && type <= 34) {
            expected = type == 32 ? NAL_KIND_VPS : type == 33 ? NAL_KIND_SPS : NAL_KIND_PPS;
        }
        assert_int_equal(kind(NAL_H265, type), expected);
    }
}

static struct sample_writer unit;

static int parse(const char *bytes, size_t size, enum nal_codec codec, bool key_hint)
{
    struct nal_reader reader;

    nal_reader_init(&reader, (const uint8_t *)bytes, size, 0);
    return sample_writer_read(&unit, codec, &reader, key_hint);
}

#define PARSE(bytes, codec, key_hint) parse(bytes, sizeof(bytes) - 1, codec, key_hint)

static void sample_has_picture_and_sei_only(void **state)
{
    static const uint8_t expected[] = {0, 0, 0, 2, 0x06, 0x05, 0, 0, 0, 3, 0x65, 0x88, 0x84};
    uint8_t sample[sizeof(expected)];

    (void)state;
    assert_int_equal(
        PARSE("\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x67\x42\x00\x00\x01\x68\xce\x00\x00\x01\x06\x05"
              "\x00\x00\x01\x65\x88\x84\x00\x00\x01\x0c\xff",
              NAL_H264, false),
        0);
    assert_true(unit.picture && unit.keyframe);
    assert_int_equal(unit.parameter_count, 2);
    assert_int_equal(unit.sample_size, sizeof(expected));
    assert_ptr_equal(sample_writer_write(&unit, sample), sample + sizeof(sample));
    assert_memory_equal(sample, expected, sizeof(expected));
    assert_int_equal(boxes_check_sample(sample, sizeof(sample)), 2);
}

static void keyframes(void **state)
{
    (void)state;
    PARSE("\x00\x00\x01\x41\x9a", NAL_H264, false);
    assert_true(unit.picture && !unit.keyframe);
    PARSE("\x00\x00\x01\x41\x9a", NAL_H264, true); /* recovery point */
    assert_true(unit.keyframe);
    PARSE("\x00\x00\x01\x67\x42", NAL_H264, true); /* no picture is no keyframe */
    assert_false(unit.picture || unit.keyframe);
    PARSE("\x00\x00\x01\x2a\x01\xaf", NAL_H265, false); /* CRA */
    assert_true(unit.keyframe);
    PARSE("\x00\x00\x01\x02\x01\xd0", NAL_H265, false);
    assert_false(unit.keyframe);
}

static void b_slices(void **state)
{
    (void)state;
    PARSE("\x00\x00\x01\x01\xa8", NAL_H264, false); /* first_mb 0, slice_type 1 */
    assert_true(unit.b_slices);
    PARSE("\x00\x00\x01\x01\x9c", NAL_H264, false); /* slice_type 6 */
    assert_true(unit.b_slices);
    PARSE("\x00\x00\x01\x41\xc0", NAL_H264, false); /* slice_type 0 */
    assert_false(unit.b_slices);
    PARSE("\x00\x00\x01\x41", NAL_H264, false);
    assert_false(unit.b_slices);
}

static void too_many_units(void **state)
{
    static const char slice[] = {0, 0, 1, 0x41};
    char bytes[sizeof(slice) * (SAMPLE_WRITER_NALS_MAX + 1)];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i += sizeof(slice)) {
        memcpy(bytes + i, slice, sizeof(slice));
    }
    assert_int_equal(parse(bytes, sizeof(bytes) - 4, NAL_H264, false), 0);
    assert_int_equal(unit.count, SAMPLE_WRITER_NALS_MAX);
    assert_int_equal(parse(bytes, sizeof(bytes), NAL_H264, false), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annexb_units),   cmocka_unit_test(prefixed_units),
        cmocka_unit_test(kinds),          cmocka_unit_test(sample_has_picture_and_sei_only),
        cmocka_unit_test(keyframes),      cmocka_unit_test(b_slices),
        cmocka_unit_test(too_many_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
