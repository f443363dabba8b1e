/* SPDX-License-Identifier: MIT */
/* H.264 over RTP (RFC 6184), as it should be and as cameras send it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/codec/sps.h"
#include "tests/unit/ingest/rtp/rtp_fixture.h"

#define CODE "\0\0\0\1"
#define BYTES(text) (text), sizeof(text) - 1

/* The second byte begins with first_mb_in_slice: 0x88 is a first slice, 0x40 one further down. */
#define IDR "\x65\x88idr"
#define IDR_MORE "\x65\x40rest"
#define SLICE "\x41\x9aslice"
#define SLICE_MORE "\x41\x42rest"
#define SPS "\x67sps"
#define PPS "\x68pps"

static struct depacketizer *h264;
static struct fixture_units units;

static int setup(void **state)
{
    (void)state;
    h264 = depacketizer_h264_create();
    return h264 == NULL;
}

static int teardown(void **state)
{
    (void)state;
    depacketizer_destroy(h264);
    units_free(&units);
    return 0;
}

static void put(const char *data, size_t size, int64_t time, bool marker)
{
    put_payload(h264, &(struct fixture_payload){data, size, time, marker, false}, &units);
}

static void put_after_gap(const char *data, size_t size, int64_t time, bool marker)
{
    put_payload(h264, &(struct fixture_payload){data, size, time, marker, true}, &units);
}

static const struct depacketizer_counters *counters(void)
{
    return depacketizer_counters(h264);
}

static void single_units_make_a_picture(void **state)
{
    (void)state;
    put(BYTES(SPS), 100, false);
    put(BYTES(PPS), 100, false);
    assert_int_equal(units.count, 0);
    put(BYTES(IDR), 100, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
    assert_int_equal(units.items[0].time, 100);
    assert_false(units.items[0].lost);
    put(BYTES(SLICE), 200, false);
    put(BYTES(SLICE_MORE), 200, true);
    units_check_nals(&units, 1, BYTES(CODE SLICE CODE SLICE_MORE));
    assert_int_equal(counters()->marker_errors, 0);
}

static void aggregates_are_taken_apart(void **state)
{
    (void)state;
    put(BYTES("\x78\0\4" SPS "\0\4" PPS "\0\5" IDR), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
}

static void fragments_are_put_together(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x7c\x05"
              "d"),
        0, false);
    put(BYTES("\x7c\x45r"), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR));
}

static void a_missing_fragment_drops_the_picture(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put(BYTES("\x7c\x81\x9as"), 1, false);
    put_after_gap(BYTES("\x7c\x41x"), 1, true);
    assert_int_equal(units.count, 1);
    assert_int_equal(counters()->dropped, 1);
    put(BYTES(SLICE), 2, true);
    assert_int_equal(units.count, 2);
    assert_true(units.items[1].lost);
    put(BYTES(SLICE), 3, true);
    assert_false(units.items[2].lost);
}

static void a_missing_beginning_drops_the_picture(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put_after_gap(BYTES("\x7c\x01more"), 1, false);
    put(BYTES("\x7c\x41x"), 1, true);
    assert_int_equal(counters()->dropped, 1);
    put_after_gap(BYTES(SLICE_MORE), 2, true);
    assert_int_equal(counters()->dropped, 2);
    assert_int_equal(counters()->marker_errors, 0);
    put(BYTES(SLICE), 3, true);
    assert_int_equal(units.count, 2);
    assert_true(units.items[1].lost);
}

static void a_missing_end_drops_the_picture(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put(BYTES(SLICE), 1, false);
    put_after_gap(BYTES(SLICE), 2, true);
    assert_int_equal(units.count, 2);
    assert_int_equal(units.items[1].time, 2);
    assert_true(units.items[1].lost);
    assert_int_equal(counters()->dropped, 1);
    assert_int_equal(counters()->marker_errors, 0);
}

static void a_missing_picture_is_told(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put_after_gap(BYTES(SLICE), 5, true);
    assert_int_equal(units.count, 2);
    assert_true(units.items[1].lost);
    assert_int_equal(counters()->dropped, 0);
}

