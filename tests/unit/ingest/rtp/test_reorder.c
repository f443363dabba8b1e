/* SPDX-License-Identifier: MIT */
/* Sequence numbers: order, losses, duplicates, wraps, new beginnings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/rtp/reorder.h"

#define MS INT64_C(1000000)

static struct reorder *reorder;
static uint16_t out[4096]; /* sequence numbers that came out */
static bool gaps[4096];
static size_t count;

static void begin(int64_t window)
{
    reorder_finish(reorder);
    reorder_init(reorder, window);
    count = 0;
}

static int setup(void **state)
{
    (void)state;
    reorder = malloc(sizeof(*reorder));
    if (reorder != NULL) {
        reorder_init(reorder, 1);
    }
    return reorder == NULL;
}

static int teardown(void **state)
{
    (void)state;
    reorder_finish(reorder);
    free(reorder);
    return 0;
}

static void take(void)
{
    struct reorder_packet packet;

    while (reorder_next(reorder, &packet) == 1) {
        assert_int_equal(packet.packet.size, 2);
        memcpy(&out[count], packet.packet.payload, 2);
        gaps[count++] = packet.gap;
    }
}

static enum reorder_result put_at(uint16_t sequence, int64_t ms)
{
    uint8_t *payload = malloc(2);

    assert_non_null(payload);
    memcpy(payload, &sequence, 2);
    const struct rtp_packet packet = {.sequence = sequence, .payload = payload, .size = 2};
    enum reorder_result result = reorder_put(reorder, &packet, ms * MS);
    take();
    free(payload);
    return result;
}

static enum reorder_result put(uint16_t sequence)
{
    return put_at(sequence, 0);
}

static void in_order_passes_across_the_wrap(void **state)
{
    (void)state;
    begin(REORDER_PACKETS);
    for (unsigned i = 0; i < 1000; i++) {
        put((uint16_t)(65000 + i));
    }
    assert_int_equal(count, 1000);
    assert_int_equal(out[999], (uint16_t)65999);
    assert_int_equal(reorder->lost + reorder->reordered + reorder->duplicates, 0);
    assert_int_equal(reorder->waiting_bytes, 0);
}

static void udp_waits_for_what_is_missing(void **state)
{
    (void)state;
    begin(REORDER_PACKETS);
    put(65534);
    put(0);
    put(1);
    put(1);
    assert_int_equal(count, 1);
    put(65535);
    assert_int_equal(count, 4);
    assert_int_equal(out[1], 65535);
    assert_int_equal(out[3], 1);
    assert_int_equal(reorder->lost, 0);
    assert_int_equal(reorder->reordered, 1);
    assert_int_equal(reorder->duplicates, 1);
    assert_int_equal(put(0), REORDER_OLD);
    assert_int_equal(reorder->duplicates, 2);
}

static void udp_waits_no_longer_than_it_may(void **state)
{
    (void)state;
    begin(REORDER_PACKETS);
    put_at(10, 0);
    put_at(12, 5);
    put_at(14, 50);
    assert_int_equal(reorder_deadline(reorder), 5 * MS + REORDER_WAIT_NS);
    reorder_expire(reorder, 104 * MS);
    take();
    assert_int_equal(count, 1);
    reorder_expire(reorder, 105 * MS);
    take();
    assert_int_equal(count, 2);
    assert_true(gaps[1]);
    assert_int_equal(reorder_deadline(reorder), 50 * MS + REORDER_WAIT_NS);
    put_at(13, 120);
    assert_int_equal(count, 4);
    assert_false(gaps[2]);
    assert_int_equal(reorder->lost, 1);
    assert_int_equal(put_at(11, 121), REORDER_OLD); /* too late */
    assert_int_equal(reorder->reordered, 2);
    assert_int_equal(reorder_deadline(reorder), INT64_MAX);
}

