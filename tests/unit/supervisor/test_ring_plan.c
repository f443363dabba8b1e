/* SPDX-License-Identifier: MIT */
/* How large a ring should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/camera/ring_plan.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define MAX (16 * MIB)

static size_t fit(uint64_t gop, uint64_t fragment, uint64_t second)
{
    const struct ring_demand demand = {gop, fragment, second};

    return ring_plan_fit(&demand, MAX);
}

static void a_ring_holds_a_gop_and_a_third(void **state)
{
    (void)state;
    assert_int_equal(fit(0, 0, 0), RING_PLAN_MIN);
    assert_int_equal(fit(192 * KIB, 0, 0), 256 * KIB);
    assert_int_equal(fit(193 * KIB, 0, 0), 320 * KIB);
    assert_int_equal(fit(545000, 0, 0), 768 * KIB);
    assert_int_equal(fit(12 * MIB, 0, 0), 15 * MIB + 960 * KIB);
    assert_int_equal(fit(13 * MIB, 0, 0), MAX);
    assert_int_equal(fit(UINT64_MAX, UINT64_MAX, UINT64_MAX), MAX);
}

static void a_keyframe_takes_less_than_a_quarter(void **state)
{
    (void)state;
    assert_int_equal(fit(0, 48 * KIB, 0), 256 * KIB);
    assert_int_equal(fit(0, 52 * KIB, 0), 320 * KIB);
    assert_int_equal(fit(100, 800 * KIB, 0), 4 * MIB + 192 * KIB);
}

static void a_ring_holds_a_second(void **state)
{
    (void)state;
    assert_int_equal(fit(1000, 1000, 400 * KIB), 640 * KIB);
}

static void a_small_maximum_holds(void **state)
{
    const struct ring_demand demand = {.gop_bytes = MIB};

    (void)state;
    assert_int_equal(ring_plan_fit(&demand, RING_PLAN_MIN), RING_PLAN_MIN);
    assert_int_equal(ring_plan_fit(&demand, MIB), MIB);
}

static void grows_at_once(void **state)
{
    const struct ring_demand demand = {.gop_bytes = 3 * MIB};
    struct ring_plan plan = {0};

    (void)state;
    assert_int_equal(ring_plan_next(&plan, &demand, MIB, MAX, 1), 4 * MIB);
    assert_int_equal(ring_plan_next(&plan, &demand, 4 * MIB, MAX, 2), 4 * MIB);
}

static void shrinks_after_a_minute_without_need(void **state)
{
    const struct ring_demand little = {.gop_bytes = 300 * KIB}, more = {.gop_bytes = 1400 * KIB};
    struct ring_plan plan = {0};
    uint64_t now = 1000;

    (void)state;
    assert_int_equal(ring_plan_next(&plan, &little, 2 * MIB, MAX, now), 2 * MIB);
    now += RING_PLAN_SHRINK_MS - 1;
    assert_int_equal(ring_plan_next(&plan, &little, 2 * MIB, MAX, now), 2 * MIB);
    assert_int_equal(ring_plan_next(&plan, &more, 2 * MIB, MAX, now), 2 * MIB); /* the minute begins again */
    now += 1;
    assert_int_equal(ring_plan_next(&plan, &little, 2 * MIB, MAX, now), 2 * MIB);
    now += RING_PLAN_SHRINK_MS - 1;
    assert_int_equal(ring_plan_next(&plan, &little, 2 * MIB, MAX, now), 2 * MIB);
    now += 1;
    assert_int_equal(ring_plan_next(&plan, &little, 2 * MIB, MAX, now), 448 * KIB);
}

/* By a quarter, so that a stream that grows slowly does not move its ring with each group. */
static void grows_by_a_quarter_at_least(void **state)
{
    const struct ring_demand demand = {.gop_bytes = 1640 * KIB};
    struct ring_plan plan = {0};

    (void)state;
    assert_int_equal(ring_plan_next(&plan, &demand, 2 * MIB, MAX, 1), 2560 * KIB);
    assert_int_equal(ring_plan_next(&plan, &demand, 2 * MIB, 2 * MIB, 1), 2 * MIB);
}

/* A group of pictures of a minute is told from its beginning on: it is no measure before it has ended. */
static void a_group_that_grows_does_not_shrink_its_ring(void **state)
{
    struct ring_plan plan = {0};

    (void)state;
    for (uint64_t second = 1; second < 40; second++) {
        const struct ring_demand demand = {.gop_bytes = second * 15 * KIB};
        assert_int_equal(
            ring_plan_next(&plan, &demand, RING_PLAN_FIRST, MAX, second * (RING_PLAN_SHRINK_MS / 10)),
            RING_PLAN_FIRST);
    }
}

/* More than three quarters, less than the whole: as it is. */
static void a_little_less_need_changes_nothing(void **state)
{
    const struct ring_demand demand = {.gop_bytes = 600 * KIB};
    struct ring_plan plan = {0};

    (void)state;
    for (uint64_t now = 1; now < UINT64_C(10) * RING_PLAN_SHRINK_MS; now += RING_PLAN_SHRINK_MS / 2) {
        assert_int_equal(ring_plan_next(&plan, &demand, MIB, MAX, now), MIB);
    }
}

/* A stream of BYTES a second is told once a second from *NOW on; the sizes that the ring has at the end. */
static size_t after_seconds(struct ring_plan *plan, uint64_t bytes, int seconds, size_t size, uint64_t *now)
{
    const struct ring_demand demand = {.gop_bytes = 2 * bytes, .bytes_per_second = bytes};

    for (int i = 0; i < seconds; i++, *now += 1000) {
        size = ring_plan_next(plan, &demand, size, 256 * MIB, *now);
    }
    return size;
}

