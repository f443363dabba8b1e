/* SPDX-License-Identifier: MIT */
/* Messages and interleaved packets out of what a connection brings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/rtsp/rtsp_input.h"

/* As rtsp_input.c has it. */
#define JUNK_MAX 1024

static struct rtsp_input input;

static int set_up(void **state)
{
    (void)state;
    return rtsp_input_init(&input);
}

static int tear_down(void **state)
{
    (void)state;
    rtsp_input_finish(&input);
    return 0;
}

static void add(const void *data, size_t size)
{
    for (const uint8_t *from = data; size > 0;) {
        size_t room;
        uint8_t *at = rtsp_input_room(&input, &room);
        size_t piece = room < size ? room : size;
        assert_true(piece > 0);
        memcpy(at, from, piece);
        rtsp_input_added(&input, piece);
        from += piece;
        size -= piece;
    }
}

static void add_text(const char *text)
{
    add(text, strlen(text));
}

/* An RTP packet on CHANNEL of SIZE bytes. */
static void add_packet(uint8_t channel, size_t size)
{
    uint8_t packet[4 + 2048] = {'$', channel, (uint8_t)(size >> 8), (uint8_t)size, 0x80, 96};

    assert_true(size <= 2048);
    add(packet, size + 4);
}

static int next_result(enum rtsp_event *event)
{
    const char *what = NULL;
    int64_t bytes = 0;

    return rtsp_input_next(&input, event, &what, &bytes);
}

static enum rtsp_event next(void)
{
    enum rtsp_event event;

    assert_int_equal(next_result(&event), 0);
    return event;
}

static void takes_messages_apart(void **state)
{
    (void)state;
    add_text("RTSP/1.0 200 OK\r\nCSeq: 7\r\nPublic: OPTIONS,DESCRIBE , get_parameter\r\n"
             "www-authenticate:  Basic realm=\"a: b\"  \r\nX-Folded: one\r\n  two\r\nno header\r\n"
             "Content-Length : 5\r\n\r\nhello");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_true(input.message.response);
    assert_int_equal(input.message.status, 200);
    assert_string_equal(input.message.reason, "OK");
    assert_int_equal(rtsp_message_number(&input.message, "cseq"), 7);
    assert_true(rtsp_message_lists(&input.message, "Public", "GET_PARAMETER"));
    assert_false(rtsp_message_lists(&input.message, "Public", "GET"));
    assert_string_equal(rtsp_message_header(&input.message, "WWW-Authenticate", 0), "Basic realm=\"a: b\"");
    assert_null(rtsp_message_header(&input.message, "WWW-Authenticate", 1));
    const char *folded = rtsp_message_header(&input.message, "X-Folded", 0);
    assert_non_null(strstr(folded, "one"));
    assert_non_null(strstr(folded, "two"));
    assert_int_equal(input.message.body_size, 5);
    assert_memory_equal(input.message.body, "hello", 5);
    assert_int_equal(next(), RTSP_EVENT_NONE);

    add_text("\r\n\nRTSP/1.0 404\nCSeq:9\n\nSET_PARAMETER rtsp://x/y RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_int_equal(input.message.status, 404);
    assert_string_equal(input.message.reason, "");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_false(input.message.response);
    assert_string_equal(input.message.method, "SET_PARAMETER");
    assert_string_equal(input.message.uri, "rtsp://x/y");
    assert_int_equal(input.garbage, 0);
}

/* Lines may end in CR LF, LF, or CR CR LF. */
static void lines_end_as_they_do(void **state)
{
    static const char *const ends[] = {"\r\n", "\n", "\r\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "RTSP/1.0 200 OK%sCSeq: 7%sContent-Length: 2%s%sok", ends[i], ends[i],
                 ends[i], ends[i]);
        add_text(text);
        assert_int_equal(next(), RTSP_EVENT_MESSAGE);
        assert_string_equal(input.message.reason, "OK");
        assert_int_equal(rtsp_message_number(&input.message, "CSeq"), 7);
        assert_int_equal(input.message.body_size, 2);
        assert_memory_equal(input.message.body, "ok", 2);
        assert_int_equal(next(), RTSP_EVENT_NONE);
    }
}