static void udp_lets_no_more_wait_than_there_is_room(void **state)
{
    (void)state;
    begin(REORDER_PACKETS);
    put(0);
    for (unsigned i = 2; i <= REORDER_PACKETS; i++) {
        put((uint16_t)i);
    }
    assert_int_equal(count, 1);
    put(REORDER_PACKETS + 1);
    assert_int_equal(count, REORDER_PACKETS + 1);
    assert_int_equal(reorder->lost, 1);
    assert_true(gaps[1]);
    assert_false(gaps[2]);
}

static void udp_lets_no_more_bytes_wait(void **state)
{
    static uint8_t big[60000];
    struct rtp_packet given = {.payload = big, .size = sizeof(big)};
    struct reorder_packet packet;

    (void)state;
    begin(REORDER_PACKETS);
    reorder_put(reorder, &given, 0);
    while (reorder_next(reorder, &packet) == 1) {
        count++;
    }
    for (uint16_t i = 2; i < 50; i++) {
        given.sequence = i;
        reorder_put(reorder, &given, 0);
        while (reorder_next(reorder, &packet) == 1) {
            count++;
        }
        assert_true(reorder->waiting_bytes <= REORDER_BYTES_MAX);
    }
    assert_int_equal(count, 49);
    assert_int_equal(reorder->lost, 1);
}

static void without_a_window_nothing_waits(void **state)
{
    (void)state;
    begin(1);
    put(10);
    put(12);
    put(11);
    put(12);
    put(13);
    assert_int_equal(count, 3);
    assert_true(gaps[1]);
    assert_int_equal(reorder->lost, 1);
    assert_int_equal(reorder->reordered, 1);
    assert_int_equal(reorder->duplicates, 1);
    put(2000);
    assert_int_equal(reorder->lost, 1 + 1986);
}

/* Most tracks never need the slots, which would be a part of what a camera costs. */
static void memory_is_taken_when_something_waits(void **state)
{
    (void)state;
    begin(REORDER_PACKETS);
    put(10);
    put(11);
    put(11);
    assert_null(reorder->slots);
    put(13);
    assert_non_null(reorder->slots);
    put(12);
    assert_int_equal(count, 4);
}

/* Cameras are known that put their packets out of order themselves. */
static void tcp_waits_for_a_few(void **state)
{
    (void)state;
    begin(REORDER_PACKETS_TCP);
    put(10);
    put(12);
    put(13);
    assert_int_equal(count, 1);
    put(11);
    assert_int_equal(count, 4);
    assert_int_equal(out[1], 11);
    assert_int_equal(reorder->lost, 0);
    for (uint16_t i = 15; i < 14 + REORDER_PACKETS_TCP; i++) {
        put(i);
        assert_int_equal(count, 4);
    }
    put(14 + REORDER_PACKETS_TCP); /* no more wait, so 14 is lost */
    assert_int_equal(count, 4 + REORDER_PACKETS_TCP);
    assert_true(gaps[4]);
    assert_int_equal(reorder->lost, 1);
    put(2000);
    assert_int_equal(out[count - 1], 2000);
    assert_int_equal(reorder->lost, 1 + 2000 - 15 - REORDER_PACKETS_TCP);
}

/* What they are is for the track to say. */
static void far_numbers_are_not_taken(void **state)
{
    (void)state;
    begin(REORDER_PACKETS);
    put(10);
    assert_int_equal(put(40000), REORDER_JUMP);
    assert_int_equal(put(11), REORDER_TAKEN);
    assert_int_equal(put(65000), REORDER_JUMP);
    reorder_restart(reorder);
    assert_int_equal(put(40001), REORDER_TAKEN);
    assert_int_equal(count, 3);
    assert_int_equal(out[2], 40001);
    assert_int_equal(reorder->lost, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        TEST(in_order_passes_across_the_wrap),
        TEST(udp_waits_for_what_is_missing),
        TEST(udp_waits_no_longer_than_it_may),
        TEST(udp_lets_no_more_wait_than_there_is_room),
        TEST(udp_lets_no_more_bytes_wait),
        TEST(without_a_window_nothing_waits),
        TEST(memory_is_taken_when_something_waits),
        TEST(tcp_waits_for_a_few),
        TEST(far_numbers_are_not_taken),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