static void damaged_pictures_are_shown_if_wanted(void **state)
{
    (void)state;
    h264->show_damaged = true;
    put(BYTES(IDR), 0, true);
    put(BYTES("\x7c\x81\x9as"), 1, false);
    put_after_gap(BYTES("\x7c\x41x"), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 1, BYTES(CODE "\x61\x9as"));
    assert_false(units.items[1].lost);
    put_after_gap(BYTES(SLICE), 5, true);
    assert_false(units.items[2].lost);
}

/* Cameras that set the marker on parameter sets too. */
static void a_marker_on_parameter_sets_ends_nothing(void **state)
{
    (void)state;
    put(BYTES(SPS), 0, true);
    put(BYTES(PPS), 0, true);
    put(BYTES(IDR), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
}

static void parameter_sets_of_another_time_go_along(void **state)
{
    (void)state;
    put(BYTES(SPS), 90, false);
    put(BYTES(PPS), 90, true);
    put(BYTES(IDR), 100, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
    assert_int_equal(units.items[0].time, 100);
}

static void without_a_marker_the_time_tells(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, false);
    put(BYTES(SLICE), 1, false);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    put(BYTES(SLICE_MORE), 1, false);
    put(BYTES(SLICE), 2, true);
    assert_int_equal(units.count, 3);
    units_check_nals(&units, 1, BYTES(CODE SLICE CODE SLICE_MORE));
    assert_int_equal(counters()->marker_errors, 2);
    assert_int_equal(counters()->dropped, 0);
}

static void a_marker_on_every_slice_is_recognised(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put(BYTES(IDR_MORE), 0, true); /* so the first was half a picture */
    put(BYTES(SLICE), 1, true);
    put(BYTES(SLICE_MORE), 1, true);
    put(BYTES(IDR), 2, true);
    put(BYTES(IDR_MORE), 2, true);
    put(BYTES(SLICE), 3, true);
    assert_int_equal(units.count, 3);
    units_check_nals(&units, 1, BYTES(CODE SLICE CODE SLICE_MORE));
    assert_true(units.items[1].lost);
    units_check_nals(&units, 2, BYTES(CODE IDR CODE IDR_MORE));
    assert_true(counters()->marker_errors > 0);
    assert_int_equal(counters()->dropped, 1);
}

/* Two pictures may have one timestamp, if the camera's clock is coarse. */
static void first_slices_tell_pictures_of_one_time_apart(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put(BYTES(SLICE), 0, true);
    put(BYTES(SLICE), 0, false);
    put(BYTES(SLICE), 0, true);
    assert_int_equal(units.count, 4);
    assert_int_equal(counters()->marker_errors, 1);
}

static void a_marker_within_a_unit_is_none(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, true);
    put(BYTES("\x7c\x45r"), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE "\x65\x88ir"));
    assert_int_equal(counters()->marker_errors, 1);
}

static void a_unit_without_its_end_bit_is_whole(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x7c\x05r"), 0, true);
    put(BYTES(SLICE), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0, BYTES(CODE "\x65\x88ir"));
}

/* Cameras that send what their encoder gives, start codes and all. */
static void byte_streams_are_told_apart(void **state)
{
    (void)state;
    put(BYTES(SPS CODE PPS CODE IDR), 0, true);
    put(BYTES(CODE SPS CODE PPS CODE IDR), 1, true);
    put(BYTES("\0\0\1" SLICE), 2, true);
    put(BYTES("\x7c\x87sps" CODE PPS CODE), 3, false);
    put(BYTES("\x7c\x47" IDR), 3, true);
    assert_int_equal(units.count, 4);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
    units_check_nals(&units, 1, BYTES(CODE SPS CODE PPS CODE IDR));
    units_check_nals(&units, 2, BYTES(CODE SLICE));
    units_check_nals(&units, 3, BYTES(CODE "\x67sps" CODE PPS CODE IDR));
    assert_int_equal(counters()->malformed, 0);
}

