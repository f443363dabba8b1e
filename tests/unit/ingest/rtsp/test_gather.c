/* SPDX-License-Identifier: MIT */
/* Packets of a picture that may wait for more, and those that may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/rtsp/rtsp_gather.h"

#define PACKET 1400

/* A picture of SIZE bytes in packets. What is waited for never reaches into the last quarter of SMALLEST. */
static unsigned wakes_for(struct rtsp_gather *gather, size_t size, size_t smallest)
{
    unsigned wakes = 0;

    for (size_t sent = 0; sent < size; wakes++) {
        size_t wait = rtsp_gather_bytes(gather, 0);
        assert_true(wait == 1 || (sent > 0 && sent + wait <= smallest - smallest / 4));
        for (size_t more = 0; more < wait && sent < size;) {
            size_t piece = size - sent < PACKET ? size - sent : PACKET;
            sent += piece;
            more += piece;
            rtsp_gather_packet(gather, piece, sent == size);
        }
    }
    return wakes;
}

static void most_of_a_picture_comes_at_once(void **state)
{
    struct rtsp_gather gather = {0};

    (void)state;
    for (int i = 0; i < 64; i++) {
        wakes_for(&gather, 10 * PACKET, 10 * PACKET);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(wakes_for(&gather, 10 * PACKET, 10 * PACKET), 4); /* the first, most, and two more */
    }
}

static void the_smallest_picture_of_late_is_the_measure(void **state)
{
    struct rtsp_gather gather = {0};

    (void)state;
    for (int i = 0; i < 32; i++) {
        assert_int_equal(wakes_for(&gather, 20 * PACKET, 0), 20); /* nothing is known yet */
    }
    wakes_for(&gather, 8 * PACKET, 20 * PACKET);
    for (int i = 0; i < 63; i++) {
        wakes_for(&gather, 20 * PACKET, 8 * PACKET);
    }
    assert_int_equal(wakes_for(&gather, 20 * PACKET, 20 * PACKET), 7);
}

static void small_pictures_are_not_waited_for(void **state)
{
    struct rtsp_gather gather = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(wakes_for(&gather, 2 * PACKET, 2 * PACKET), 2);
    }
}

static void what_is_held_counts(void **state)
{
    struct rtsp_gather gather = {.picture = PACKET, .earlier = 10 * PACKET};
    size_t missing = 10 * PACKET - 10 * PACKET / 4 - PACKET;

    (void)state;
    assert_int_equal(rtsp_gather_bytes(&gather, 0), missing);
    assert_int_equal(rtsp_gather_bytes(&gather, 1000), missing - 1000);
    assert_int_equal(rtsp_gather_bytes(&gather, missing), 1);
    gather.earlier = 1000 * PACKET;
    assert_true(rtsp_gather_bytes(&gather, 0) <= 32768); /* the socket must have room for them */
}

static void it_is_left_when_it_fails(void **state)
{
    struct rtsp_gather gather = {0};

    (void)state;
    for (int i = 0; i < 64; i++) {
        wakes_for(&gather, 10 * PACKET, 10 * PACKET);
    }
    rtsp_gather_failed(&gather);
    for (int i = 0; i < 250; i++) {
        assert_int_equal(wakes_for(&gather, 10 * PACKET, 10 * PACKET), 10);
    }
    assert_int_equal(wakes_for(&gather, 10 * PACKET, 10 * PACKET), 4);
}

/* A camera without marks has one picture that goes on and on. */
static void without_marks_nothing_is_waited_for(void **state)
{
    struct rtsp_gather gather = {0};

    (void)state;
    for (int i = 0; i < 100000; i++) {
        rtsp_gather_packet(&gather, PACKET, false);
        assert_int_equal(rtsp_gather_bytes(&gather, 0), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_of_a_picture_comes_at_once),
        cmocka_unit_test(the_smallest_picture_of_late_is_the_measure),
        cmocka_unit_test(small_pictures_are_not_waited_for),
        cmocka_unit_test(what_is_held_counts),
        cmocka_unit_test(it_is_left_when_it_fails),
        cmocka_unit_test(without_marks_nothing_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
