/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log/log_limit.h"

#define BEGIN_MS 1000000u

/* Lines of LEVEL until one is left out. */
static unsigned take_all(struct log_limit *limit, enum log_level level, uint64_t now)
{
    unsigned taken = 0;

    while (log_limit_take(limit, level, now)) {
        taken++;
    }
    return taken;
}

static void a_burst_and_then_a_rate(void **state)
{
    struct log_limit limit;
    uint64_t now = BEGIN_MS;
    unsigned taken = 0;

    (void)state;
    log_limit_init(&limit, now);
    assert_int_equal(take_all(&limit, LOG_LEVEL_INFO, now), LOG_LIMIT_BURST - LOG_LIMIT_WARNING_RESERVE);
    for (unsigned i = 0; i < 10000; i++, now += 10) {
        taken += log_limit_take(&limit, LOG_LEVEL_INFO, now);
    }
    assert_in_range(taken, 100 * LOG_LIMIT_PER_SECOND - 1, 100 * LOG_LIMIT_PER_SECOND + 1);
}

static void a_flood_of_lesser_lines_hides_no_error(void **state)
{
    static const struct {
        enum log_level flood, saved;
        unsigned kept;
    } cases[] = {
        {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LIMIT_INFO_RESERVE - LOG_LIMIT_WARNING_RESERVE},
        {LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LIMIT_WARNING_RESERVE - LOG_LIMIT_ERROR_RESERVE},
        {LOG_LEVEL_INFO, LOG_LEVEL_ERROR, LOG_LIMIT_WARNING_RESERVE},
        {LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, LOG_LIMIT_ERROR_RESERVE},
        {LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct log_limit limit;
        log_limit_init(&limit, BEGIN_MS);
        take_all(&limit, cases[i].flood, BEGIN_MS);
        assert_int_equal(take_all(&limit, cases[i].saved, BEGIN_MS), cases[i].kept);
    }
}

static void what_is_left_out_is_told_when_there_is_room(void **state)
{
    struct log_limit limit;

    (void)state;
    log_limit_init(&limit, BEGIN_MS);
    assert_int_equal(log_limit_tell(&limit, BEGIN_MS, true), 0);
    take_all(&limit, LOG_LEVEL_INFO, BEGIN_MS);
    assert_false(log_limit_take(&limit, LOG_LEVEL_INFO, BEGIN_MS));
    assert_int_equal(log_limit_tell(&limit, BEGIN_MS, false), 0);
    assert_int_equal(log_limit_tell(&limit, BEGIN_MS + 1000 / LOG_LIMIT_PER_SECOND - 1, false), 0);
    assert_int_equal(log_limit_tell(&limit, BEGIN_MS + 1000 / LOG_LIMIT_PER_SECOND, false), 2);
    assert_int_equal(log_limit_tell(&limit, BEGIN_MS + 1000 / LOG_LIMIT_PER_SECOND, true), 0);
    take_all(&limit, LOG_LEVEL_ERROR, BEGIN_MS + 300);
    assert_int_equal(log_limit_tell(&limit, BEGIN_MS + 300, true), 1);
}

/* A flood without end has room for single lines all the time. */
static void a_flood_is_told_of_once_a_second(void **state)
{
    struct log_limit limit;
    unsigned told = 0, written = 0;
    uint64_t left_out = 0;

    (void)state;
    log_limit_init(&limit, BEGIN_MS);
    for (uint64_t now = BEGIN_MS; now < BEGIN_MS + 20000; now += 5) {
        uint64_t number = log_limit_tell(&limit, now, false);
        told += number > 0;
        left_out += number;
        written += log_limit_take(&limit, LOG_LEVEL_INFO, now);
    }
    assert_in_range(told, 18, 20);
    assert_int_equal(written + left_out + log_limit_tell(&limit, BEGIN_MS + 20000, true), 4000);
}

static void time_makes_it_fresh_again(void **state)
{
    struct log_limit limit;
    uint64_t full = BEGIN_MS + LOG_LIMIT_BURST * 1000 / LOG_LIMIT_PER_SECOND;

    (void)state;
    log_limit_init(&limit, BEGIN_MS);
    assert_true(log_limit_is_fresh(&limit, BEGIN_MS));
    take_all(&limit, LOG_LEVEL_ERROR, BEGIN_MS);
    assert_false(log_limit_is_fresh(&limit, full));
    assert_int_equal(log_limit_tell(&limit, full, false), 1);
    assert_true(log_limit_is_fresh(&limit, full));
    take_all(&limit, LOG_LEVEL_ERROR, full);
    assert_int_equal(take_all(&limit, LOG_LEVEL_ERROR, UINT64_MAX / 2), LOG_LIMIT_BURST);
    assert_int_equal(take_all(&limit, LOG_LEVEL_ERROR, BEGIN_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_a_rate),
        cmocka_unit_test(a_flood_of_lesser_lines_hides_no_error),
        cmocka_unit_test(what_is_left_out_is_told_when_there_is_room),
        cmocka_unit_test(a_flood_is_told_of_once_a_second),
        cmocka_unit_test(time_makes_it_fresh_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
