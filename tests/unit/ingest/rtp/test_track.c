/* SPDX-License-Identifier: MIT */
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

/* NAME: the SSRC that the session names; 0: none. */
static void begin_as(bool udp, uint32_t name, const char *encoding, const char *fmtp)
{
    struct sdp_media picture = make_media(SDP_VIDEO, encoding, 90000, 0, fmtp);
    struct sdp_media sound = make_media(SDP_AUDIO, "PCMU", 8000, 1, "");
    struct track_options options = {.udp = udp, .ssrc = name};

    assert_int_equal(track_create(&picture, &options, &video), 0);
    assert_int_equal(track_create(&sound, &options, &audio), 0);
    track_follow(audio, video);
}

static void begin(bool udp)
{
    begin_as(udp, 0, "H264", "");
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

static int put_bytes(uint16_t sequence, uint32_t timestamp, bool marker, const char *payload, size_t size)
{
    return put_packet(video, &(struct fixture_packet){96, marker, sequence, timestamp, 9, payload, size}, 0,
                      &units);
}

#define PUT(sequence, timestamp, marker, text) put_bytes(sequence, timestamp, marker, text, sizeof(text) - 1)

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
    assert_int_equal(put_frame(502, 3600, 10, 0), 0); /* it goes on: another sender, from its first packet */
    assert_int_equal(track_counters(video)->discontinuities, 1);
    assert_int_equal(track_counters(video)->foreign, 2);
    assert_int_equal(units.count, 4);
    assert_true(units.items[2].lost);
    assert_false(units.items[3].lost);
}

/* A session that the camera has not closed sends on the same channel, packet by packet in turn with ours. */
static void an_echo_is_left_out(void **state)
{
    (void)state;
    begin(false);
    for (unsigned i = 0; i < 20; i++) {
        put_frame((uint16_t)(5000 + i), 3600 * i, 9, 40 * MS * i);
        put_frame((uint16_t)(1000 + i), 3600 * i - 900000, 10, 40 * MS * i);
    }
    assert_int_equal(units.count, 20);
    assert_int_equal(track_counters(video)->discontinuities, 0);
    for (unsigned i = 1; i < 20; i++) {
        assert_false(units.items[i].lost);
    }
}

/* The same in bursts: one may be taken for the sender, but the one that was there goes on and stays. */
static void bursts_of_another_sender_end(void **state)
{
    uint16_t ours = 5000, others = 100;
    uint64_t shown = 0;

    (void)state;
    begin(false);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 3; i++, ours++) {
            put_frame(ours, ours * 3600u, 9, 40 * MS * round);
        }
        size_t before = units.count;
        for (unsigned i = 0; i < 4; i++, others++) {
            put_frame(others, others * 3600u, 10, 40 * MS * round);
        }
        shown += round > 0 ? units.count - before : 0;
        units_free(&units);
    }
    assert_int_equal(shown, 0);
    assert_int_equal(track_counters(video)->discontinuities, 2); /* there and back */
}

static void the_named_sender_is_ours(void **state)
{
    (void)state;
    begin_as(false, 9, "H264", "");
    assert_int_equal(put_frame(500, 0, 10, 0), -EPROTO);
    assert_int_equal(put_frame(1, 0, 9, 0), 0);
    assert_int_equal(put_frame(501, 0, 10, 0), -EPROTO);
    assert_int_equal(put_frame(502, 0, 10, 0), -EPROTO);
    assert_int_equal(put_frame(2, 3600, 9, 0), 0);
    assert_int_equal(units.count, 2);
    assert_int_equal(track_counters(video)->discontinuities, 0);
}

/* Cameras name an SSRC and send another. */
static void a_name_that_is_wrong_costs_nothing(void **state)
{
    (void)state;
    begin_as(false, 4711, "H264", "");
    put_frame(1, 0, 9, 0);
    put_frame(2, 3600, 9, 0);
    assert_int_equal(units.count, 2);
    assert_int_equal(track_counters(video)->discontinuities, 0);
    assert_int_equal(track_counters(video)->foreign, 0);
}

static void another_ssrc_that_goes_on_costs_nothing(void **state)
{
    for (int udp = 0; udp < 2; udp++) {
        begin_as(udp, 9, "H264", "");
        for (unsigned i = 0; i < 12; i++) {
            assert_int_equal(put_frame((uint16_t)(65530 + i), 3600 * i, 9 + i / 4, 40 * MS * i), 0);
        }
        assert_int_equal(units.count, 12);
        for (unsigned i = 1; i < 12; i++) {
            assert_false(units.items[i].lost);
            assert_int_equal(units.items[i].time - units.items[i - 1].time, 40 * MS);
        }
        teardown(state);
    }
}

