/* SPDX-License-Identifier: MIT */
/* H.265 over RTP (RFC 7798). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ingest/rtp/rtp_fixture.h"

#define CODE "\0\0\0\1"
#define BYTES(text) (text), sizeof(text) - 1

/* Two bytes of header, layer 0; a slice's third byte begins with first_slice_segment_in_pic_flag. */
#define VPS "\x40\x01vps"
#define SPS "\x42\x01sps"
#define PPS "\x44\x01pps"
#define IDR "\x26\x01\xaf idr"
#define SLICE "\x02\x01\xd0 slice"
#define SLICE_MORE "\x02\x01\x20 rest"

static struct depacketizer *h265;
static struct fixture_units units;

static int setup(void **state)
{
    (void)state;
    h265 = depacketizer_h265_create(false);
    return h265 == NULL;
}

static int setup_with_numbers(void **state)
{
    (void)state;
    h265 = depacketizer_h265_create(true);
    return h265 == NULL;
}

static int teardown(void **state)
{
    (void)state;
    depacketizer_destroy(h265);
    units_free(&units);
    return 0;
}

static void put(const char *data, size_t size, int64_t time, bool marker)
{
    put_payload(h265, &(struct fixture_payload){data, size, time, marker, false}, &units);
}

static void put_after_gap(const char *data, size_t size, int64_t time, bool marker)
{
    put_payload(h265, &(struct fixture_payload){data, size, time, marker, true}, &units);
}

static void single_units_make_a_picture(void **state)
{
    (void)state;
    put(BYTES(VPS), 0, false);
    put(BYTES(SPS), 0, false);
    put(BYTES(PPS), 0, false);
    put(BYTES(IDR), 0, true);
    put(BYTES(SLICE), 1, false);
    put(BYTES(SLICE_MORE), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0, BYTES(CODE VPS CODE SPS CODE PPS CODE IDR));
    units_check_nals(&units, 1, BYTES(CODE SLICE CODE SLICE_MORE));
}

static void aggregates_are_taken_apart(void **state)
{
    (void)state;
    put(BYTES("\x60\x01\0\5" VPS "\0\5" SPS "\0\5" PPS "\0\7" IDR), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE VPS CODE SPS CODE PPS CODE IDR));
}

static void fragments_are_put_together(void **state)
{
    (void)state;
    put(BYTES("\x62\x01\x93\xaf i"), 0, false);
    put(BYTES("\x62\x01\x13"
              "d"),
        0, false);
    put(BYTES("\x62\x01\x53r"), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR));
}

static void losses_drop_and_tell(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put(BYTES("\x62\x01\x81\xd0 s"), 1, false);
    put_after_gap(BYTES("\x62\x01\x41x"), 1, true);
    put_after_gap(BYTES("\x62\x01\x01x"), 2, false);
    put(BYTES("\x62\x01\x41x"), 2, true);
    put(BYTES(SLICE), 3, true);
    assert_int_equal(units.count, 2);
    assert_true(units.items[1].lost);
    assert_int_equal(depacketizer_counters(h265)->dropped, 2);
}

static void markers_may_be_wrong(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, false);
    put(BYTES(SLICE), 1, true);
    put(BYTES(SLICE_MORE), 1, true);
    put(BYTES(SLICE), 2, true);
    put(BYTES(SLICE_MORE), 2, true);
    put(BYTES(SLICE), 3, true);
    assert_int_equal(units.count, 3);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    units_check_nals(&units, 2, BYTES(CODE SLICE CODE SLICE_MORE));
    assert_true(units.items[2].lost);
    assert_true(depacketizer_counters(h265)->marker_errors >= 2);
}

static void decoding_order_numbers_are_skipped(void **state)
{
    (void)state;
    put(BYTES("\x60\x01\0\1\0\5" VPS "\0\0\5" SPS), 0, false);
    put(BYTES("\x44\x01\0\2pps"), 0, false);
    put(BYTES("\x62\x01\x93\0\3\xaf i"), 0, false);
    put(BYTES("\x62\x01\x53"
              "dr"),
        0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE VPS CODE SPS CODE PPS CODE IDR));
}

static void other_layers_are_left_out(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, false);
    put(BYTES("\x26\x09\xaf layer 1"), 0, false);
    put(BYTES("\x62\x09\x93\xaf layer 1"), 0, false);
    put(BYTES("\x60\x01\0\5\x02\x09\xd0lx"), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    assert_int_equal(depacketizer_counters(h265)->malformed, 0);
}