static void fragments_without_content_are_harmless(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85"), 0, false); /* before the first, */
    put(BYTES("\x7c\x05\x88i"), 0, false);
    put(BYTES("\x7c\x05"), 0, false); /* in the middle, */
    put(BYTES("\x7c\x05"
              "d"),
        0, false);
    put(BYTES("\x7c\x05r"), 0, false);
    put(BYTES("\x7c\x45"), 0, true); /* and as the last */
    put(BYTES("\x5c\x81\x9asl"), 1, false);
    put(BYTES("\x5c\x41ice"), 1, false);
    put(BYTES("\x5c\x41"), 1, true); /* after it */
    put(BYTES("\x7c\xc1"), 2, false);
    put(BYTES(SLICE), 2, true);
    assert_int_equal(units.count, 3);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    units_check_nals(&units, 1, BYTES(CODE SLICE));
    units_check_nals(&units, 2, BYTES(CODE SLICE));
    assert_int_equal(counters()->malformed + counters()->dropped + counters()->marker_errors, 0);
    put(BYTES("\x7c\x85"), 3, false); /* begins nothing of another time */
    put(BYTES("\x7c\x05\x88i"), 4, true);
    assert_int_equal(units.count, 3);
    assert_int_equal(counters()->malformed, 1);
}

static void what_cannot_be_is_counted(void **state)
{
    static const struct {
        const char *data;
        size_t size;
    } payloads[] = {
        {BYTES("\x78")},   /* an empty aggregate */
        {BYTES("\x78\0")}, /* */
        {BYTES("\x78\0\5"
               "abcd")}, /* a unit that reaches past the end */
        {BYTES("\x78\xff\xff"
               "ab")},
        {BYTES("\x7c")},                         /* a fragment without its header */
        {BYTES("\x7c\x05more")},                 /* the middle of a unit that never began */
        {BYTES("\x79\0\0\0")},                   /* STAP-B, cut */
        {BYTES("\x79\0\0\0\6" SPS)},             /* and with a unit that reaches past the end */
        {BYTES("\x7a\0\0\0\4")},                 /* MTAP16, cut */
        {BYTES("\x7b\0\0\0\x7f\0\0\0\0" SLICE)}, /* MTAP24 with a unit that reaches past the end */
        {BYTES("\x7d\x85\0")},                   /* FU-B, cut */
        {BYTES("\x60zero")},
        {BYTES("\x7f"
               "31")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        put(payloads[i].data, payloads[i].size, (int64_t)i * 10, true);
        if (counters()->malformed != i + 1) {
            fail_msg("payload %zu", i);
        }
    }
    assert_int_equal(units.count, 0);
    put("", 0, 1000, true);
    put(BYTES(IDR), 1000, true);
    assert_int_equal(units.count, 1);
    assert_true(units.items[0].lost);
}

static void a_fragment_that_is_interrupted_spoils_its_picture(void **state)
{
    (void)state;
    put(BYTES("\x5c\x81\x9asl"), 0, false);
    put(BYTES("\x5c\x41ice"), 0, true); /* its units have their ends */
    assert_int_equal(units.count, 1);
    put(BYTES("\x7c\x85\x88i"), 1, false);
    put(BYTES("\x7c\x85\x88i"), 1, false);
    put(BYTES("\x7c\x45r"), 1, true);
    assert_int_equal(units.count, 1);
    assert_int_equal(counters()->dropped, 1);
    put(BYTES("\x7c\x85\x88i"), 2, false);
    put(BYTES(PPS), 2, true);
    assert_int_equal(units.count, 1);
    put(BYTES(IDR), 3, true);
    assert_int_equal(units.count, 2);
}

/* Cameras that never mark the end of a unit in pieces: the next one tells it, within a picture, too. */
static void units_without_end_bits_are_whole(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x7c\x05"
              "dr"),
        0, false);
    put(BYTES("\x7c\x85\x40r"), 0, false);
    put(BYTES("\x7c\x05"
              "est"),
        0, true);
    put(BYTES("\x5c\x81\x9asl"), 1, false);
    put(BYTES("\x5c\x01ice"), 1, false);
    put(BYTES(SLICE_MORE), 1, true);
    put(BYTES(SLICE), 2, true);
    assert_int_equal(units.count, 3);
    units_check_nals(&units, 0, BYTES(CODE "\x65\x88idr" CODE "\x65\x40rest"));
    units_check_nals(&units, 1, BYTES(CODE SLICE CODE SLICE_MORE));
    assert_int_equal(counters()->dropped + counters()->malformed, 0);
    assert_false(units.items[1].lost);
}