/* Each packet has an SSRC of its own; the session names one that never comes, the first, or none. */
static void an_ssrc_for_each_packet_costs_nothing(void **state)
{
    static const uint32_t names[] = {0, 9, 1000};

    for (unsigned round = 0; round < 6; round++) {
        begin_as(round % 2 == 1, names[round / 2], "H264", "");
        for (unsigned i = 0; i < 20; i++) {
            put_frame((uint16_t)(65530 + i), 3600 * i, 9 + i * 7919, 40 * MS * i);
        }
        assert_int_equal(units.count, 20);
        for (unsigned i = 1; i < 20; i++) {
            assert_false(units.items[i].lost);
        }
        /* A packet that is lost is one picture, not the rest of the stream; nor is a jump of the numbers. */
        for (unsigned i = 21; i < 30; i++) {
            put_frame((uint16_t)(65530 + i), 3600 * i, 9 + i * 7919, 40 * MS * (i + 5));
        }
        track_flush(video, 10 * NS);
        take_units(video, &units);
        assert_int_equal(units.count, 29);
        for (unsigned i = 30; i < 40; i++) {
            put_frame((uint16_t)(20000 + i), 3600 * i, 9 + i * 7919, 10 * NS + 40 * MS * i);
        }
        assert_int_equal(units.count, 39);
        teardown(state);
    }
}

/* Nothing waits for other packets to tell the codec. */
static void packets_of_the_interleaved_mode_are_h264(void **state)
{
    static const struct {
        const char *data;
        size_t size;
    } payloads[] = {
        {"\x79\0\0\0\5" IDR, 10}, {"\x7a\0\0\0\5\0\0\0" IDR, 13}, {"\x7b\0\0\0\5\0\0\0\0" IDR, 14}};

    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        begin(false);
        put_bytes(1, 0, true, payloads[i].data, payloads[i].size);
        assert_int_equal(units.count, 1);
        units_check_nals(&units, 0, "\0\0\0\1" IDR, 9);
        teardown(state);
    }
}

/* SSRC, sequence numbers and timestamps begin anew with each group; its first packet is the keyframe's. */
static void groups_that_begin_anew_lose_nothing(void **state)
{
    for (int udp = 0; udp < 2; udp++) {
        for (int named = 0; named < 2; named++) {
            begin_as(udp, named ? 9 : 0, "H264", "");
            for (uint32_t group = 0; group < 5; group++) {
                uint32_t ssrc = 9 + group, first = 7919 * (group + 1);
                for (unsigned i = 0; i < 6; i++) {
                    put_frame((uint16_t)(first + i), first * 1000 + 3600 * i, ssrc,
                              40 * MS * (group * 6 + i));
                }
            }
            assert_int_equal(units.count, 30);
            assert_int_equal(track_counters(video)->discontinuities, 4);
            assert_int_equal(track_counters(video)->foreign, 0);
            teardown(state);
        }
    }
}

/* The same sender, whose numbers begin anew: with a jump, or where the last group began. */
static void numbers_that_begin_anew_lose_nothing(void **state)
{
    static const uint16_t firsts[] = {0, 30000, 0, 0, 50, 49152, 100};

    for (int udp = 0; udp < 2; udp++) {
        begin(udp);
        for (unsigned group = 0; group < sizeof(firsts) / sizeof(firsts[0]); group++) {
            for (unsigned i = 0; i < 9; i++) {
                put_frame((uint16_t)(firsts[group] + i), 3600 * (group * 9 + i), 9,
                          40 * MS * (group * 9 + i));
            }
            /* Forward by 41 is a loss of 41: over UDP these are waited for. */
            track_flush(video, 40 * MS * (group * 9 + 9) + NS);
            take_units(video, &units);
        }
        assert_int_equal(units.count, 9 * sizeof(firsts) / sizeof(firsts[0]));
        teardown(state);
    }
}

