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

static void a_ring_holds_a_gop_and_a_half(void **state)
{
    (void)state;
    assert_int_equal(fit(0, 0, 0), RING_PLAN_MIN);
    assert_int_equal(fit(170 * KIB, 0, 0), 256 * KIB);
    assert_int_equal(fit(171 * KIB, 0, 0), 512 * KIB);
    assert_int_equal(fit(545000, 0, 0), MIB);
    assert_int_equal(fit(10 * MIB, 0, 0), MAX);
    assert_int_equal(fit(11 * MIB, 0, 0), MAX);
    assert_int_equal(fit(UINT64_MAX, UINT64_MAX, UINT64_MAX), MAX);
}

static void a_keyframe_takes_less_than_a_quarter(void **state)
{
    (void)state;
    assert_int_equal(fit(0, 51 * KIB, 0), 256 * KIB);
    assert_int_equal(fit(0, 52 * KIB, 0), 512 * KIB);
    assert_int_equal(fit(100, 800 * KIB, 0), 4 * MIB);
}

static void a_ring_holds_a_second(void **state)
{
    (void)state;
    assert_int_equal(fit(1000, 1000, 400 * KIB), MIB);
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
    assert_int_equal(ring_plan_next(&plan, &demand, MIB, MAX, 1), 8 * MIB);
    assert_int_equal(ring_plan_next(&plan, &demand, 8 * MIB, MAX, 2), 8 * MIB);
}

static void shrinks_after_a_minute_without_need(void **state)
{
    const struct ring_demand little = {.gop_bytes = 300 * KIB}, more = {.gop_bytes = MIB};
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
    assert_int_equal(ring_plan_next(&plan, &little, 2 * MIB, MAX, now), 512 * KIB);
}

/* More than a half, less than the whole: as it is. */
static void a_little_less_need_changes_nothing(void **state)
{
    const struct ring_demand demand = {.gop_bytes = 400 * KIB};
    struct ring_plan plan = {0};

    (void)state;
    for (uint64_t now = 1; now < UINT64_C(10) * RING_PLAN_SHRINK_MS; now += RING_PLAN_SHRINK_MS / 2) {
        assert_int_equal(ring_plan_next(&plan, &demand, MIB, MAX, now), MIB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_holds_a_gop_and_a_half),
        cmocka_unit_test(a_keyframe_takes_less_than_a_quarter),
        cmocka_unit_test(a_ring_holds_a_second),
        cmocka_unit_test(a_small_maximum_holds),
        cmocka_unit_test(grows_at_once),
        cmocka_unit_test(shrinks_after_a_minute_without_need),
        cmocka_unit_test(a_little_less_need_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