/* A piece that is cut off before its own header holds nothing. */
static void pieces_of_one_byte_are_harmless(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x7c"), 0, false);
    put(BYTES("\x7c\x45"
              "dr"),
        0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    assert_int_equal(counters()->malformed, 1);
}

/* The interleaved mode's packets, in decoding order. */
static void numbers_of_the_decoding_order_are_skipped(void **state)
{
    (void)state;
    put(BYTES("\x79\0\7\0\4" SPS "\0\4" PPS), 0, false);
    put(BYTES("\x7d\x85\0\x09\x88i"), 0, false);
    put(BYTES("\x7c\x45"
              "dr"),
        0, true);
    put(BYTES("\x59\0\x0a\0\7" SLICE), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
    assert_true(units.items[0].keyframe);
    units_check_nals(&units, 1, BYTES(CODE SLICE));
    assert_int_equal(counters()->malformed + counters()->dropped, 0);
}

/* Cameras that set the start bit on every fragment; on the last one, too, which may be as long as the others. */
static void repeated_start_bits_are_harmless(void **state)
{
    (void)state;
    put(BYTES(SPS), 0, false);
    put(BYTES(PPS), 0, false);
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x7c\x85\x9a"
              "d"),
        0, false);
    put(BYTES("\x7c\xc5r"), 0, false);
    put(BYTES("\x7c\x85\x40r"), 0, false); /* another slice */
    put(BYTES("\x7c\xc5"
              "es"),
        0, true);
    put(BYTES("\x5c\x81\x9as"), 1, false);
    put(BYTES("\x5c\xc1\x88l"), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0,
                     BYTES(CODE SPS CODE PPS CODE "\x65\x88i\x9a"
                                                  "dr" CODE "\x65\x40res"));
    units_check_nals(&units, 1, BYTES(CODE "\x41\x9as\x88l"));
    assert_int_equal(counters()->malformed + counters()->dropped + counters()->marker_errors, 0);
    put(BYTES("\x5c\x81\x9as"), 2, false);
    put_after_gap(BYTES("\x5c\xc1\x88l"), 2, true); /* what is lost is lost */
    assert_int_equal(units.count, 2);
}

/* Each packet has a time of its own, as if time went on within a picture. */
static void fragments_may_have_times_of_their_own(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        put(BYTES("\x7c\x85\x88i"), i * 3600, false);
        put(BYTES("\x7c\x05"
                  "d"),
            i * 3600 + 3, false);
        put(BYTES("\x7c\x45r"), i * 3600 + 1, true);
        assert_int_equal(units.count, i + 1);
        units_check_nals(&units, (size_t)i, BYTES(CODE IDR));
        assert_int_equal(units.items[i].time, i * 3600);
        assert_false(units.items[i].lost);
    }
    assert_int_equal(counters()->malformed + counters()->dropped + counters()->marker_errors, 0);
}

/* The same for slices, in fragments or not. */
static void slices_may_have_times_of_their_own(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        put(BYTES(IDR), i * 3600, false);
        put(BYTES(IDR_MORE), i * 3600 + 1, false);
        put(BYTES("\x7c\x85\x40r"), i * 3600 + 5, false);
        put(BYTES("\x7c\x45"
                  "est"),
            i * 3600 + 2, true);
        assert_int_equal(units.count, i + 1);
        units_check_nals(&units, (size_t)i, BYTES(CODE IDR CODE IDR_MORE CODE IDR_MORE));
        assert_int_equal(units.items[i].time, i * 3600);
        assert_false(units.items[i].lost);
    }
    assert_int_equal(counters()->malformed + counters()->dropped + counters()->marker_errors, 0);
}

/* RFC 6184, table 1: units of a reserved type are ignored. */
static void reserved_types_are_ignored(void **state)
{
    (void)state;
    put(BYTES("\x1ejunk"), 0, false);
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x1fjunk"), 0, false);
    put(BYTES("\x7c\x45"
              "dr"),
        0, true);
    put(BYTES("\x60junk"), 1, false);
    put(BYTES(SLICE), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0, BYTES(CODE IDR));
    units_check_nals(&units, 1, BYTES(CODE SLICE));
    assert_false(units.items[1].lost);
    assert_int_equal(counters()->malformed, 3);
}