/* Over TCP nothing is lost, so numbers that stand still, begin anew with each picture, or count by two say nothing. */
static void numbers_that_mean_nothing_are_left_out(void **state)
{
    for (int way = 0; way < 3; way++) {
        begin(false);
        for (unsigned i = 0; i < 60; i++) {
            uint16_t number = way == 0 ? 0 : way == 1 ? (uint16_t)(2 * i) : 0;
            put_frame(number, 3600 * i, 9, 40 * MS * i);
            if (way == 2) {
                put_frame(1, 3600 * i, 9, 40 * MS * i);
            }
            track_flush(video, 40 * MS * i);
            take_units(video, &units);
            units_free(&units);
            units = (struct fixture_units){0};
        }
        for (unsigned i = 60; i < 80; i++) {
            put_frame(way == 1 ? (uint16_t)(2 * i) : 0, 3600 * i, 9, 40 * MS * i);
        }
        assert_int_equal(units.count, 20);
        for (unsigned i = 1; i < 20; i++) {
            assert_false(units.items[i].lost);
        }
        teardown(state);
        units = (struct fixture_units){0};
    }
}

/* One counter for the packets of sound and pictures. */
static void numbers_of_both_medias_are_told(void **state)
{
    uint16_t number = 0;

    (void)state;
    begin(false);
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned k = 0; k < 8; k++) {
            put_frame(number++, 3600 * (i * 8 + k), 9, 40 * MS * (i * 8 + k));
            track_note_elsewhere(audio);
        }
        track_note_elsewhere(video);
        put_sound(number++, 8000 * i, 320 * MS * i);
        track_flush(video, 320 * MS * i);
        track_flush(audio, 320 * MS * i);
        take_units(video, &units);
        take_units(audio, &units);
        if (i < 38) {
            units_free(&units);
            units = (struct fixture_units){0};
        }
    }
    assert_int_equal(units.count, 18);
    for (unsigned i = 0; i < units.count; i++) {
        assert_false(units.items[i].lost);
    }
}

/* Packets that are lost, even a fifth of all, or that come twice, are told as before. */
static void losses_over_tcp_are_losses(void **state)
{
    (void)state;
    begin(false);
    for (unsigned i = 0; i < 3000; i++) {
        if (i % 5 != 2) {
            put_frame((uint16_t)i, 3600 * i, 9, 40 * MS * i);
            put_frame((uint16_t)i, 3600 * i, 9, 40 * MS * i);
        }
        track_flush(video, 40 * MS * i);
        take_units(video, &units);
        units_free(&units);
        units = (struct fixture_units){0};
    }
    assert_in_range(track_counters(video)->lost, 590, 600);
    assert_int_equal(track_counters(video)->discontinuities, 0);
}

/* The camera's clock stands still in its reports, or is slow: that is no lateness. A connection that is slow makes both late. */
static void clocks_that_stand_still_are_not_late(void **state)
{
    const uint64_t ntp = (uint64_t)0xe0000000 << 32;

    for (unsigned slow = 0; slow < 2; slow++) {
        begin(false);
        put_frame(1, 0, 9, 0);
        for (uint32_t i = 1; i < 30; i++) {
            put_frame((uint16_t)(i + 1), 90000 * i, 9, NS * i);
            put_sender_report(video, 9, ntp + ((uint64_t)(slow ? i : 0) << 31), 90000 * i, NS * i);
        }
        assert_in_range(track_counters(video)->late_ns, 0, MS);
        for (uint32_t i = 1; i < 30; i++) {
            uint64_t at = ntp + ((uint64_t)(slow ? 30 : 0) << 31) + ((uint64_t)i << 32);
            put_sender_report(video, 9, at, 90000 * (29 + i), NS * (29 + 2 * i));
        }
        assert_in_range(track_counters(video)->late_ns, 25 * NS, 30 * NS);
        teardown(state);
    }
}

static void late_packets_are_no_beginning(void **state)
{
    (void)state;
    begin(true);
    put_frame(10, 0, 9, 0);
    put_frame(20, 36000, 9, 0);
    track_flush(video, NS);
    take_units(video, &units);
    assert_int_equal(units.count, 2);
    for (uint16_t i = 12; i < 18; i++) {
        assert_int_equal(put_frame(i, 0, 9, NS), 0);
    }
    assert_int_equal(put_frame(21, 39600, 9, NS), 0);
    assert_int_equal(units.count, 3);
    assert_int_equal(track_counters(video)->discontinuities, 0);
}

#define H265_VPS "\x40\x01\x0cvps"
#define H265_SPS "\x42\x01\x01sps"
#define H265_IDR "\x26\x01\xaf idr"