static void numbers_are_checked(void **state)
{
    (void)state;
    add_text("RTSP/1.0 200 OK\r\nA: 99999999999999999999\r\nB: x\r\nC: -1\r\nD: 12 \r\n\r\n");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_int_equal(rtsp_message_number(&input.message, "A"), -1);
    assert_int_equal(rtsp_message_number(&input.message, "B"), -1);
    assert_int_equal(rtsp_message_number(&input.message, "C"), -1);
    assert_int_equal(rtsp_message_number(&input.message, "D"), 12);
    assert_int_equal(rtsp_message_number(&input.message, "E"), -1);
}

/* One byte at a time, packets before, between and after messages. */
static void does_not_mind_how_it_arrives(void **state)
{
    uint8_t stream[4096];
    size_t size = 0;
    int packets = 0, messages = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        uint8_t packet[4 + 64] = {'$', (uint8_t)i, 0, 64, 0x80};
        memcpy(stream + size, packet, sizeof(packet));
        size += sizeof(packet);
        size += (size_t)sprintf((char *)stream + size,
                                "RTSP/1.0 200 OK\r\nCSeq: %d\r\nContent-Length: 3\r\n\r\n$$$", i);
        rtsp_input_expect(&input, (uint8_t)i);
    }
    for (size_t i = 0; i < size; i++) {
        add(stream + i, 1);
        enum rtsp_event event = next();
        packets += event == RTSP_EVENT_PACKET;
        messages += event == RTSP_EVENT_MESSAGE;
        if (event == RTSP_EVENT_PACKET) {
            assert_int_equal(input.packet_size, 64);
        }
    }
    assert_int_equal(packets, 4);
    assert_int_equal(messages, 4);
    assert_int_equal(input.garbage, 0);
}

static void packets_of_other_channels_are_skipped(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    rtsp_input_expect(&input, 255);
    add_packet(4, 100);
    add_packet(255, 100);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.channel, 255);
    assert_int_equal(input.garbage, 0);
}

static void a_packet_can_be_left_for_later(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    add_packet(0, 100);
    add_packet(0, 200);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    rtsp_input_push_back(&input);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 100);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 200);
}

static void finds_its_way_after_garbage(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    rtsp_input_expect(&input, 1);
    add_text("\x01\x02nonsense $ and $\x09");
    add_packet(0, 100);
    add_packet(1, 32);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 100);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_true(input.garbage > 0);

    add_text("xyzRTSP/1.0 200 OK\r\n\r\n");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_int_equal(next(), RTSP_EVENT_NONE);
}

/* A packet that is shorter than it says swallows the beginning of the next, which gives it away. */
static void finds_its_way_after_a_short_packet(void **state)
{
    uint8_t cut[4 + 50] = {'$', 0, 0, 100, 0x80};

    (void)state;
    rtsp_input_expect(&input, 0);
    add(cut, sizeof(cut));
    for (int i = 0; i < 3; i++) {
        add_packet(0, 200);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(next(), RTSP_EVENT_PACKET);
        assert_int_equal(input.packet_size, 200);
        assert_int_equal(input.packet[0], 0x80);
    }
    assert_int_equal(next(), RTSP_EVENT_NONE);
}

/* Packets of 200 bytes, which are the largest and so full, then one whose length is too small, with REST behind it. */
static void add_with_rest(const char *rest)
{
    for (int i = 0; i < 4; i++) {
        add_packet(0, 200);
    }
    add_packet(0, 200 - strlen(rest));
    add_text(rest);
}