/* The same without end bits: a shorter fragment is the last one. */
static void repeated_start_bits_without_ends_are_harmless(void **state)
{
    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, false);
    put(BYTES("\x7c\x85\x9a"
              "d"),
        0, false);
    put(BYTES("\x7c\x85r"), 0, false);
    put(BYTES("\x7c\x85\x40re"), 0, false);
    put(BYTES("\x7c\x85st"), 0, true);
    put(BYTES(SLICE), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0,
                     BYTES(CODE "\x65\x88i\x9a"
                                "dr" CODE "\x65\x40rest"));
}

/* Cameras that never set the start bit: the first fragment is the one behind a complete unit. */
static void missing_start_bits_are_harmless(void **state)
{
    (void)state;
    put_after_gap(BYTES(SPS), 0, false);
    put(BYTES(PPS), 0, false);
    put(BYTES("\x7c\x05\x88i"), 0, false);
    put(BYTES("\x7c\x05"
              "d"),
        0, false);
    put(BYTES("\x7c\x45r"), 0, false);
    put(BYTES("\x7c\x05\x40r"), 0, false);
    put(BYTES("\x7c\x45"
              "est"),
        0, true);
    put(BYTES("\x5c\x01\x9as"), 1, false);
    put(BYTES("\x5c\x41lice"), 1, true);
    put(BYTES("\x5c\x01\x9as"), 2, false); /* without an end bit and a marker, too */
    put(BYTES("\x5c\x01lice"), 2, false);
    put(BYTES("\x5c\x01\x9as"), 3, false);
    put(BYTES("\x5c\x41lice"), 3, true);
    assert_int_equal(units.count, 4);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR CODE "\x65\x40rest"));
    for (size_t i = 1; i < 4; i++) {
        units_check_nals(&units, i, BYTES(CODE SLICE));
        assert_false(units.items[i].lost);
    }
    assert_int_equal(counters()->malformed + counters()->dropped, 0);
    put_after_gap(BYTES("\x5c\x01\x9as"), 4, false);
    put(BYTES("\x5c\x41lice"), 4, true);
    assert_int_equal(units.count, 4);
    put(BYTES("\x5c\x01\x9as"), 5, false);
    put(BYTES("\x5c\x41lice"), 5, true);
    assert_int_equal(units.count, 5);
}

/* Neither start nor end bits, and several units of one picture in pieces: a piece that is smaller than the first is the last. */
static void units_without_any_bits_are_told_apart(void **state)
{
    (void)state;
    put_after_gap(BYTES(SPS), 0, false);
    put(BYTES(PPS), 0, false);
    put(BYTES("\x1c\x06\x05sei of sixteen"), 0, false);
    put(BYTES("\x1c\x06!"), 0, false);
    put(BYTES("\x7c\x05\x88idr of sixteen"), 0, false);
    put(BYTES("\x7c\x05 and as much as "), 0, false);
    put(BYTES("\x7c\x05more"), 0, false);
    put(BYTES("\x7c\x05\x40rest of fifteen"), 0, false);
    put(BYTES("\x7c\x05."), 0, true);
    put(BYTES("\x5c\x01\x9as"), 1, false);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0,
                     BYTES(CODE SPS CODE PPS CODE "\x06\x05sei of sixteen!" CODE
                                                  "\x65\x88idr of sixteen and as much as more" CODE
                                                  "\x65\x40rest of fifteen."));
}

/* Where all pieces have one size, two slices become one: a picture that lacks one that all others had is not shown. */
static void slices_that_become_one_are_not_shown(void **state)
{
    (void)state;
    put_after_gap(BYTES(SPS), 0, false);
    put(BYTES(PPS), 0, false);
    for (int64_t i = 0; i < 13; i++) {
        put(BYTES("\x5c\x01\x9a slice  "), i, false);
        put(i == 11 ? "\x5c\x01slice    " : "\x5c\x01.", i == 11 ? 11 : 3, i, false);
        put(BYTES("\x5c\x01\x42 another"), i, false);
        put(BYTES("\x5c\x01."), i, true);
    }
    put(BYTES("\x09"), 13, true);
    assert_int_equal(units.count, 12);
    assert_int_equal(counters()->dropped, 1);
    units_check_nals(&units, 10, BYTES(CODE "\x41\x9a slice  ." CODE "\x41\x42 another."));
}

