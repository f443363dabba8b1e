/* SPDX-License-Identifier: MIT */
/* AAC over RTP as RFC 3640 and RFC 6416 have it, and what is one frame per packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ingest/rtp/rtp_fixture.h"

#define BYTES(text) (text), sizeof(text) - 1

static struct media_format format;
static struct depacketizer *audio;
static struct fixture_units units;

static int teardown(void **state)
{
    (void)state;
    depacketizer_destroy(audio);
    audio = NULL;
    units_free(&units);
    return 0;
}

static void begin(const char *encoding, const char *fmtp)
{
    const struct sdp_media media = make_media(SDP_AUDIO, encoding, 48000, 2, fmtp);

    assert_int_equal(media_format_read(&media, &format), 0);
    audio = depacketizer_create(&format, false);
    assert_non_null(audio);
}

static void begin_hbr(void)
{
    begin("mpeg4-generic", "mode=AAC-hbr;sizeLength=13;indexLength=3;indexDeltaLength=3;config=1190");
}

static void put(const char *data, size_t size, int64_t time, bool marker)
{
    put_payload(audio, &(struct fixture_payload){data, size, time, marker, false}, &units);
}

static void put_after_gap(const char *data, size_t size, int64_t time, bool marker)
{
    put_payload(audio, &(struct fixture_payload){data, size, time, marker, true}, &units);
}

static const struct depacketizer_counters *counters(void)
{
    return depacketizer_counters(audio);
}

static void units_of_a_packet_follow_each_other(void **state)
{
    (void)state;
    begin_hbr();
    put(BYTES("\0\x10\0\x20"
              "abcd"),
        0, true);
    put(BYTES("\0\x30\0\x10\0\x18\0\x08"
              "abcdef"),
        9000, true);
    assert_int_equal(units.count, 4);
    units_check(&units, 0, BYTES("abcd"));
    units_check(&units, 1, BYTES("ab"));
    units_check(&units, 2, BYTES("cde"));
    units_check(&units, 3, BYTES("f"));
    assert_int_equal(units.items[1].time, 9000);
    assert_int_equal(units.items[2].time, 9000 + 1024);
    assert_int_equal(units.items[3].time, 9000 + 2048);
}

static void a_unit_in_several_packets_is_put_together(void **state)
{
    (void)state;
    begin_hbr();
    put(BYTES("\0\x10\0\x40"
              "abcd"),
        0, false);
    put(BYTES("\0\x10\0\x40"
              "efgh"),
        0, true);
    assert_int_equal(units.count, 1);
    units_check(&units, 0, BYTES("abcdefgh"));
    put(BYTES("\0\x10\0\x40"
              "abcd"),
        1024, false);
    put_after_gap(BYTES("\0\x10\0\x10"
                        "xy"),
                  3072, true);
    assert_int_equal(counters()->dropped, 1);
    units_check(&units, 1, BYTES("xy"));
    put(BYTES("\0\x10\0\x40"
              "abcd"),
        4096, false);
    put(BYTES("\0\x10\0\x40"
              "abcd"),
        5120, false); /* another one: the first never ended */
    assert_int_equal(counters()->dropped, 2);
}

static void low_bitrate_mode_and_constant_sizes(void **state)
{
    (void)state;
    begin("mpeg4-generic", "mode=AAC-lbr;config=1190");
    put(BYTES("\0\x08\x0c"
              "abc"),
        0, true);
    units_check(&units, 0, BYTES("abc"));
    teardown(NULL);
    begin("mpeg4-generic", "mode=generic;constantSize=3;config=1190");
    put(BYTES("abcdef"), 0, true);
    assert_int_equal(units.count, 2);
    units_check(&units, 1, BYTES("def"));
}

static void what_is_no_aac_is_counted(void **state)
{
    static const struct {
        const char *data;
        size_t size;
    } payloads[] = {
        {BYTES("")},
        {BYTES("\0")},
        {BYTES("\0\x10")},
        {BYTES("\0\x10\0")},
        {BYTES("\xff\xff\0\x10 a")},
        {BYTES("\0\0 none")},
        {BYTES("\0\x10\0\0 empty")},
        {BYTES("\0\x0f\0\x10 odd")},
        {BYTES("\0\x20\0\x10\0\x11 interleaved")},
        {BYTES("\0\x20\0\x18\0\x18short")},
    };

    (void)state;
    begin_hbr();
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        put(payloads[i].data, payloads[i].size, (int64_t)i * 1024, true);
        if (counters()->malformed != i + 1) {
            fail_msg("payload %zu", i);
        }
    }
    assert_int_equal(units.count, 0);
}