/* What would make a packet as large as all that are in the middle of a picture belongs to it: its length is too small. */
static void a_packet_with_a_rest_behind_it_is_dropped(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    add_with_rest("rest");
    for (int i = 0; i < 20; i++) {
        add_packet(0, 200);
    }
    add_packet(0, 101);
    add_text("rest of another one that is not full");
    add_packet(0, 200);
    for (int i = 0; i < 25; i++) {
        assert_int_equal(next(), RTSP_EVENT_PACKET);
        assert_int_equal(input.packet_size, 200);
    }
    assert_int_equal(next(), RTSP_EVENT_NONE);
}

/* Each of these begins as something that may follow a packet does, and goes on as video. */
static void a_rest_is_told_by_more_than_its_first_byte(void **state)
{
    static const char *const rests[] = {"\n\x91\x5a\x07", "\r\n\x88\x12\x07", "$\x07\x05\x06\x11\x07",
                                        "$\x05\x40", "ZZZZZZZZ"};

    (void)state;
    rtsp_input_expect(&input, 0);
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
        add_with_rest(rests[i]);
        for (int k = 0; k < 20; k++) {
            add_packet(0, 200);
        }
    }
    for (size_t i = 0; i < 24 * sizeof(rests) / sizeof(rests[0]); i++) {
        assert_int_equal(next(), RTSP_EVENT_PACKET);
        assert_int_equal(input.packet_size, 200);
    }
    assert_int_equal(next(), RTSP_EVENT_NONE);
}

/* Half of a packet, and one of sound behind it that ends in zeros: these do not fill the space between two packets. */
static void zeros_of_a_packet_that_was_swallowed_are_told(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    rtsp_input_expect(&input, 2);
    add_packet(0, 100);
    uint8_t half[4 + 250] = {'$', 0, 500 >> 8, (uint8_t)500, 0x80, 96, 0x11, 0x22, 0x33};
    memset(half + 9, 0x55, sizeof(half) - 9);
    add(half, sizeof(half));
    add_packet(2, 272); /* zeros from its seventh byte on */
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 100);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.channel, 2);
    assert_int_equal(input.packet_size, 272);
    assert_int_equal(next(), RTSP_EVENT_NONE);
}

/* 60 packets, every INTERVALth with SIZE bytes of JUNK behind it. How many come out. */
static int packets_with_junk(int interval, const void *junk, size_t size)
{
    int packets = 0;

    rtsp_input_expect(&input, 0);
    for (int i = 0; i < 60; i++) {
        add_packet(0, 100);
        add(junk, i % interval == 0 ? size : 0);
    }
    while (next() == RTSP_EVENT_PACKET) {
        assert_int_equal(input.packet_size, 100);
        packets++;
    }
    return packets;
}

/* No video holds three zeros in a row, so they cost no packet, however rare they are. */
static void zeros_between_packets_cost_none(void **state)
{
    static const uint8_t zeros[700];

    (void)state;
    assert_int_equal(packets_with_junk(1, zeros, 4), 60);
    assert_int_equal(packets_with_junk(2, zeros, 12), 60);
    assert_int_equal(packets_with_junk(25, zeros, 3), 60);
    assert_int_equal(packets_with_junk(3, zeros, sizeof(zeros)), 60);
}

/* Nothing else costs one either: a few high bytes, a piece of an older packet, rare or not. */
static void junk_costs_no_packet(void **state)
{
    static const uint8_t junk[8] = {0x80, 0x24, 0xff, 0x95, 0x24, 0x24, 0x80, 0xe1};
    static const uint8_t mixed[] = {0x5a, 0x11, 0xe7, 0x3c, 0x41, 0x98, 0x0d, 0x77, 0x23};
    static const uint8_t high[] = {0xff, 0xff, 0xff, 0xff};
    static uint8_t large[JUNK_MAX];

    (void)state;
    memset(large, 0x9b, sizeof(large));
    for (int interval = 1; interval < 60; interval += 7) {
        assert_int_equal(packets_with_junk(interval, junk, sizeof(junk)), 60);
        assert_int_equal(packets_with_junk(interval, mixed, sizeof(mixed)), 60);
        assert_int_equal(packets_with_junk(interval, high, sizeof(high)), 60);
        assert_int_equal(packets_with_junk(interval, large, sizeof(large)), 60);
        rtsp_input_reset(&input);
    }
}