/* A length in front, as in files. One of 0x1.. looks like a start code. */
static void lengths_in_front_are_left_out(void **state)
{
    uint8_t unit[4 + 0x123] = {0, 0, 1, 0x23, 0x41, 0x9a};

    (void)state;
    memset(unit + 6, 'x', sizeof(unit) - 6);
    put(BYTES("\0\0\0\4" SPS), 0, false);
    put(BYTES("\0\0\0\4" PPS), 0, false);
    put(BYTES("\0\0\0\5" IDR), 0, true);
    put((const char *)unit, sizeof(unit), 1, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
    assert_int_equal(units.items[1].size, sizeof(unit));
    assert_memory_equal(units.items[1].data, unit, sizeof(unit));
    assert_int_equal(counters()->malformed, 0);
}

/* Without start bits the very first packet begins a keyframe if it reads as one; the middle of one does not. */
static void a_stream_may_begin_with_a_keyframe_without_start_bits(void **state)
{
    (void)state;
    put_after_gap(BYTES("\x7c\x05\x88\x84\x01i"), 0, false); /* I, frame_num 0 */
    put(BYTES("\x7c\x45"
              "dr"),
        0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE "\x65\x88\x84\x01idr"));
    teardown(state);
    setup(state);
    put_after_gap(BYTES("\x7c\x05\x9b\x84\x01i"), 0, false);
    put(BYTES("\x7c\x05more"), 0, false);
    put(BYTES("\x7c\x45"
              "dr"),
        0, true);
    assert_int_equal(units.count, 0);
}

/* RFC 6184, 5.7.2: units of several times in one packet, each with the distance of its time. */
static void packets_of_several_times_are_taken_apart(void **state)
{
    (void)state;
    put(BYTES("\x7a\0\1"
              "\0\4\0\0\0" SPS "\0\4\1\0\0" PPS "\0\5\2\0\0" IDR "\0\7\3\x0e\x10" SLICE),
        1000, true);
    put(BYTES("\x7b\0\5"
              "\0\7\0\0\0\0" SLICE "\0\6\1\0\0\0" SLICE_MORE "\0\7\2\1\0\0" SLICE),
        8200, false);
    put(BYTES(SLICE), 100000, true);
    assert_int_equal(units.count, 5);
    units_check_nals(&units, 0, BYTES(CODE SPS CODE PPS CODE IDR));
    units_check_nals(&units, 1, BYTES(CODE SLICE));
    units_check_nals(&units, 2, BYTES(CODE SLICE CODE SLICE_MORE));
    units_check_nals(&units, 3, BYTES(CODE SLICE));
    assert_int_equal(units.items[0].time, 1000);
    assert_int_equal(units.items[1].time, 4600);
    assert_int_equal(units.items[2].time, 8200);
    assert_int_equal(units.items[3].time, 8200 + 65536);
    assert_int_equal(counters()->malformed + counters()->dropped, 0);
    assert_int_equal(counters()->marker_errors, 1); /* the MTAP24 had none */
    for (size_t i = 0; i < units.count; i++) {
        assert_false(units.items[i].lost);
    }
}

static void pictures_without_end_are_bounded(void **state)
{
    static char piece[60000];

    (void)state;
    put(BYTES("\x7c\x85\x88i"), 0, false);
    memcpy(piece, "\x7c\x05", 2);
    for (size_t sent = 0; sent < TRACK_UNIT_SIZE_MAX + sizeof(piece); sent += sizeof(piece)) {
        put(piece, sizeof(piece), 0, false);
    }
    put(BYTES("\x7c\x45r"), 0, true);
    assert_int_equal(units.count, 0);
    assert_int_equal(counters()->dropped, 1);
    put(BYTES(IDR), 1, true);
    assert_int_equal(units.count, 1);
    assert_true(units.items[0].lost);
}

static void a_new_sender_drops_what_is_incomplete(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    put(BYTES(SLICE), 1, false);
    depacketizer_reset(h264);
    assert_int_equal(counters()->dropped, 1);
    put(BYTES(SLICE), 0, true);
    assert_int_equal(units.count, 2);
    assert_true(units.items[1].lost);
    units_check_nals(&units, 1, BYTES(CODE SLICE));
}