/* SIZE is what BYTES for SECONDS take, with a group of 2 s and a thirty-second part, within a part of MORE. */
static void assert_holds(size_t size, uint64_t bytes, uint64_t seconds, double more)
{
    double computed = (double)bytes * ((double)seconds * 33 / 32 + 2);

    assert_true((double)size >= computed / (1 + 1.0 / 16) &&
                (double)size <= computed * (1 + more) + RING_PLAN_STEP);
}

/* 120 s of 2 Mbit/s with what the ring adds to each fragment. */
static void a_ring_keeps_the_past(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000;

    (void)state;
    size_t size = after_seconds(&plan, 252400, 2, MIB, &now);
    assert_int_equal(size, MIB); /* not before the rate is known */
    size = after_seconds(&plan, 252400, 8, size, &now);
    assert_holds(size, 252400, 120, 0);
    assert_true(size < 30000000 * 1.1); /* of what the stream itself takes */
    assert_int_equal(after_seconds(&plan, 252400, 600, size, &now), size);
    plan = (struct ring_plan){.look_back_s = 10};
    assert_holds(after_seconds(&plan, 252400, 60, MIB, &now), 252400, 10, 0);
}

/* Cameras begin with a burst, and the ring does not stay as large as that. */
static void a_burst_at_the_beginning_passes(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000;

    (void)state;
    size_t size = after_seconds(&plan, 600000, 5, MIB, &now);
    assert_holds(size, 600000, 120, 0);
    size = after_seconds(&plan, 252400, 400, size, &now);
    assert_holds(size, 252400, 120, 1.0 / 8);
}

static void the_past_follows_the_mean_rate(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000;

    (void)state;
    size_t size = after_seconds(&plan, 252400, 300, MIB, &now);
    const size_t calm = size;
    size = after_seconds(&plan, 500000, 5, size, &now); /* a moment of movement */
    assert_int_equal(size, calm);
    size = after_seconds(&plan, 500000, 800, size, &now); /* a busy day */
    assert_holds(size, 500000, 120, 1.0 / 8);
    size = after_seconds(&plan, 50000, 1200, size, &now); /* the night */
    assert_holds(size, 50000, 120, 1.0 / 8);
}

/* The ring before is the only one that the fan-out holds, so its past must not count any more when the next one comes. */
static void a_full_ring_is_not_moved_twice_in_its_time(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000, moved = 0;

    (void)state;
    size_t size = after_seconds(&plan, 252400, 300, MIB, &now);
    for (int i = 0; i < 600; i++) { /* ever more */
        size_t next = after_seconds(&plan, 252400 + (uint64_t)i * 1000, 1, size, &now);
        if (next != size) {
            assert_true(moved == 0 || now - moved >= 120000);
            moved = now;
        }
        size = next;
    }
    assert_true(moved > 0);
}

static void a_rate_that_wavers_does_not_move_the_ring(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000;

    (void)state;
    size_t size = after_seconds(&plan, 266000, 200, MIB, &now);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(after_seconds(&plan, i % 2 ? 266000 : 278000, 100, size, &now), size);
    }
    size_t larger = after_seconds(&plan, 300000, 400, size, &now);
    assert_holds(larger, 300000, 120, 0);
    assert_true(larger > size);
}

/* A ringcastd that takes over finds a ring that is right, and a few seconds say less than the ring does. */
static void a_ring_from_before_is_not_moved_for_a_few_seconds(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000;
    const size_t size = 32 * MIB;

    (void)state;
    assert_int_equal(after_seconds(&plan, 320000, 30, size, &now), size);
    assert_int_equal(after_seconds(&plan, 252400, 600, size, &now), size);
}

/* A camera that sends nothing for a while is not taken for one of a low rate. */
static void silence_says_nothing_of_the_rate(void **state)
{
    struct ring_plan plan = {.look_back_s = 120};
    uint64_t now = 1000;

    (void)state;
    size_t size = after_seconds(&plan, 252400, 300, MIB, &now);
    const struct ring_demand silence = {.gop_bytes = 504800};
    for (int i = 0; i < 900; i++, now += 1000) {
        assert_int_equal(ring_plan_next(&plan, &silence, size, 256 * MIB, now), size);
    }
    assert_int_equal(after_seconds(&plan, 252400, 10, size, &now), size);
}

static void no_rate_takes_more_than_the_maximum(void **state)
{
    struct ring_plan plan = {.look_back_s = 3600};
    uint64_t now = 1;

    (void)state;
    assert_int_equal(after_seconds(&plan, UINT64_MAX / 2, 100, MIB, &now), 256 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_holds_a_gop_and_a_third),
        cmocka_unit_test(a_keyframe_takes_less_than_a_quarter),
        cmocka_unit_test(a_ring_holds_a_second),
        cmocka_unit_test(a_small_maximum_holds),
        cmocka_unit_test(grows_at_once),
        cmocka_unit_test(shrinks_after_a_minute_without_need),
        cmocka_unit_test(grows_by_a_quarter_at_least),
        cmocka_unit_test(a_group_that_grows_does_not_shrink_its_ring),
        cmocka_unit_test(a_little_less_need_changes_nothing),
        cmocka_unit_test(a_ring_keeps_the_past),
        cmocka_unit_test(the_past_follows_the_mean_rate),
        cmocka_unit_test(a_burst_at_the_beginning_passes),
        cmocka_unit_test(a_full_ring_is_not_moved_twice_in_its_time),
        cmocka_unit_test(a_rate_that_wavers_does_not_move_the_ring),
        cmocka_unit_test(a_ring_from_before_is_not_moved_for_a_few_seconds),
        cmocka_unit_test(silence_says_nothing_of_the_rate),
        cmocka_unit_test(no_rate_takes_more_than_the_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