/* A camera that once has put a rest behind a packet is not believed the next time; one that has put junk there is. */
static void what_one_packet_shows_counts_for_others(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    add_with_rest("rest");
    add_packet(0, 200);
    add_text("junk");
    add_packet(0, 100);
    add_text("junk");
    add_packet(0, 200);
    static const size_t sizes[] = {200, 200, 200, 200, 200, 100, 200};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(next(), RTSP_EVENT_PACKET);
        assert_int_equal(input.packet_size, sizes[i]);
    }
}

/* Where the junk ends is seen when the next packet comes. A packet waits for that, but not for ever, and soon not at all. */
static void what_is_unclear_is_not_waited_for_for_ever(void **state)
{
    int64_t begun = clock_now_ns();
    enum rtsp_event event = RTSP_EVENT_NONE;

    (void)state;
    rtsp_input_expect(&input, 0);
    add_packet(0, 100);
    add_text("mixed");
    assert_int_equal(next(), RTSP_EVENT_NONE);
    add_packet(0, 101);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    add_packet(0, 102);
    add_text("mixed");
    assert_int_equal(next(), RTSP_EVENT_NONE);
    while (event == RTSP_EVENT_NONE) {
        event = next();
        assert_true(clock_now_ns() - begun < 60 * NS_PER_SECOND);
    }
    assert_int_equal(event, RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 102);
    assert_true(clock_now_ns() - begun >= NS_PER_SECOND);
    for (int i = 0; i < 10; i++) {
        add_packet(0, 100 - (size_t)i);
        add_text("mixed");
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(next(), RTSP_EVENT_PACKET);
    }
}

/* Text between packets is no message. */
static void text_is_junk_too(void **state)
{
    (void)state;
    assert_int_equal(packets_with_junk(1, "HELLO WORLD", 11), 60);
    assert_int_equal(packets_with_junk(3, "GET it", 6), 60);
    assert_int_equal(packets_with_junk(20, "PING 1234\r\n", 11), 60);
}

/* More than junk is the rest of a packet, also of a camera that sends junk. */
static void a_long_rest_is_not_junk(void **state)
{
    static const uint8_t junk[8] = {0x80, 0x81, 0x82};
    static uint8_t rest[JUNK_MAX + 100];

    (void)state;
    memset(rest, 'r', sizeof(rest));
    assert_int_equal(packets_with_junk(2, junk, 8), 60);
    add_packet(0, 101);
    add(rest, sizeof(rest));
    add_packet(0, 200);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 200);
}

#define DESCRIPTION "v=0\r\ns=x\r\n\r\nm=video 0 RTP/AVP 96\r\na=control:track1\r\n"
#define SDP_TYPE "Content-Type: application/sdp\r\n"