/* The first picture waits for slices behind its marker if the owner wants it; and then none does. */
static void doubted_markers_lose_no_slice(void **state)
{
    (void)state;
    h264->doubts_markers = true;
    put(BYTES(IDR), 0, true);
    assert_int_equal(units.count, 0);
    assert_int_equal(h264->wait_until_ns, DEPACKETIZER_WAIT_NS);
    put(BYTES(IDR_MORE), 0, true);
    put(BYTES(IDR_MORE), 0, true);
    put(BYTES(SLICE), 1, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE IDR CODE IDR_MORE CODE IDR_MORE));
    assert_false(units.items[0].lost);
    put(BYTES(SLICE_MORE), 1, true);
    put(BYTES(SLICE_MORE), 1, true);
    put(BYTES(SLICE), 2, true);
    assert_int_equal(units.count, 2);
    units_check_nals(&units, 1, BYTES(CODE SLICE CODE SLICE_MORE CODE SLICE_MORE));
    assert_int_equal(counters()->dropped, 0);
}

static void a_marker_that_is_right_is_soon_believed(void **state)
{
    (void)state;
    h264->doubts_markers = true;
    put(BYTES(IDR), 0, true);
    depacketizer_flush(h264);
    put(BYTES(""), 0, false);
    assert_int_equal(units.count, 1);
    assert_true(h264->wait_until_ns == INT64_MAX);
    put(BYTES(SLICE), 1, true);
    assert_int_equal(units.count, 2);
    teardown(NULL);
    setup(NULL);
    h264->doubts_markers = true;
    put(BYTES(IDR), 0, true);
    put(BYTES(SLICE), 1, true); /* the next picture is proof, too */
    assert_int_equal(units.count, 2);
    assert_int_equal(counters()->marker_errors, 0);
}

/* Markers on every slice: after some pictures with as many slices the last one ends the picture. */
static void the_number_of_slices_tells_the_end(void **state)
{
    (void)state;
    put(BYTES(IDR), 0, true);
    for (int64_t time = 1; time <= 12; time++) {
        put(BYTES(SLICE), time, true);
        put(BYTES(SLICE_MORE), time, true);
    }
    size_t before = units.count;
    put(BYTES(SLICE), 13, true);
    assert_int_equal(units.count, before);
    put(BYTES(SLICE_MORE), 13, true);
    assert_int_equal(units.count, before + 1);
    /* One more than that: it is not to be told any longer, and that picture is not whole. */
    put(BYTES(SLICE), 14, true);
    put(BYTES(SLICE_MORE), 14, true);
    put(BYTES(SLICE_MORE), 14, true);
    put(BYTES(SLICE), 15, true);
    put(BYTES(SLICE_MORE), 15, true);
    put(BYTES(SLICE), 16, true);
    assert_true(units.items[units.count - 1].lost);
    assert_int_equal(units.items[units.count - 1].time, 15);
}

/* An SPS of 640x384 in which pictures may be fields; frame_num has four bits. */
#define FIELDS_SPS "\x67\x4d\x00\x1e\xda\x02\x81\x84\x80"
/* Slice headers: first_mb 0, slice_type 7, PPS 0, frame_num 1 or 2, field_pic_flag, bottom_field_flag. */
#define TOP "\x61\x88\x8dtop"
#define BOTTOM "\x61\x88\x8f bottom"
#define FRAME "\x61\x88\x8b frame"
#define NEXT_TOP "\x61\x88\x95top"

static void two_fields_are_one_picture(void **state)
{
    struct sps sps;

    (void)state;
    assert_int_equal(
        sps_parse(NAL_H264, &(struct nal){(const uint8_t *)FIELDS_SPS, sizeof(FIELDS_SPS) - 1}, &sps), 0);
    assert_true(sps.fields);
    assert_int_equal(sps.frame_num_bits, 4);
    put(BYTES(FIELDS_SPS), 0, false);
    put(BYTES(PPS), 0, false);
    put(BYTES(TOP), 0, true);
    assert_int_equal(units.count, 0);
    put(BYTES(BOTTOM), 0, true);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, BYTES(CODE FIELDS_SPS CODE PPS CODE TOP CODE BOTTOM));
    put(BYTES("\x7c\x81\x88\x8f bot"), 3600,
        false); /* the bottom first, in pieces, with times of their own */
    put(BYTES("\x7c\x41tom"), 3600, true);
    put(BYTES("\x7c\x81\x88\x8dt"), 5400, false);
    put(BYTES("\x7c\x41op"), 5400, true);
    assert_int_equal(units.count, 2);
    assert_int_equal(units.items[1].time, 3600);
    units_check_nals(&units, 1, BYTES(CODE BOTTOM CODE TOP));
    put(BYTES(FRAME), 7200, true);
    assert_int_equal(units.count, 3);
    assert_int_equal(counters()->marker_errors, 0);
    assert_int_equal(counters()->dropped, 0);
}

