/* SPDX-License-Identifier: MIT */
/* The parts of the benchmark whose mistakes would look like results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/fragment_head.h"
#include "tests/bench/histogram.h"
#include "tests/bench/raw_message.h"
#include "tests/bench/rtp_frame.h"
#include "tests/bench/stamp.h"
#include "tests/bench/ws_stream.h"

static void stamp_survives_and_needs_no_emulation_prevention(void **state)
{
    (void)state;
    const struct stamp stamps[] = {{0, 0}, {INT64_MAX, UINT64_MAX}, {0x0000010000030000, 0x0100000300000200}};
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        uint8_t nal[STAMP_NAL_SIZE];
        struct stamp read;
        stamp_write(nal, &stamps[i]);
        for (size_t at = 0; at < sizeof nal; at++) {
            assert_int_not_equal(nal[at], 0);
        }
        assert_true(stamp_read(nal, sizeof nal, &read));
        assert_int_equal(read.capture_ns, stamps[i].capture_ns);
        assert_true(read.frame == stamps[i].frame);
        assert_false(stamp_read(nal, sizeof nal - 1, &read));
        nal[5] ^= 1;
        assert_false(stamp_read(nal, sizeof nal, &read));
    }
}

static void percentiles_are_within_a_hundredth(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof *histogram);
    assert_non_null(histogram);
    for (int64_t i = 1; i <= 100000; i++) {
        histogram_add(histogram, i * 1000);
    }
    const double fractions[] = {0.01, 0.5, 0.95, 0.99, 1.0};
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
        double exact = fractions[i] * 1e8, got = (double)histogram_percentile(histogram, fractions[i]);
        assert_true(got > exact * 0.99 && got < exact * 1.01);
    }
    assert_int_equal(histogram->max, 100000000);
    histogram_add(histogram, -1);
    histogram_add(histogram, INT64_MAX);
    assert_int_equal(histogram_percentile(histogram, 0), 0);
    free(histogram);
}

/* Feeds STREAM in steps of STEP bytes and counts what comes out. */
static void feed_in_steps(const uint8_t *stream, size_t length, size_t step, uint64_t *bytes, size_t *ends,
                          size_t *controls)
{
    struct ws_stream parser;
    struct ws_chunk chunk;
    ws_stream_init(&parser);
    *bytes = *ends = *controls = 0;
    for (size_t at = 0; at < length; at += step) {
        const uint8_t *data = stream + at;
        size_t left = length - at < step ? length - at : step;
        enum ws_result result;
        while ((result = ws_stream_next(&parser, &data, &left, &chunk)) == WS_CHUNK) {
            *bytes += chunk.length;
            *ends += chunk.end;
            *controls += chunk.opcode == WS_PING;
        }
        assert_int_equal(result, WS_MORE);
        assert_int_equal(left, 0);
    }
}

static void stream_parser_does_not_care_how_bytes_arrive(void **state)
{
    (void)state;
    /*
     * A message of 200 bytes in two frames with a ping between them, an empty text, one with a 64-bit length.
     */
    uint8_t stream[2 + 100 + 2 + 1 + 2 + 100 + 2 + 10 + 300] = {0};
    uint8_t *out = stream;
    memcpy(out, (uint8_t[]){0x02, 100}, 2);
    memcpy(out += 102, (uint8_t[]){0x89, 1, 'p'}, 3);
    memcpy(out += 3, (uint8_t[]){0x80, 100}, 2);
    memcpy(out += 102, (uint8_t[]){0x81, 0}, 2);
    memcpy(out + 2, (uint8_t[]){0x82, 127, 0, 0, 0, 0, 0, 0, 1, 44}, 10);
    for (size_t step = 1; step <= sizeof stream; step++) {
        uint64_t bytes;
        size_t ends, controls;
        feed_in_steps(stream, sizeof stream, step, &bytes, &ends, &controls);
        assert_int_equal(bytes, 100 + 1 + 100 + 0 + 300);
        assert_int_equal(ends, 4);
        assert_true(controls >= 1);
    }
}

static void stream_parser_refuses(void **state)
{
    (void)state;
    const uint8_t wrong[][10] = {
        {0x82, 0x81},                           /* masked */
        {0xc2, 0x01},                           /* reserved bit */
        {0x80, 0x01},                           /* continues nothing */
        {0x09, 0x01},                           /* control frame in pieces */
        {0x88, 126, 0, 200},                    /* control frame too long */
        {0x83, 0x01},                           /* unknown opcode */
        {0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1}, /* length with its top bit set */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ws_stream parser;
        struct ws_chunk chunk;
        const uint8_t *data = wrong[i];
        size_t length = sizeof wrong[i];
        ws_stream_init(&parser);
        assert_int_equal(ws_stream_next(&parser, &data, &length, &chunk), WS_BROKEN);
    }
}