static void fragments_without_content_are_harmless(void **state)
{
    (void)state;
    put(BYTES("\x62\x01\x93"), 0, false);
    put(BYTES("\x62\x01\x13\xaf"), 0, false);
    put(BYTES("\x62\x01\x13"), 0, false);
    put(BYTES("\x62\x01\x13 idr"), 0, false);
    put(BYTES("\x62\x01\x53"), 0, true);
    put(BYTES(SLICE), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    assert_false(units.items[1].lost);
    assert_int_equal(depacketizer_counters(h265)->malformed, 0);
}

static void fragments_without_content_and_with_numbers(void **state)
{
    (void)state;
    put(BYTES("\x62\x01\x93\0\1"), 0, false);
    put(BYTES("\x62\x01\x13\xaf idr"), 0, false);
    put(BYTES("\x62\x01\x53"), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR));
}

/* The start bit on every fragment, or on none. */
static void start_bits_may_be_wrong(void **state)
{
    for (int none = 0; none < 2; none++) {
        put(BYTES(VPS), 0, false);
        put(BYTES(SPS), 0, false);
        put(BYTES(PPS), 0, false);
        put(none ? "\x62\x01\x13\xaf id" : "\x62\x01\x93\xaf id", 7, 0, false);
        put(none ? "\x62\x01\x13r   " : "\x62\x01\x93r   ", 7, 0, false);
        put(none ? "\x62\x01\x53." : "\x62\x01\xd3.", 4, 0, true);
        put(none ? "\x62\x01\x01\xd0 sl" : "\x62\x01\x81\xd0 sl", 7, 1, false);
        put(none ? "\x62\x01\x41ice" : "\x62\x01\xc1ice", 6, 1, true);
        assert_int_equal(units.count, 2);
        units_check_nals(&units, 0, BYTES(CODE VPS CODE SPS CODE PPS CODE "\x26\x01\xaf idr   ."));
        units_check_nals(&units, 1, BYTES(CODE SLICE));
        assert_int_equal(depacketizer_counters(h265)->malformed + depacketizer_counters(h265)->dropped, 0);
        teardown(state);
        units = (struct fixture_units){0};
        setup(state);
    }
}

/* Neither start nor end bits: a keyframe behind a long SEI, both in pieces. */
static void units_without_any_bits_are_told_apart(void **state)
{
    (void)state;
    put(BYTES(VPS), 0, false);
    put(BYTES(SPS), 0, false);
    put(BYTES(PPS), 0, false);
    put(BYTES("\x62\x01\x27sei of sixteen  "), 0, false);
    put(BYTES("\x62\x01\x27!"), 0, false);
    put(BYTES("\x62\x01\x13\xaf id"), 0, false);
    put(BYTES("\x62\x01\x13r"), 0, true);
    put(BYTES("\x62\x01\x01\xd0 sl"), 1, false);
    assert_int_equal(units.count, 1);
    units_check_nals(
        &units, 0,
        BYTES(CODE VPS CODE SPS CODE PPS CODE "\x4e\x01sei of sixteen  !" CODE "\x26\x01\xaf idr"));
}

static void what_cannot_be_is_counted(void **state)
{
    static const struct {
        const char *data;
        size_t size;
    } payloads[] = {
        {BYTES("\x26")},
        {BYTES("\x26\x01")},
        {BYTES("\x60\x01")},
        {BYTES("\x60\x01\0")},
        {BYTES("\x60\x01\0\x09" VPS)},
        {BYTES("\x62\x01")},
        {BYTES("\x62\x01\x13 middle")},
        {BYTES("\x66\x01 51")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        put(payloads[i].data, payloads[i].size, (int64_t)i, true);
        if (depacketizer_counters(h265)->malformed != i + 1) {
            fail_msg("payload %zu", i);
        }
    }
    put(BYTES("\x64\x01 PACI"), 99, false);
    assert_int_equal(depacketizer_counters(h265)->malformed, sizeof(payloads) / sizeof(payloads[0]));
    assert_int_equal(units.count, 0);
    put(BYTES(IDR), 100, true);
    assert_int_equal(units.count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(single_units_make_a_picture),
        TEST(aggregates_are_taken_apart),
        TEST(fragments_are_put_together),
        TEST(losses_drop_and_tell),
        TEST(markers_may_be_wrong),
        cmocka_unit_test_setup_teardown(decoding_order_numbers_are_skipped, setup_with_numbers, teardown),
        TEST(other_layers_are_left_out),
        TEST(fragments_without_content_are_harmless),
        cmocka_unit_test_setup_teardown(fragments_without_content_and_with_numbers, setup_with_numbers,
                                        teardown),
        TEST(start_bits_may_be_wrong),
        TEST(units_without_any_bits_are_told_apart),
        TEST(what_cannot_be_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
