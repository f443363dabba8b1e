/* Packets into a track: headers, senders, reports, clocks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/bytes.h"
#include "tests/unit/ingest/rtp/rtp_fixture.h"

#define NS INT64_C(1000000000)
#define MS INT64_C(1000000)
#define UNIX_OF_NTP INT64_C(2208988800)

#define IDR "\x65\x88idr"
#define SLICE "\x41\x9aslice"

static struct track *video;
static struct track *audio;
static struct fixture_units units;

static void begin(bool udp)
{
    struct sdp_media picture = make_media(SDP_VIDEO, "H264", 90000, 0, "");
    struct sdp_media sound = make_media(SDP_AUDIO, "PCMU", 8000, 1, "");
    struct track_options options = {.reorder = udp};

    assert_int_equal(track_create(&picture, &options, &video), 0);
    assert_int_equal(track_create(&sound, &options, &audio), 0);
    track_follow(audio, video);
}

static int teardown(void **state)
{
    (void)state;
    track_destroy(audio);
    track_destroy(video);
    audio = video = NULL;
    units_free(&units);
    return 0;
}

static int put_frame(uint16_t sequence, uint32_t timestamp, uint32_t ssrc, int64_t arrival_ns)
{
    return put_packet(video, &(struct fixture_packet){96, true, sequence, timestamp, ssrc, SLICE, 7},
                      arrival_ns, &units);
}

static int put_sound(uint16_t sequence, uint32_t timestamp, int64_t arrival_ns)
{
    return put_packet(audio, &(struct fixture_packet){96, true, sequence, timestamp, 7, "samples", 7},
                      arrival_ns, &units);
}

static void headers_with_everything(void **state)
{
    static const uint8_t packet[] = {
        0xb2, 0xe0, 0,   1,   0,   0, 0, 0, 0, 0, 0, 9, /* padding, extension, two CSRCs */
        1,    2,    3,   4,   5,   6, 7, 8,             /* CSRCs */
        0xbe, 0xde, 0,   1,   9,   9, 9, 9,             /* extension of a word */
        0x65, 0x88, 'i', 'd', 'r', 0, 0, 3,             /* payload, padding */
    };

    (void)state;
    begin(false);
    assert_int_equal(track_put_rtp(video, packet, sizeof(packet), 0), 0);
    take_units(video, &units);
    units_check_nals(&units, 0, "\0\0\0\1" IDR, 9);
    for (size_t size = 0; size < 28; size++) {
        uint8_t *copy = malloc(size);
        if (size > 0) {
            memcpy(copy, packet, size);
        }
        assert_int_equal(track_put_rtp(video, copy, size, 0), -EBADMSG);
        free(copy);
    }
    assert_int_equal(track_counters(video)->malformed, 28);
}

static void strangers_are_left_out(void **state)
{
    (void)state;
    begin(true);
    put_frame(1, 0, 9, 0);
    assert_int_equal(put_packet(video, &(struct fixture_packet){13, true, 2, 0, 9, "noise", 5}, 0, &units),
                     -EPROTO);
    assert_int_equal(put_frame(500, 0, 10, 0), -EPROTO);
    assert_int_equal(put_frame(2, 3600, 9, 0), 0);
    assert_int_equal(units.count, 2);
    assert_int_equal(track_counters(video)->foreign, 2);
    assert_int_equal(track_counters(video)->discontinuities, 0);
    assert_int_equal(put_frame(501, 0, 10, 0), -EPROTO);
    assert_int_equal(put_frame(502, 3600, 10, 0), 0); /* it goes on: another sender */
    assert_int_equal(track_counters(video)->discontinuities, 1);
    assert_int_equal(units.count, 3);
    assert_true(units.items[2].lost);
}

static void over_tcp_another_sender_is_taken_at_once(void **state)
{
    (void)state;
    begin(false);
    put_frame(1, 0, 9, 0);
    assert_int_equal(put_frame(77, 5, 10, 0), 0);
    assert_int_equal(units.count, 2);
    assert_int_equal(track_counters(video)->discontinuities, 1);
}

