/* SPDX-License-Identifier: MIT */
/* What a stream is like, from its first pictures; and how long that is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "hls/stream/survey.h"

#define STEP_NS (NS_PER_SECOND / 15)
#define GOP 15

/* COUNT pictures from START_NS on, of which the first is a keyframe and each one a group later. */
static void see(struct survey *survey, int64_t start_ns, int count)
{
    for (int i = 0; i < count; i++) {
        survey_add(survey, start_ns + i * STEP_NS, i % GOP == 0, false);
    }
}

static void a_group_is_known_when_the_next_one_begins(void **state)
{
    (void)state;
    static const int64_t starts_ns[] = {
        0, 1, 1000 * NS_PER_SECOND}; /* a camera's first picture may have any time */

    for (size_t i = 0; i < sizeof(starts_ns) / sizeof(starts_ns[0]); i++) {
        struct survey survey = {0};
        see(&survey, starts_ns[i], GOP);
        assert_false(survey_is_done(&survey));
        survey_add(&survey, starts_ns[i] + GOP * STEP_NS, true, false);
        assert_true(survey_is_done(&survey));
        assert_int_equal(survey.gop_ns, GOP * STEP_NS);
        assert_int_equal(survey_step_ns(&survey), STEP_NS);
    }
}

static void a_group_with_a_hole_is_none(void **state)
{
    (void)state;
    struct survey survey = {0};

    see(&survey, 0, GOP / 2);
    survey_add(&survey, GOP * STEP_NS, false, true);
    survey_add(&survey, 2 * GOP * STEP_NS, true, false);
    assert_false(survey_is_done(&survey));
    see(&survey, 2 * GOP * STEP_NS, GOP + 1);
    assert_int_equal(survey.gop_ns, GOP * STEP_NS);
}

static void no_keyframe_in_long_is_known_too(void **state)
{
    (void)state;
    struct survey survey = {0};

    survey_add(&survey, 0, true, false);
    survey_add(&survey, SURVEY_GOP_MAX_NS, false, false);
    assert_false(survey_is_done(&survey));
    survey_add(&survey, SURVEY_GOP_MAX_NS + STEP_NS, false, false);
    assert_true(survey_is_done(&survey));
    assert_int_equal(survey.gop_ns, 0);
}

static void it_is_over_when_it_is_done_or_had_its_time(void **state)
{
    (void)state;
    struct survey survey = {0};

    see(&survey, 0, GOP);
    assert_false(survey_is_over(&survey, 1000, 999)); /* the pictures came after the clock had been read */
    assert_false(survey_is_over(&survey, 1000, 1000));
    assert_false(survey_is_over(&survey, 1000, 1000 + SURVEY_MS - 1));
    assert_true(survey_is_over(&survey, 1000, 1000 + SURVEY_MS));
    see(&survey, 0, GOP + 1);
    assert_true(survey_is_over(&survey, 1000, 999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_known_when_the_next_one_begins),
        cmocka_unit_test(a_group_with_a_hole_is_none),
        cmocka_unit_test(no_keyframe_in_long_is_known_too),
        cmocka_unit_test(it_is_over_when_it_is_done_or_had_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