/* H.265 is announced, H.264 comes: nothing of it is lost, and the first unit says what it is. */
static void h264_that_is_announced_as_h265_is_seen(void **state)
{
    (void)state;
    begin_as(false, 0, "H265", "");
    PUT(1, 0, false, "\x06\x05sei"); /* may be either */
    PUT(2, 0, false, "\x67\x42sps");
    PUT(3, 0, false, "\x68\xcepps");
    assert_int_equal(units.count, 0);
    PUT(4, 0, true, IDR);
    assert_int_equal(units.count, 1);
    units_check_nals(&units, 0, "\0\0\0\1\x06\x05sei\0\0\0\1\x67\x42sps\0\0\0\1\x68\xcepps\0\0\0\1" IDR, 37);
    const struct media_stream *stream = units.items[0].source.stream;
    assert_non_null(stream);
    assert_int_equal(stream->codec, MEDIA_CODEC_H264);
    assert_string_equal(stream->codec_name, "h264");
    PUT(5, 3600, true, SLICE);
    assert_int_equal(units.count, 2);
    assert_null(units.items[1].source.stream);
}

/* The same with parameters of H.264: it was guessed, so nothing changes. */
static void h264_that_is_guessed_is_taken_at_once(void **state)
{
    (void)state;
    begin_as(false, 0, "H265", "profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=");
    assert_int_equal(track_stream(video)->codec, MEDIA_CODEC_H264);
    PUT(1, 0, true, IDR);
    assert_int_equal(units.count, 1);
    assert_null(units.items[0].source.stream);
    teardown(state);
    begin_as(false, 0, "H265", "profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=");
    PUT(1, 0, true, H265_IDR); /* a wrong guess */
    assert_int_equal(units.count, 1);
    assert_int_equal(units.items[0].source.stream->codec, MEDIA_CODEC_H265);
}

static void h265_that_is_announced_as_h264_is_seen(void **state)
{
    (void)state;
    begin_as(true, 0, "H264", "packetization-mode=1");
    PUT(1, 0, false, H265_VPS);
    PUT(2, 0, false, H265_SPS);
    PUT(3, 0, true, H265_IDR);
    assert_int_equal(units.count, 1);
    assert_int_equal(units.items[0].source.stream->codec, MEDIA_CODEC_H265);
    assert_int_equal(track_stream(video)->codec, MEDIA_CODEC_H265);
}

/* One packet that looks like the other codec changes nothing, nor do many that look like neither. */
static void what_is_announced_is_believed(void **state)
{
    (void)state;
    begin(false);
    PUT(1, 0, false, H265_VPS);
    PUT(2, 0, false, "\x67\x42sps");
    PUT(3, 0, true, IDR);
    assert_int_equal(track_stream(video)->codec, MEDIA_CODEC_H264);
    assert_null(units.count > 0 ? units.items[0].source.stream : NULL);
    PUT(4, 3600, true, SLICE);
    assert_int_equal(track_stream(video)->codec, MEDIA_CODEC_H264);
    teardown(state);
    begin_as(false, 0, "H265", "");
    for (uint16_t i = 0; i < 100; i++) {
        PUT(i, 0, false, "\x06\x05sei");
    }
    PUT(100, 3600, false, "\x67\x42sps");
    PUT(101, 3600, false, "\x68\xcepps");
    PUT(102, 3600, true, IDR);
    assert_int_equal(track_stream(video)->codec, MEDIA_CODEC_H265);
}

/* A dynamic payload type without an rtpmap: the first packet that can be only one of them tells. */
static void video_without_a_name_is_looked_at(void **state)
{
    (void)state;
    begin_as(false, 0, "", "");
    PUT(1, 0, false, H265_VPS);
    PUT(2, 0, true, H265_IDR);
    assert_int_equal(units.count, 1);
    assert_int_equal(units.items[0].source.stream->codec, MEDIA_CODEC_H265);
    teardown(state);
    begin_as(false, 0, "", "");
    PUT(1, 0, true, IDR);
    assert_int_equal(units.count, 1);
    assert_null(units.items[0].source.stream);
}

static void put_typed(uint8_t type, uint16_t sequence, const char *payload, size_t size)
{
    const struct fixture_packet packet = {.payload_type = type,
                                          .marker = true,
                                          .sequence = sequence,
                                          .timestamp = 3600u * sequence,
                                          .ssrc = 9,
                                          .payload = payload,
                                          .size = size};

    put_packet(video, &packet, 40 * MS * sequence, &units);
}

