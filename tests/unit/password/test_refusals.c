/* SPDX-License-Identifier: MIT */
/* What ringcastd is told of wrong passwords: not more than it can log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/ipc/message.h"
#include "password/refusals.h"

#define NOW UINT64_C(5000000)

static int set_up(void **state)
{
    *state = refusals_create();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    refusals_destroy(*state);
    return 0;
}

static void expect(struct refusals *refusals, uint64_t now, const char *user, const char *address, int count,
                   int slowed)
{
    json_t *report = refusals_take(refusals, now);

    assert_non_null(report);
    assert_string_equal(message_string(report, "user", "?"), user);
    assert_string_equal(message_string(report, "address", "?"), address);
    assert_int_equal(message_integer(report, "count", -1), count);
    assert_int_equal(message_integer(report, "slowed", -1), slowed);
    json_decref(report);
}

static void the_first_comes_at_once_and_the_next_in_a_second(void **state)
{
    struct refusals *refusals = *state;

    assert_int_equal(refusals_wait_ms(refusals, NOW), UINT64_MAX);
    refusals_add(refusals, "anna", "192.0.2.1", false, NOW);
    assert_int_equal(refusals_wait_ms(refusals, NOW), 0);
    expect(refusals, NOW, "anna", "192.0.2.1", 1, 0);
    assert_int_equal(refusals_wait_ms(refusals, NOW), UINT64_MAX);
    for (int i = 0; i < 1000; i++) {
        refusals_add(refusals, i % 2 ? "anna" : "bert", "192.0.2.1", i >= 5, NOW + 10);
    }
    assert_int_equal(refusals_wait_ms(refusals, NOW + 10), REFUSALS_INTERVAL_MS - 10);
    assert_null(refusals_take(refusals, NOW + REFUSALS_INTERVAL_MS - 1));
    refusals_add(refusals, "carl", "192.0.2.2", true, NOW + 20);
    expect(refusals, NOW + 20, "carl", "192.0.2.2", 0, 1);
    expect(refusals, NOW + REFUSALS_INTERVAL_MS, "anna", "192.0.2.1", 5, 995);
    assert_null(refusals_take(refusals, NOW + REFUSALS_INTERVAL_MS));
}

static void many_addresses_are_counted_together(void **state)
{
    struct refusals *refusals = *state;
    char address[32];
    int reports = 0, counted = 0;

    for (uint64_t now = NOW; now < NOW + 10000; now += 10) {
        snprintf(address, sizeof(address), "10.0.%u.%u", (unsigned)(now - NOW) / 10 / 250,
                 (unsigned)(now - NOW) / 10 % 250);
        refusals_add(refusals, "anna", address, false, now);
        json_t *report;
        while ((report = refusals_take(refusals, now))) {
            counted += (int)message_integer(report, "count", 0);
            reports++;
            json_decref(report);
        }
    }
    assert_in_range(reports, 11, 10 * (REFUSALS_MAX + 1));
    assert_in_range(counted, 1000 - 100, 1000);
    json_t *rest = refusals_take(refusals, NOW + 20000);
    assert_non_null(rest);
    assert_string_equal(message_string(rest, "address", "?"), "");
    assert_int_equal(counted + message_integer(rest, "count", 0), 1000);
    json_decref(rest);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_first_comes_at_once_and_the_next_in_a_second),
        TEST(many_addresses_are_counted_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