static void timestamps_go_on_across_their_wrap(void **state)
{
    (void)state;
    begin(false);
    for (unsigned i = 0; i < 4; i++) {
        put_frame((uint16_t)(65534 + i), 0xffffffff - 5000 + 3600 * i, 9, 40 * MS * i);
    }
    assert_int_equal(units.count, 4);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(units.items[i].time - units.items[i - 1].time, 40 * MS);
    }
    assert_true(track_counters(video)->jitter_ns < MS);
}

static void a_missing_packet_is_told(void **state)
{
    (void)state;
    begin(true);
    put_frame(1, 0, 9, 0);
    put_frame(3, 7200, 9, 80 * MS);
    assert_int_equal(units.count, 1);
    assert_int_equal(track_deadline(video), 80 * MS + TRACK_REORDER_MS * MS);
    track_flush(video, 80 * MS + TRACK_REORDER_MS * MS);
    take_units(video, &units);
    assert_int_equal(units.count, 2);
    assert_true(units.items[1].lost);
    assert_int_equal(track_counters(video)->lost, 1);
}

/* Our wall clock at ARRIVAL_NS of the monotonic one. */
static int64_t wall_at(int64_t arrival_ns)
{
    struct timespec wall, monotonic;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return arrival_ns + (wall.tv_sec - monotonic.tv_sec) * NS + wall.tv_nsec - monotonic.tv_nsec;
}

static uint64_t to_ntp(int64_t unix_ns)
{
    return (uint64_t)(unix_ns / NS + UNIX_OF_NTP) << 32 | ((uint64_t)(unix_ns % NS) << 32) / NS;
}

static void capture_is_told_by_a_clock_like_ours(void **state)
{
    const int64_t now = 1000 * NS;

    (void)state;
    begin(false);
    put_frame(1, 90000, 9, now);
    assert_int_equal(units.items[0].source.camera_ns, 0);
    /* The camera captured timestamp 90000 200 ms ago. */
    put_sender_report(video, 9, to_ntp(wall_at(now) - 200 * MS), 90000, now);
    put_frame(2, 93600, 9, now + 40 * MS);
    const struct media_unit *unit = &units.items[1].source;
    assert_true(llabs(unit->wall_ns - unit->camera_ns - 200 * MS) < 20 * MS);
    /* Its clock an hour off: not to be shown. */
    put_sender_report(video, 9, to_ntp(wall_at(now) - 3600 * NS), 93600, now + 40 * MS);
    put_frame(3, 97200, 9, now + 80 * MS);
    assert_int_equal(units.items[2].source.camera_ns, 0);
    /* In the future: nor that. */
    put_sender_report(video, 9, to_ntp(wall_at(now) + 3 * NS), 97200, now + 80 * MS);
    put_frame(4, 100800, 9, now + 120 * MS);
    assert_int_equal(units.items[3].source.camera_ns, 0);
}

static void sound_follows_the_pictures_clock(void **state)
{
    const int64_t now = 1000 * NS;
    const uint64_t ntp = (uint64_t)0xe0000000 << 32; /* nonsense, but the same for both */

    (void)state;
    begin(false);
    put_sound(1, 5000, now);
    assert_int_equal(units.items[0].time, MEDIA_TIME_UNKNOWN); /* no picture yet */
    put_frame(1, 900000, 9, now);                              /* 10 s of its clock */
    put_sound(2, 8000, now + 20 * MS);
    assert_int_equal(units.items[2].time, 10 * NS + 20 * MS); /* by arrival */
    put_sound(3, 8160, now + 90 * MS);
    assert_int_equal(units.items[3].time, 10 * NS + 40 * MS); /* by its own clock */
    /* The reports say: sound 8000 was captured 100 ms before picture 900000. */
    put_sender_report(video, 9, ntp, 900000, now + 100 * MS);
    put_sender_report(audio, 7, ntp, 8800, now + 100 * MS);
    put_sound(4, 8320, now + 110 * MS);
    assert_int_equal(units.items[4].time, 10 * NS - 60 * MS);
    assert_int_equal(track_counters(audio)->discontinuities, 0);
}