static void latm_elements(void **state)
{
    char big[2 + 300] = "\xff\x2d"; /* 255 + 45 bytes */

    (void)state;
    begin("MP4A-LATM", "cpresent=0;config=400023203fc0");
    assert_int_equal(format.extradata_size, 2);
    assert_memory_equal(format.extradata, "\x11\x90", 2);
    put(BYTES("\4abcd"), 0, true);
    put(big, sizeof(big), 1024, true);
    put("\6abc", 4, 2048, false);
    put("def", 3, 2048, true);
    assert_int_equal(units.count, 3);
    units_check(&units, 0, BYTES("abcd"));
    units_check(&units, 1, big + 2, 300);
    units_check(&units, 2, BYTES("abcdef"));
}

static void latm_that_cannot_be(void **state)
{
    (void)state;
    begin("MP4A-LATM", "cpresent=0;config=400023203fc0");
    put(BYTES("\x09short"), 0, true);
    put(BYTES("\xff"), 1024, true);
    put(BYTES("\0"), 2048, true);
    put(BYTES("\2ab and much that does not belong here"), 3072, true);
    assert_int_equal(counters()->malformed, 4);
    put(BYTES("\6ab"), 4096, false);
    put_after_gap(BYTES("f"), 4096, true);
    put(BYTES("\2ab"), 5120, true);
    assert_int_equal(units.count, 1);
    assert_true(units.items[0].lost);
}

static void a_configuration_in_band_counts(void **state)
{
    /* useSameStreamMux, then everything one bit further. */
    static const char same[] = {(char)0x81, 0x30, (char)0xb1, 0x00};
    /* A configuration of another rate, and an AU of two bytes from bit 45 on. */
    static const char other[] = {0x20, 0x00, 0x12, 0x10, 0x1f, (char)0xe0, 0x13, 0x0b, 0x10};

    (void)state;
    begin("MP4A-LATM", "config=400023203fc0");
    assert_true(format.latm_mux.in_band);
    put(same, sizeof(same), 0, true);
    assert_int_equal(units.count, 1);
    units_check(&units, 0, BYTES("\x61\x62"));
    assert_int_equal(audio->config_size, 0);
    put(other, sizeof(other), 1024, true);
    assert_int_equal(units.count, 2);
    units_check(&units, 1, BYTES("\x61\x62"));
    assert_memory_equal(audio->config, "\x12\x10", 2);
    assert_int_equal(counters()->malformed, 0);
    put("\x3f\xff\xff", 3, 2048, true); /* a configuration that is not understood */
    assert_int_equal(counters()->malformed, 1);
}

static void plain_audio_passes(void **state)
{
    (void)state;
    begin("PCMU", "");
    put(BYTES("samples"), 0, false);
    put(BYTES(""), 1, false);
    put_after_gap(BYTES("more"), 160, true);
    assert_int_equal(units.count, 2);
    units_check(&units, 1, BYTES("more"));
    assert_true(units.items[1].lost);
}

/* AAC-LC, 48 kHz, stereo; frames of 7 + 4 and 7 + 3 bytes. */
#define ADTS_ABCD                                                                                            \
    "\xff\xf1\x4c\x80\x01\x7f\xfc"                                                                           \
    "abcd"
#define ADTS_EFG                                                                                             \
    "\xff\xf1\x4c\x80\x01\x5f\xfc"                                                                           \
    "efg"
/* The same with a checksum, 16 kHz, mono. */
#define ADTS_CHECKED                                                                                         \
    "\xff\xf0\x60\x40\x01\x9f\xfc"                                                                           \
    "\x12\x34"                                                                                               \
    "xyz"

static void adts_within_units_is_taken_off(void **state)
{
    (void)state;
    begin_hbr();
    put(BYTES("\0\x10\0\x58" ADTS_ABCD), 0, true);
    put(BYTES("\0\x20\0\x58\0\x50" ADTS_ABCD ADTS_EFG), 1024, true);
    assert_int_equal(units.count, 3);
    units_check(&units, 0, BYTES("abcd"));
    units_check(&units, 2, BYTES("efg"));
    assert_int_equal(units.items[2].time, 2048);
    assert_int_equal(audio->config_size, 2);
    assert_memory_equal(audio->config, "\x11\x90", 2);
    assert_int_equal(counters()->malformed, 0);
}