/* A description without Content-Length, or with one that is too small or too large: a pause, or what follows, ends it. */
static void descriptions_end_where_they_end(void **state)
{
    static const char *const heads[] = {
        SDP_TYPE,
        "",
        SDP_TYPE "Content-Length: 0\r\n",
        SDP_TYPE "Content-Length: 12\r\n",
        SDP_TYPE "Content-Length: 400\r\n",
    };
    static const char body[] = DESCRIPTION;

    (void)state;
    rtsp_input_expect(&input, 0);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        for (size_t cut = 4; cut < sizeof(body); cut++) {
            bool paused = cut % 2 == 0 || i == 4; /* or else something follows */
            bool told = i < 3 || cut > 14;        /* at once that there is more than announced */
            if (!told) {
                continue;
            }
            add_text("RTSP/1.0 200 OK\r\n");
            add_text(heads[i]);
            add_text("\r\n");
            add(body, cut);
            if (cut < sizeof(body) - 1) {
                assert_int_equal(next(), RTSP_EVENT_NONE);
                assert_true(i == 4 || rtsp_input_waits_for_body(&input));
                add(body + cut, sizeof(body) - 1 - cut);
            }
            if (!paused) {
                add_packet(0, 100);
            } else {
                assert_int_equal(next(), RTSP_EVENT_NONE);
                assert_true(rtsp_input_waits_for_body(&input));
                rtsp_input_end_body(&input);
            }
            assert_int_equal(next(), RTSP_EVENT_MESSAGE);
            assert_int_equal(input.message.body_size, sizeof(body) - 1);
            assert_memory_equal(input.message.body, body, sizeof(body) - 1);
            assert_int_equal(next(), paused ? RTSP_EVENT_NONE : RTSP_EVENT_PACKET);
        }
    }
}

static void other_bodies_are_as_long_as_they_say(void **state)
{
    (void)state;
    add_text("RTSP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nv=0\n");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_int_equal(input.message.body_size, 4);
    add_text("RTSP/1.0 200 OK\r\nPublic: OPTIONS\r\n\r\n");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_false(rtsp_input_waits_for_body(&input));
    add_text("RTSP/1.0 200 OK\r\n" SDP_TYPE "Content-Length: 5\r\n\r\nv=0\r\nRTSP/1.0 200 OK\r\n\r\n");
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_int_equal(input.message.body_size, 5);
    assert_int_equal(next(), RTSP_EVENT_MESSAGE);
    assert_int_equal(next(), RTSP_EVENT_NONE);
}

static void gives_up_on_endless_garbage(void **state)
{
    static uint8_t garbage[65536];
    enum rtsp_event event;
    int result = 0;

    (void)state;
    memset(garbage, 0x15, sizeof(garbage));
    for (int i = 0; i < 8 && result == 0; i++) {
        add(garbage, sizeof(garbage));
        result = next_result(&event);
        assert_int_equal(event, RTSP_EVENT_NONE);
    }
    assert_int_equal(result, -EBADMSG);
    assert_true(input.garbage <= RTSP_INPUT_GARBAGE_MAX + sizeof(garbage));
}

