/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "supervisor/process/machine_cpu.h"

static void the_first_line_is_read(void **state)
{
    struct machine_cpu cpu;

    (void)state;
    assert_int_equal(machine_cpu_parse("cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 2 3 4\n", &cpu), 0);
    assert_int_equal(cpu.busy, 10 + 20 + 30 + 6 + 7 + 8);
    assert_int_equal(cpu.all, cpu.busy + 400 + 50);
    assert_int_equal(machine_cpu_parse("cpu 1 2 3 4", &cpu), 0);
    assert_int_equal(cpu.busy, 6);
    assert_int_equal(cpu.all, 10);
    assert_int_equal(machine_cpu_parse("cpu0 1 2 3 4", &cpu), -EBADMSG);
    assert_int_equal(cpu.all, 0);
    assert_int_equal(machine_cpu_parse("", &cpu), -EBADMSG);
    assert_int_equal(machine_cpu_read(&cpu), 0);
    assert_true(cpu.all > 0 && cpu.busy <= cpu.all);
}

static void the_share_is_that_between_two_looks(void **state)
{
    const struct machine_cpu never = {0}, first = {100, 1000}, second = {400, 2000}, full = {1400, 3000},
                             less = {350, 2100};

    (void)state;
    assert_int_equal(machine_cpu_share(&never, &first), 0);
    assert_int_equal(machine_cpu_share(&first, &second), 300);
    assert_int_equal(machine_cpu_share(&second, &full), 1000);
    assert_int_equal(machine_cpu_share(&second, &second), 0);
    assert_int_equal(machine_cpu_share(&second, &first), 0);
    assert_int_equal(machine_cpu_share(&second, &less), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_read),
        cmocka_unit_test(the_share_is_that_between_two_looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
