/* SPDX-License-Identifier: MIT */
/* How much of a stream is published, and what is told of one that is served all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/publish/stream_limit.h"
#include "ingest/stream_notes.h"

#define START (1000 * NS_PER_SECOND)
#define MIB (UINT64_C(1) << 20)

/* How many of COUNT pictures are taken that come at RATE a second. */
static int take(struct stream_limit *limit, int count, int rate, int64_t *now_ns)
{
    int taken = 0;

    for (int i = 0; i < count; i++, *now_ns += NS_PER_SECOND / rate) {
        taken += stream_limit_take_picture(limit, *now_ns);
    }
    return taken;
}

static void fast_cameras_lose_nothing(void **state)
{
    struct stream_limit limit = {0};
    int64_t now_ns = START;

    (void)state;
    assert_int_equal(take(&limit, 100000, 120, &now_ns), 100000);
    assert_int_equal(take(&limit, 100000, STREAM_LIMIT_PICTURES, &now_ns), 100000);
}

/* A network that stalled for half a minute. */
static void what_comes_in_one_go_is_taken(void **state)
{
    struct stream_limit limit = {0};
    int64_t now_ns = START;

    (void)state;
    assert_int_equal(take(&limit, 30 * 60, 1000000, &now_ns), 30 * 60);
    now_ns += 30 * NS_PER_SECOND;
    assert_int_equal(take(&limit, 30 * 60, 1000000, &now_ns), 30 * 60);
}

static void floods_are_cut_to_the_rate(void **state)
{
    struct stream_limit limit = {0};
    int64_t now_ns = START;

    (void)state;
    take(&limit, 10000, 5651, &now_ns);
    assert_in_range(take(&limit, 56510, 5651, &now_ns), 10 * STREAM_LIMIT_PICTURES - 2,
                    10 * STREAM_LIMIT_PICTURES + 2);
}

static void a_clock_that_goes_back_fills_nothing(void **state)
{
    struct stream_limit limit = {0};
    int taken = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        taken += stream_limit_take_generation(&limit, START - i * NS_PER_SECOND);
    }
    assert_int_equal(taken, STREAM_LIMIT_GENERATIONS_BURST);
}

static const char *update(struct stream_notes *notes, const struct publisher_status *status,
                          uint64_t capacity, uint64_t max, int64_t now_ns, bool changed)
{
    const struct stream_notes_ring ring = {(size_t)capacity, (size_t)max};

    assert_int_equal(stream_notes_update(notes, status, &ring, now_ns), changed);
    return stream_notes_text(notes);
}

static void a_group_that_does_not_fit_is_told(void **state)
{
    struct stream_notes notes = {0};
    struct publisher_status status = {.gop_bytes = 15 * MIB};

    (void)state;
    stream_notes_begin(&notes, &status);
    assert_string_equal(update(&notes, &status, 16 * MIB, 16 * MIB, START, false), "");
    status.gop_bytes = 17 * MIB;
    assert_string_equal(update(&notes, &status, 8 * MIB, 16 * MIB, START, false), ""); /* it grows yet */
    const char *text = update(&notes, &status, 16 * MIB, 16 * MIB, START, true);
    assert_non_null(strstr(text, "ring of 16384 KiB"));
    assert_non_null(strstr(text, "ring_size_max = 33554432,"));
    status.gop_bytes = 20 * MIB;
    update(&notes, &status, 16 * MIB, 16 * MIB, START, false); /* it is said already */
    status.gop_bytes = 30 * MIB;
    assert_non_null(strstr(update(&notes, &status, 16 * MIB, 16 * MIB, START, true), "= 67108864,"));
    status.gop_bytes = 25 * MIB; /* less would not do for the largest of them */
    update(&notes, &status, 16 * MIB, 16 * MIB, START, false);
    status.gop_bytes = 12 * MIB;
    assert_string_equal(update(&notes, &status, 16 * MIB, 16 * MIB, START, true), "");
}

static void a_ring_of_a_fixed_size_has_another_setting(void **state)
{
    struct stream_notes notes = {0};
    struct publisher_status status = {.gop_bytes = 200000};

    (void)state;
    assert_non_null(strstr(update(&notes, &status, 65536, 0, START, true), "set ring_size = 524288,"));
}

static void no_ring_is_large_enough(void **state)
{
    struct stream_notes notes = {0};
    struct publisher_status status = {.gop_bytes = 2048 * MIB};

    (void)state;
    const char *text = update(&notes, &status, 1024 * MIB, 1024 * MIB, START, true);
    assert_non_null(strstr(text, "set more keyframes in the camera"));
    assert_null(strstr(text, "ring_size"));
}

static void an_excess_is_told_until_it_is_over(void **state)
{
    struct stream_notes notes = {0};
    struct publisher_status status = {.pictures_refused = 3};

    (void)state;
    stream_notes_begin(&notes, &status); /* that was another connection */
    assert_string_equal(update(&notes, &status, MIB, MIB, START, false), "");
    status.pictures_refused++;
    assert_non_null(
        strstr(update(&notes, &status, MIB, MIB, START, true), "more than 240 pictures a second"));
    status.generations_refused++;
    assert_non_null(strstr(update(&notes, &status, MIB, MIB, START, true), "parameter sets"));
    update(&notes, &status, MIB, MIB, START + 4 * NS_PER_SECOND, false);
    assert_string_equal(update(&notes, &status, MIB, MIB, START + 6 * NS_PER_SECOND, true), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_cameras_lose_nothing),
        cmocka_unit_test(what_comes_in_one_go_is_taken),
        cmocka_unit_test(floods_are_cut_to_the_rate),
        cmocka_unit_test(a_clock_that_goes_back_fills_nothing),
        cmocka_unit_test(a_group_that_does_not_fit_is_told),
        cmocka_unit_test(a_ring_of_a_fixed_size_has_another_setting),
        cmocka_unit_test(no_ring_is_large_enough),
        cmocka_unit_test(an_excess_is_told_until_it_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