/* A description that holds whole pictures does not fit into the usual room. */
static void a_large_body_is_read(void **state)
{
    enum { BODY = 600000 };
    char line[4097];
    enum rtsp_event event = RTSP_EVENT_NONE;
    size_t room;

    (void)state;
    rtsp_input_expect(&input, 0);
    add_packet(0, 2000);
    add_packet(0, 100);
    assert_int_equal(next(), RTSP_EVENT_PACKET); /* so that the message does not begin at the beginning */
    memset(line, 'a', sizeof(line));
    snprintf(line, sizeof(line), "RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
    add_text(line);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(next(), RTSP_EVENT_NONE);
    memset(line, 'b', sizeof(line));
    for (size_t left = BODY; left > 0;) {
        size_t part = left < 4096 ? left : 4096;
        add(line, part);
        left -= part;
        assert_int_equal(next_result(&event), 0);
        assert_int_equal(event, left > 0 ? RTSP_EVENT_NONE : RTSP_EVENT_MESSAGE);
    }
    assert_int_equal(input.message.body_size, BODY);
    assert_int_equal(input.message.body[BODY - 1], 'b');
    add_packet(0, 300);
    assert_int_equal(next(), RTSP_EVENT_PACKET);
    assert_int_equal(input.packet_size, 300);
    assert_int_equal(next(), RTSP_EVENT_NONE);
    (void)rtsp_input_room(&input, &room);
    assert_int_equal(input.capacity, RTSP_INPUT_SIZE); /* and shrinks again */
}

static void refuses_what_is_too_large(void **state)
{
    const char *what = NULL;
    int64_t bytes = 0;
    enum rtsp_event event;

    (void)state;
    add_text("RTSP/1.0 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    assert_int_equal(rtsp_input_next(&input, &event, &what, &bytes), -EMSGSIZE);
    assert_string_equal(what, "body");
    assert_int_equal(bytes, 104857600);

    rtsp_input_reset(&input);
    add_text("RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n");
    assert_int_equal(rtsp_input_next(&input, &event, &what, &bytes), -EMSGSIZE);

    rtsp_input_reset(&input);
    add_text("RTSP/1.0 200 OK\r\n");
    int result = 0;
    for (int i = 0; i < 2000 && result == 0; i++) {
        add_text("X-Endless: header\r\n");
        result = rtsp_input_next(&input, &event, &what, &bytes);
    }
    assert_int_equal(result, -EMSGSIZE);
    assert_string_equal(what, "headers");

    rtsp_input_reset(&input);
    add_text("RTSP/1.0 200 OK\r\n");
    for (int i = 0; i <= RTSP_HEADERS_MAX; i++) {
        add_text("A: b\r\n");
    }
    add_text("\r\n");
    assert_int_equal(rtsp_input_next(&input, &event, &what, &bytes), -EMSGSIZE);
}

static void tells_http_apart(void **state)
{
    enum rtsp_event event;

    (void)state;
    add_text("HTTP/1.1 400 Bad Request\r\n");
    assert_int_equal(next_result(&event), -EPROTONOSUPPORT);
}

/* As many bytes as a camera sends in hours go through one buffer. */
static void goes_on_for_ever(void **state)
{
    (void)state;
    rtsp_input_expect(&input, 0);
    for (int i = 0; i < 20000; i++) {
        add_packet(0, 1 + (size_t)(i * 7 % 2000));
        if (i % 3 == 0) {
            continue; /* several wait at times */
        }
        while (next() == RTSP_EVENT_PACKET) {
            assert_true(input.packet_size >= 1);
        }
    }
    assert_int_equal(input.garbage, 0);
}

/* A stream whose reads end in the middle of packets needs no more of the buffer than a read and a packet. */
static void a_stream_stays_at_the_beginning_of_its_buffer(void **state)
{
    static const uint8_t packet[4 + 1400] = {'$', 0, 1400 >> 8, 1400 & 0xff, 0x80, 96};
    uint8_t *begin = input.data;
    uint8_t *furthest = begin;
    size_t sent = 0;
    size_t packets = 0;

    (void)state;
    rtsp_input_expect(&input, 0);
    while (packets < 2000) {
        enum rtsp_event event;
        size_t room;
        uint8_t *at = rtsp_input_room(&input, &room);
        size_t piece = room < 10007 ? room : 10007;
        for (size_t i = 0; i < piece; i++) {
            at[i] = packet[sent++ % sizeof(packet)];
        }
        rtsp_input_added(&input, piece);
        furthest = at + piece > furthest ? at + piece : furthest;
        while ((event = next()) == RTSP_EVENT_PACKET) {
            packets++;
        }
        assert_int_equal(event, RTSP_EVENT_NONE);
    }
    assert_ptr_equal(input.data, begin);
    assert_true(furthest - begin <= 16384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_messages_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_end_as_they_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_mind_how_it_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_of_other_channels_are_skipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_packet_can_be_left_for_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_its_way_after_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_its_way_after_a_short_packet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_packet_with_a_rest_behind_it_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeros_between_packets_cost_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(junk_costs_no_packet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_unclear_is_not_waited_for_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_one_packet_shows_counts_for_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptions_end_where_they_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_bodies_are_as_long_as_they_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rest_is_told_by_more_than_its_first_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeros_of_a_packet_that_was_swallowed_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_is_junk_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_rest_is_not_junk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_up_on_endless_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_body_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_http_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_stays_at_the_beginning_of_its_buffer, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