static void a_field_alone_is_a_picture(void **state)
{
    (void)state;
    put(BYTES(FIELDS_SPS), 0, false);
    put(BYTES(TOP), 0, true);
    put(BYTES(NEXT_TOP), 3600, true);
    put(BYTES(FRAME), 7200, true);
    assert_int_equal(units.count, 3);
    units_check_nals(&units, 0, BYTES(CODE FIELDS_SPS CODE TOP));
    units_check_nals(&units, 1, BYTES(CODE NEXT_TOP));
    assert_int_equal(counters()->marker_errors, 0);
}

#define RECOVERY "\x06\x06\x01\xc4\x80"
#define USER_DATA "\x06\x05\x03xyz\x80"

/* Without a keyframe the second recovery point is one; with keyframes none is. */
static void recovery_points_are_keyframes_where_there_are_no_others(void **state)
{
    static const bool expected[] = {false, false, true, false, true, false, false, true};
    static const char what[] = "rsrsrirr"; /* recovery point, slice, IDR */

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (what[i] == 'r') {
            put(BYTES(USER_DATA), (int64_t)i, false);
            put(BYTES(RECOVERY), (int64_t)i, false);
        }
        if (what[i] == 'i') {
            put(BYTES(IDR), (int64_t)i, true);
        } else {
            put(BYTES(SLICE), (int64_t)i, true);
        }
    }
    assert_int_equal(units.count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < units.count; i++) {
        assert_int_equal(units.items[i].keyframe, what[i] == 'i' || expected[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(single_units_make_a_picture),
        TEST(aggregates_are_taken_apart),
        TEST(fragments_are_put_together),
        TEST(a_missing_fragment_drops_the_picture),
        TEST(a_missing_beginning_drops_the_picture),
        TEST(a_missing_end_drops_the_picture),
        TEST(a_missing_picture_is_told),
        TEST(damaged_pictures_are_shown_if_wanted),
        TEST(a_marker_on_parameter_sets_ends_nothing),
        TEST(parameter_sets_of_another_time_go_along),
        TEST(without_a_marker_the_time_tells),
        TEST(a_marker_on_every_slice_is_recognised),
        TEST(first_slices_tell_pictures_of_one_time_apart),
        TEST(doubted_markers_lose_no_slice),
        TEST(a_marker_that_is_right_is_soon_believed),
        TEST(the_number_of_slices_tells_the_end),
        TEST(two_fields_are_one_picture),
        TEST(a_field_alone_is_a_picture),
        TEST(recovery_points_are_keyframes_where_there_are_no_others),
        TEST(a_marker_within_a_unit_is_none),
        TEST(a_unit_without_its_end_bit_is_whole),
        TEST(byte_streams_are_told_apart),
        TEST(fragments_without_content_are_harmless),
        TEST(what_cannot_be_is_counted),
        TEST(a_fragment_that_is_interrupted_spoils_its_picture),
        TEST(units_without_end_bits_are_whole),
        TEST(pieces_of_one_byte_are_harmless),
        TEST(numbers_of_the_decoding_order_are_skipped),
        TEST(fragments_may_have_times_of_their_own),
        TEST(slices_may_have_times_of_their_own),
        TEST(reserved_types_are_ignored),
        TEST(repeated_start_bits_are_harmless),
        TEST(repeated_start_bits_without_ends_are_harmless),
        TEST(missing_start_bits_are_harmless),
        TEST(units_without_any_bits_are_told_apart),
        TEST(slices_that_become_one_are_not_shown),
        TEST(lengths_in_front_are_left_out),
        TEST(a_stream_may_begin_with_a_keyframe_without_start_bits),
        TEST(packets_of_several_times_are_taken_apart),
        TEST(pictures_without_end_are_bounded),
        TEST(a_new_sender_drops_what_is_incomplete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
