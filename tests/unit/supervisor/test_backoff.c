/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/process/backoff.h"

static void the_first_delay_is_short(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 1000; random++) {
        struct backoff backoff = {0};
        uint64_t delay = backoff_next_ms(&backoff, random * 4294967u);
        assert_in_range(delay, BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
    }
}

static void delays_double_up_to_the_longest(void **state)
{
    struct backoff backoff = {0};
    uint64_t nominal = BACKOFF_FIRST_MS;

    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t delay = backoff_next_ms(&backoff, UINT32_MAX - (uint32_t)i);
        assert_in_range(delay, nominal / 2, nominal);
        nominal = nominal * 2 < BACKOFF_MAX_MS ? nominal * 2 : BACKOFF_MAX_MS;
    }
}

static void random_spreads_over_the_upper_half(void **state)
{
    struct backoff low = {0}, high = {0};

    (void)state;
    assert_int_equal(backoff_next_ms(&low, 0), BACKOFF_FIRST_MS / 2);
    assert_int_equal(backoff_next_ms(&high, BACKOFF_FIRST_MS / 2), BACKOFF_FIRST_MS);
}

static void fails_after_ten_deaths_in_a_row(void **state)
{
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < BACKOFF_FAILED_AFTER; i++) {
        assert_false(backoff_failed(&backoff));
        backoff_next_ms(&backoff, 0);
    }
    assert_true(backoff_failed(&backoff));
    backoff_reset(&backoff);
    assert_false(backoff_failed(&backoff));
    assert_int_equal(backoff_next_ms(&backoff, 0), BACKOFF_FIRST_MS / 2);
}

static void health_pays_back_step_by_step(void **state)
{
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        backoff_next_ms(&backoff, 0);
    }
    backoff_credit(&backoff, BACKOFF_HEALTHY_STEP_MS - 1);
    assert_int_equal(backoff.deaths, 5);
    backoff_credit(&backoff, 2 * BACKOFF_HEALTHY_STEP_MS);
    assert_int_equal(backoff.deaths, 3);
    backoff_credit(&backoff, UINT64_MAX);
    assert_int_equal(backoff.deaths, 0);
}

static void thirty_healthy_seconds_clear_any_account(void **state)
{
    struct backoff backoff = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        backoff_next_ms(&backoff, 0);
    }
    backoff_credit(&backoff, 30000);
    assert_int_equal(backoff_next_ms(&backoff, 0), BACKOFF_FIRST_MS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_delay_is_short),
        cmocka_unit_test(delays_double_up_to_the_longest),
        cmocka_unit_test(random_spreads_over_the_upper_half),
        cmocka_unit_test(fails_after_ten_deaths_in_a_row),
        cmocka_unit_test(health_pays_back_step_by_step),
        cmocka_unit_test(thirty_healthy_seconds_clear_any_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
