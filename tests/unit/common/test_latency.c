/* SPDX-License-Identifier: MIT */
/* Histograms of latencies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/ipc/latency.h"

#define MS INT64_C(1000000)

static void a_time_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed(void **state)
{
    struct latency latency = {0};

    (void)state;
    latency_add(&latency, 1, 1);             /* 0 */
    latency_add(&latency, 1, 1 + MS / 10);   /* 0.1 ms */
    latency_add(&latency, 1, 2 + MS / 10);   /* just over */
    latency_add(&latency, 1, 1 + 1000 * MS); /* 1 s */
    latency_add(&latency, 1, 2 + 1000 * MS); /* above all */
    assert_int_equal(latency.counts[0], 2);
    assert_int_equal(latency.counts[1], 1);
    assert_int_equal(latency.counts[LATENCY_BOUNDS - 1], 1);
    assert_int_equal(latency.counts[LATENCY_BOUNDS], 1);
    assert_int_equal(latency_count(&latency), 5);
    assert_int_equal(latency.sum_ns, MS / 10 * 2 + 1 + 2000 * MS + 1);
}

static void what_is_no_time_is_not_counted(void **state)
{
    struct latency latency = {0};

    (void)state;
    latency_add(&latency, 2, 1);
    latency_add(&latency, 0, 1);
    latency_add(&latency, INT64_MIN, INT64_MAX);
    latency_add(&latency, INT64_MAX, 1);
    latency_add(&latency, 1, INT64_MAX);
    assert_int_equal(latency_count(&latency), 0);
    assert_int_equal(latency.sum_ns, 0);
}

static void json_and_back_and_sums(void **state)
{
    struct latency latency = {0}, copy, sum = {0};

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        latency_add(&latency, 1, 1 + i * MS);
    }
    json_t *object = latency_to_json(&latency);
    assert_int_equal(json_array_size(json_object_get(object, "le_s")), LATENCY_BOUNDS);
    assert_true(latency_from_json(&copy, object));
    json_decref(object);
    assert_memory_equal(&copy, &latency, sizeof(copy));
    latency_merge(&sum, &latency);
    latency_merge(&sum, &copy);
    assert_int_equal(latency_count(&sum), 2000);
    assert_int_equal(sum.sum_ns, 2 * latency.sum_ns);
}

/* OBJECT with MEMBER (of OBJECT, or of its array at INDEX) replaced by VALUE is refused. */
static void require_refusal(const char *member, int index, json_t *value)
{
    struct latency latency = {.counts = {1}, .sum_ns = 5};
    json_t *object = latency_to_json(&latency);

    if (index < 0) {
        json_object_set_new(object, member, value);
    } else {
        json_array_set_new(json_object_get(object, member), (size_t)index, value);
    }
    assert_false(latency_from_json(&latency, object));
    assert_int_equal(latency_count(&latency), 0);
    assert_int_equal(latency.sum_ns, 0);
    json_decref(object);
}

static void malformed_ones_are_refused(void **state)
{
    struct latency latency;

    (void)state;
    assert_false(latency_from_json(&latency, NULL));
    require_refusal("counts", LATENCY_BOUNDS, json_integer(-1));
    require_refusal("counts", 0, json_integer(INT64_MAX));
    require_refusal("counts", 3, json_string("4"));
    require_refusal("counts", -1, json_array());
    require_refusal("le_s", 0, json_real(0.2));
    require_refusal("le_s", -1, json_null());
    require_refusal("sum_s", -1, json_real(-1));
    require_refusal("sum_s", -1, json_real(1e300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_in_the_bucket_of_the_first_bound_that_it_does_not_exceed),
        cmocka_unit_test(what_is_no_time_is_not_counted),
        cmocka_unit_test(json_and_back_and_sums),
        cmocka_unit_test(malformed_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