/* Numbers that look random, the same in every run (xorshift32). */
static uint32_t next_number(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void box_scanner_survives_any_bytes(void **state)
{
    (void)state;
    const uint8_t start[] = {0,   0,   0,   60,  'm', 'o', 'o', 'f', 0,   0,   0,   16,  'm', 'f',
                             'h', 'd', 0,   0,   0,   0,   0,   0,   0,   9,   0,   0,   0,   44,
                             't', 'r', 'a', 'f', 0,   0,   0,   16,  't', 'f', 'h', 'd', 0,   0,
                             0,   0,   0,   0,   0,   1,   0,   0,   0,   20,  't', 'r', 'u', 'n'};
    uint32_t seed = 4711;
    for (int round = 0; round < 20000; round++) {
        size_t length = 1 + next_number(&seed) % 200;
        uint8_t *data = malloc(length); /* exactly as long, so that ASan sees a read past it */
        struct fragment_head head;
        assert_non_null(data);
        for (size_t i = 0; i < length; i++) {
            data[i] = i < sizeof start && next_number(&seed) % 16 ? start[i] : (uint8_t)next_number(&seed);
        }
        fragment_kind(data, length);
        fragment_video_track(data, length);
        fragment_head_read(data, length, 1, &head);
        free(data);
    }
}

static void raw_messages_in_any_pieces(void **state)
{
    (void)state;
    uint8_t stream[300] = {0};
    for (size_t i = 0; i < 3; i++) {
        struct raw_header header = {.length = 100, .sequence = (uint32_t)i + 1, .sent_ns = 5};
        memcpy(stream + 100 * i, &header, sizeof header);
    }
    for (size_t step = 1; step <= sizeof stream; step++) {
        struct raw_stream parser = {0};
        uint32_t messages = 0;
        for (size_t at = 0; at < sizeof stream; at += step) {
            const uint8_t *data = stream + at;
            size_t left = sizeof stream - at < step ? sizeof stream - at : step;
            while (raw_stream_next(&parser, &data, &left)) {
                assert_int_equal(parser.header.sequence, ++messages);
            }
        }
        assert_int_equal(messages, 3);
    }
}

static void long_nal_units_come_back_together(void **state)
{
    (void)state;
    struct rtp_frame frame;
    struct rtp_stream stream = {.payload_type = 96, .sequence = 65535, .ssrc = 1};
    uint8_t nal[5000], back[sizeof nal];
    size_t length = 1;
    for (size_t i = 0; i < sizeof nal; i++) {
        nal[i] = (uint8_t)(i * 7 + 0x65);
    }
    assert_int_equal(rtp_frame_init(&frame, sizeof nal), 0);
    rtp_frame_add_nal(&frame, &stream, 1234, nal, sizeof nal, true);
    assert_int_equal(frame.packet_count, 4);
    for (size_t i = 0; i < frame.packet_count; i++) {
        const uint8_t *packet = frame.data + frame.packets[i].offset + RTP_INTERLEAVED_HEADER;
        assert_int_equal(packet[1] >> 7, i == 3);
        assert_int_equal((uint16_t)(packet[2] << 8 | packet[3]), (uint16_t)(65535 + i));
        assert_int_equal(packet[13] >> 6, i == 0 ? 2 : i == 3 ? 1 : 0);
        back[0] = (uint8_t)((packet[12] & 0xe0) | (packet[13] & 0x1f));
        memcpy(back + length, packet + 14, frame.packets[i].length - 14);
        length += frame.packets[i].length - 14;
    }
    assert_int_equal(length, sizeof nal);
    assert_memory_equal(back, nal, sizeof nal);
    rtp_frame_finish(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamp_survives_and_needs_no_emulation_prevention),
        cmocka_unit_test(percentiles_are_within_a_hundredth),
        cmocka_unit_test(stream_parser_does_not_care_how_bytes_arrive),
        cmocka_unit_test(stream_parser_refuses),
        cmocka_unit_test(box_scanner_survives_any_bytes),
        cmocka_unit_test(raw_messages_in_any_pieces),
        cmocka_unit_test(long_nal_units_come_back_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