static void adts_without_headers_is_a_stream(void **state)
{
    (void)state;
    begin("mpeg4-generic", "config=1190");
    put(BYTES(ADTS_ABCD), 0, true);
    put(BYTES(ADTS_ABCD ADTS_EFG), 1024, true);
    put(BYTES(ADTS_CHECKED), 3072, true);
    assert_int_equal(units.count, 4);
    units_check(&units, 0, BYTES("abcd"));
    units_check(&units, 1, BYTES("abcd"));
    units_check(&units, 2, BYTES("efg"));
    units_check(&units, 3, BYTES("xyz"));
    assert_int_equal(units.items[2].time, 2048);
    assert_memory_equal(audio->config, "\x14\x08", 2);
    /* In pieces, of which one is lost. */
    put(BYTES("\xff\xf1\x4c\x80\x01\x7f\xfc"
              "a"),
        4096, false);
    put(BYTES("bc"), 4096, false);
    put(BYTES("d"), 4096, true);
    units_check(&units, 4, BYTES("abcd"));
    assert_int_equal(units.items[4].time, 4096);
    put(BYTES("\xff\xf1\x4c\x80\x01\x7f\xfc"
              "a"),
        5120, false);
    put_after_gap(BYTES(ADTS_EFG), 6144, true);
    units_check(&units, 5, BYTES("efg"));
    assert_true(units.items[5].lost);
    assert_int_equal(counters()->malformed, 0);
    put(BYTES(ADTS_ABCD "rest"), 7168, true);
    assert_int_equal(counters()->malformed, 1);
}

static void pieces_may_have_sizes_of_their_own(void **state)
{
    (void)state;
    begin_hbr();
    for (int64_t time = 0; time < 3 * 1024; time += 1024) {
        put(BYTES("\0\x10\0\x20"
                  "abcd"),
            time, false);
        put(BYTES("\0\x10\0\x18"
                  "efg"),
            time, false);
        put(BYTES("\0\x10\0\x08"
                  "h"),
            time, true);
    }
    assert_int_equal(units.count, 3);
    for (size_t i = 0; i < 3; i++) {
        units_check(&units, i, BYTES("abcdefgh"));
        assert_int_equal(units.items[i].time, 1024 * i);
    }
}

/* Senders that never set the marker: the first unit waits for the second, and then none waits. */
static void whole_units_may_lack_the_marker(void **state)
{
    (void)state;
    begin_hbr();
    put(BYTES("\0\x10\0\x20"
              "abcd"),
        0, false);
    assert_int_equal(units.count, 0);
    put(BYTES("\0\x10\0\x18"
              "efg"),
        1024, false);
    assert_int_equal(units.count, 2);
    put(BYTES("\0\x10\0\x18"
              "xyz"),
        2048, false);
    assert_int_equal(units.count, 3);
    units_check(&units, 0, BYTES("abcd"));
    assert_int_equal(units.items[0].time, 0);
    units_check(&units, 1, BYTES("efg"));
    assert_int_equal(counters()->dropped, 0);
}

static void what_cannot_be_a_unit_is_left_out(void **state)
{
    (void)state;
    begin_hbr();
    put(BYTES("\0\x10\0\x20"
              "\xe0zzz"),
        0, true); /* ends before it begins */
    put(BYTES("\0\x10\0\x20"
              "abcd"),
        1024, true);
    assert_int_equal(units.count, 1);
    assert_true(units.items[0].lost);
    assert_int_equal(counters()->malformed, 1);
}

/* The configuration comes with the elements only; and it may change. */
static void latm_brings_its_configuration(void **state)
{
    (void)state;
    begin("MP4A-LATM", "cpresent=1");
    put(BYTES("\x82"
              "ab"),
        0, true); /* as before, and there is nothing before */
    assert_int_equal(units.count, 0);
    put(BYTES("\x20\x00\x14\x08\x1f\xe0\x13\x0b\x10"), 1024, true);
    assert_int_equal(units.count, 1);
    units_check(&units, 0, BYTES("ab"));
    assert_int_equal(audio->config_size, 2);
    assert_memory_equal(audio->config, "\x14\x08", 2);
    put(BYTES("\x81\x30\xb1\x00"), 2048, true);
    assert_int_equal(units.count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(adts_within_units_is_taken_off),
        TEST(adts_without_headers_is_a_stream),
        TEST(pieces_may_have_sizes_of_their_own),
        TEST(whole_units_may_lack_the_marker),
        TEST(what_cannot_be_a_unit_is_left_out),
        TEST(latm_brings_its_configuration),
        TEST(units_of_a_packet_follow_each_other),
        TEST(a_unit_in_several_packets_is_put_together),
        TEST(low_bitrate_mode_and_constant_sizes),
        TEST(what_is_no_aac_is_counted),
        TEST(latm_elements),
        TEST(latm_that_cannot_be),
        TEST(a_configuration_in_band_counts),
        TEST(plain_audio_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
