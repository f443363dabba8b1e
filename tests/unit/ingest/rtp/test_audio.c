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

static void in_band_configuration_must_be_the_known_one(void **state)
{
    /* useSameStreamMux, then everything one bit further. */
    static const char same[] = {(char)0x81, 0x30, (char)0xb1, 0x00};
    /* A configuration of another rate. */
    static const char other[] = {0x20, 0x00, 0x12, 0x10, 0x1f, (char)0xe0, 0x41, 0x00};

    (void)state;
    begin("MP4A-LATM", "config=400023203fc0");
    assert_true(format.latm_mux.in_band);
    put(same, sizeof(same), 0, true);
    assert_int_equal(units.count, 1);
    units_check(&units, 0, BYTES("\x61\x62"));
    put(other, sizeof(other), 1024, true);
    assert_int_equal(units.count, 1);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(units_of_a_packet_follow_each_other),
        TEST(a_unit_in_several_packets_is_put_together),
        TEST(low_bitrate_mode_and_constant_sizes),
        TEST(what_is_no_aac_is_counted),
        TEST(latm_elements),
        TEST(latm_that_cannot_be),
        TEST(in_band_configuration_must_be_the_known_one),
        TEST(plain_audio_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