/* The connection stood still for 3 s; then everything comes at once, sound first. */
static void sound_that_was_held_up_stays_in_its_place(void **state)
{
    const int64_t now = 1000 * NS;
    uint16_t sound = 2;

    (void)state;
    begin(false);
    put_frame(1, 900000, 9, now);
    put_sound(1, 8000, now);
    for (uint16_t i = 1; i <= 75; i++) {
        put_sound(sound++, 8000 + 320u * i, now + 3 * NS);
        assert_int_equal(units.items[units.count - 1].time, 10 * NS + 40 * MS * i);
        put_frame((uint16_t)(1 + i), 900000 + 3600u * i, 9, now + 3 * NS);
        units_free(&units);
    }
    assert_int_equal(track_counters(audio)->discontinuities, 0);
}

static void a_clock_that_jumps_takes_the_sound_along(void **state)
{
    const int64_t now = 1000 * NS;

    (void)state;
    begin(false);
    put_frame(1, 0, 9, now);
    put_sound(1, 0, now);
    put_frame(2, 3600u * 90000u, 9, now + 40 * MS); /* an hour on */
    put_sound(2, 320, now + 40 * MS);
    assert_int_equal(units.count, 4);
    assert_int_equal(units.items[3].time - units.items[2].time, 0);
    assert_int_equal(track_counters(audio)->discontinuities, 1);
}

static void reports_are_as_rfc_3550_says(void **state)
{
    uint8_t report[TRACK_REPORT_SIZE];

    (void)state;
    begin(false);
    assert_int_equal(track_report(video, 0, report), 0);
    put_frame(65535, 0, 9, 0);
    put_frame(0, 3600, 9, 40 * MS);
    put_frame(2, 10800, 9, 120 * MS);
    put_sender_report(video, 9, UINT64_C(0x1122334455667788), 10800, 120 * MS);
    assert_int_equal(track_report(video, 620 * MS, report), 60);
    assert_memory_equal(report, "\x81\xc9\0\7", 4);
    assert_true(bytes_get_be32(report + 4) != 9);
    assert_int_equal(bytes_get_be32(report + 8), 9);
    assert_int_equal(report[12], 63); /* one of four, in 1/256 */
    assert_int_equal(bytes_get_be32(report + 12) & 0xffffff, 1);
    assert_int_equal(bytes_get_be32(report + 16) & 0xffff, 2);
    assert_int_equal(bytes_get_be32(report + 24), 0x33445566);
    assert_int_equal(bytes_get_be32(report + 28), 32768); /* half a second */
    assert_memory_equal(report + 32, "\x81\xca\0\6", 4);
    assert_memory_equal(report + 40, "\1\x10", 2);
    assert_int_equal(track_report(video, 620 * MS, report), 60);
    assert_int_equal(report[12], 0);
}

static void goodbyes_and_nonsense(void **state)
{
    static const uint8_t bye[] = {0x81, 203, 0, 1, 0, 0, 0, 9};
    static const uint8_t other[] = {0x81, 203, 0, 1, 0, 0, 0, 8};
    static const uint8_t sdes_then_bye[] = {0x80, 202, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 9};
    static const uint8_t cut[] = {0x80, 200, 0, 6, 0, 0, 0, 9};

    (void)state;
    begin(false);
    put_frame(1, 0, 9, 0);
    assert_int_equal(track_put_rtcp(video, bye, sizeof(bye), 0), 1);
    assert_int_equal(track_put_rtcp(video, other, sizeof(other), 0), 0);
    assert_int_equal(track_put_rtcp(video, sdes_then_bye, sizeof(sdes_then_bye), 0), 1);
    assert_int_equal(track_put_rtcp(video, cut, sizeof(cut), 0), -EBADMSG);
    assert_int_equal(track_put_rtcp(video, NULL, 0, 0), -EBADMSG);
    assert_int_equal(put_sender_report(video, 8, 0, 0, 0), 0); /* of somebody else */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(headers_with_everything),
        TEST(strangers_are_left_out),
        TEST(over_tcp_another_sender_is_taken_at_once),
        TEST(timestamps_go_on_across_their_wrap),
        TEST(a_missing_packet_is_told),
        TEST(capture_is_told_by_a_clock_like_ours),
        TEST(sound_follows_the_pictures_clock),
        TEST(sound_that_was_held_up_stays_in_its_place),
        TEST(a_clock_that_jumps_takes_the_sound_along),
        TEST(reports_are_as_rfc_3550_says),
        TEST(goodbyes_and_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