/* A camera that sends another payload type than it announces: four packets in a row prove it, and none is lost. */
static void another_payload_type_is_taken(void **state)
{
    (void)state;
    begin(false);
    for (uint16_t i = 1; i < 4; i++) {
        put_typed(97, i, IDR, sizeof(IDR) - 1);
    }
    assert_int_equal(units.count, 0);
    put_typed(97, 4, IDR, sizeof(IDR) - 1);
    assert_int_equal(units.count, 4);
    put_typed(96, 5, IDR, sizeof(IDR) - 1); /* now a stranger */
    put_typed(97, 5, IDR, sizeof(IDR) - 1);
    assert_int_equal(units.count, 5);
    assert_int_equal(track_counters(video)->discontinuities, 0);
    teardown(state);
    begin(false);
    put_typed(96, 1, IDR, sizeof(IDR) - 1);
    for (uint16_t i = 2; i < 12; i++) {
        put_typed(97, i, IDR, sizeof(IDR) - 1); /* what is announced has come: retransmissions, perhaps */
    }
    assert_int_equal(units.count, 1);
    assert_int_equal(track_counters(video)->foreign, 10);
    teardown(state);
    begin(false);
    for (uint16_t i = 1; i < 12; i++) {
        put_typed(33, i, IDR, sizeof(IDR) - 1); /* an MPEG transport stream, by its type */
    }
    assert_int_equal(units.count, 0);
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

/* The reports of the sound name another wall clock than those of the pictures: they say nothing of where it belongs. */
static void reports_of_two_clocks_are_not_compared(void **state)
{
    const int64_t now = 1000 * NS;
    const uint64_t ntp = (uint64_t)0xe0000000 << 32;

    (void)state;
    begin(false);
    put_frame(1, 900000, 9, now);
    put_sound(1, 8000, now);
    put_sender_report(video, 9, ntp, 900000, now);
    put_sender_report(audio, 7, ntp + ((uint64_t)1 << 32), 8000, now + 10 * MS); /* a second ahead */
    put_sound(2, 8160, now + 20 * MS);
    assert_int_equal(units.items[2].time, 10 * NS + 20 * MS);
    assert_false(units.items[2].source.synced);
    put_sender_report(audio, 7, ntp, 8000, now + 30 * MS);
    put_sound(3, 8320, now + 40 * MS);
    assert_true(units.items[3].source.synced);
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

/* AAC of 16 kHz that is announced as 32 kHz, a packet each 64 ms, or two units each 128 ms. */
static void put_aac(uint32_t ticks, unsigned units_each)
{
    static const char *const payloads[] = {"\0\x10\0\x20"
                                           "abcd",
                                           "\0\x20\0\x20\0\x20"
                                           "abcdefgh"};
    struct sdp_media sound = make_media(SDP_AUDIO, "mpeg4-generic", 32000, 1, "mode=AAC-hbr;config=1408");
    struct track_options options = {0};

    assert_int_equal(track_create(&sound, &options, &audio), 0);
    for (uint16_t i = 0; i < 12; i++) {
        put_packet(audio,
                   &(struct fixture_packet){96, true, i, 5000 + ticks * i * units_each, 7,
                                            payloads[units_each - 1], units_each == 1 ? 8 : 14},
                   64 * MS * i * units_each, &units);
    }
}

static void the_clock_of_aac_is_told_by_its_steps(void **state)
{
    for (unsigned units_each = 1; units_each <= 2; units_each++) {
        for (uint32_t ticks = 1024; ticks <= 2048; ticks += 1024) {
            size_t unknown = 0;
            put_aac(ticks, units_each);
            assert_int_equal(units.count, 12 * units_each); /* nobody waits for the answer */
            while (unknown < units.count && units.items[unknown].time == MEDIA_TIME_UNKNOWN) {
                unknown++;
            }
            assert_true(unknown <= 4 * units_each);
            for (size_t i = unknown + 1; i < units.count; i++) {
                assert_int_equal(units.items[i].time - units.items[i - 1].time, 64 * MS);
            }
            teardown(state);
        }
    }
    put_aac(1500, 1); /* neither: what is announced, after a while */
    assert_int_equal(units.count, 12);
    assert_int_equal(units.items[11].time, MEDIA_TIME_UNKNOWN);
}

/* ADTS headers say that it is another rate than the description: the first unit says so. */
static void aac_that_is_not_as_described_says_so(void **state)
{
    static const char adts[] = "\0\x10\0\x58\xff\xf1\x6c\x40\x01\x7f\xfc"
                               "abcd";
    struct sdp_media sound = make_media(SDP_AUDIO, "mpeg4-generic", 16000, 1, "mode=AAC-hbr;config=1408");
    struct track_options options = {0};

    (void)state;
    assert_int_equal(track_create(&sound, &options, &audio), 0);
    for (uint16_t i = 0; i < 2; i++) {
        put_packet(audio, &(struct fixture_packet){96, true, i, 2048u * i, 7, adts, sizeof(adts) - 1}, 0,
                   &units);
    }
    assert_int_equal(units.count, 2);
    units_check(&units, 0, "abcd", 4);
    const struct media_stream *stream = units.items[0].source.stream;
    assert_non_null(stream);
    assert_int_equal(stream->sample_rate, 8000);
    assert_int_equal(stream->extradata_size, 2);
    assert_memory_equal(stream->extradata, "\x15\x88", 2);
    assert_null(units.items[1].source.stream);
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
    /* A camera that sends one sender report and then none: its age fits for 18 hours, then nothing is said. */
    track_report(video, 120 * MS + 65535 * NS, report);
    assert_int_equal(bytes_get_be32(report + 28), 65535u * 65536u);
    track_report(video, 120 * MS + 50 * 3600 * NS, report);
    assert_int_equal(bytes_get_be32(report + 24), 0);
    assert_int_equal(bytes_get_be32(report + 28), 0);
}

/* A report, then PLI and FIR as offered; a FIR that is sent again has the next number. */
static void keyframes_are_asked_for(void **state)
{
    struct sdp_media media = {.kind = SDP_VIDEO};
    uint8_t request[TRACK_REPORT_SIZE];

    (void)state;
    begin(false);
    media.pli = true;
    assert_int_equal(track_ask_keyframe(video, &media, 0, request), 0);
    put_frame(1, 0, 9, 0);
    media.pli = false;
    assert_int_equal(track_ask_keyframe(video, &media, 0, request), 0);
    media.pli = true;
    assert_int_equal(track_ask_keyframe(video, &media, 0, request), 72);
    assert_memory_equal(request, "\x81\xc9\0\7", 4);
    assert_memory_equal(request + 60, "\x81\xce\0\2", 4);
    assert_int_equal(bytes_get_be32(request + 64), bytes_get_be32(request + 4));
    assert_int_equal(bytes_get_be32(request + 68), 9);
    media.fir = true;
    assert_int_equal(track_ask_keyframe(video, &media, 0, request), 92);
    media.pli = false;
    assert_int_equal(track_ask_keyframe(video, &media, 0, request), 80);
    assert_memory_equal(request + 60, "\x84\xce\0\4", 4);
    assert_int_equal(bytes_get_be32(request + 68), 0);
    assert_int_equal(bytes_get_be32(request + 72), 9);
    assert_memory_equal(request + 76, "\1\0\0\0", 4);
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
        TEST(an_echo_is_left_out),
        TEST(bursts_of_another_sender_end),
        TEST(the_named_sender_is_ours),
        TEST(a_name_that_is_wrong_costs_nothing),
        TEST(another_ssrc_that_goes_on_costs_nothing),
        TEST(an_ssrc_for_each_packet_costs_nothing),
        TEST(packets_of_the_interleaved_mode_are_h264),
        TEST(groups_that_begin_anew_lose_nothing),
        TEST(numbers_that_begin_anew_lose_nothing),
        TEST(numbers_that_mean_nothing_are_left_out),
        TEST(numbers_of_both_medias_are_told),
        TEST(losses_over_tcp_are_losses),
        TEST(clocks_that_stand_still_are_not_late),
        TEST(late_packets_are_no_beginning),
        TEST(h264_that_is_announced_as_h265_is_seen),
        TEST(h264_that_is_guessed_is_taken_at_once),
        TEST(h265_that_is_announced_as_h264_is_seen),
        TEST(what_is_announced_is_believed),
        TEST(video_without_a_name_is_looked_at),
        TEST(another_payload_type_is_taken),
        TEST(timestamps_go_on_across_their_wrap),
        TEST(a_missing_packet_is_told),
        TEST(capture_is_told_by_a_clock_like_ours),
        TEST(sound_follows_the_pictures_clock),
        TEST(reports_of_two_clocks_are_not_compared),
        TEST(sound_that_was_held_up_stays_in_its_place),
        TEST(a_clock_that_jumps_takes_the_sound_along),
        TEST(the_clock_of_aac_is_told_by_its_steps),
        TEST(aac_that_is_not_as_described_says_so),
        TEST(reports_are_as_rfc_3550_says),
        TEST(keyframes_are_asked_for),
        TEST(goodbyes_and_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
