/* SPDX-License-Identifier: MIT */
/* How long a camera may be without a picture: by its pace, as it is learnt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/source/video_patience.h"

/* COUNT pictures at this distance, from *now on. */
static void pictures(struct video_patience *patience, int64_t *now, int count, int64_t interval_ns)
{
    for (int i = 0; i < count; i++) {
        *now += interval_ns;
        video_patience_picture(patience, *now);
    }
}

static void a_fast_camera_is_missed_soon(void **state)
{
    struct video_patience patience = {0};
    int64_t now = NS_PER_SECOND;

    (void)state;
    video_patience_begin(&patience);
    assert_int_equal(video_patience_ms(&patience, 0), VIDEO_PATIENCE_FIRST_MS);
    pictures(&patience, &now, 2, 40 * NS_PER_MS);
    assert_int_equal(video_patience_ms(&patience, 0), VIDEO_PATIENCE_MS);
    /* A stall of 4 s that ended is forgotten after some pictures. */
    pictures(&patience, &now, 1, 4 * NS_PER_SECOND);
    assert_true(video_patience_ms(&patience, 0) > VIDEO_PATIENCE_MS);
    pictures(&patience, &now, 25, 40 * NS_PER_MS);
    assert_int_equal(video_patience_ms(&patience, 0), VIDEO_PATIENCE_MS);
}

static void one_picture_in_6_or_60_seconds_is_a_stream(void **state)
{
    static const int seconds[] = {6, 10, 60};

    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        struct video_patience patience = {0};
        int64_t now = NS_PER_SECOND;
        int64_t interval_ms = (int64_t)seconds[i] * MS_PER_SECOND;

        video_patience_begin(&patience);
        pictures(&patience, &now, 1, 0);
        assert_true(video_patience_ms(&patience, 0) > interval_ms);
        pictures(&patience, &now, 3, interval_ms * NS_PER_MS);
        assert_true(video_patience_ms(&patience, 0) >= 2 * interval_ms);
        assert_true(video_patience_ms(&patience, 0) <= VIDEO_PATIENCE_MAX_MS);
        /* The next connection knows the pace before its first picture. */
        video_patience_begin(&patience);
        assert_true(video_patience_ms(&patience, 0) > interval_ms);
    }
}

/* By day 25 a second, at night one in 6 s: the first silence ends the connection, the next one does not. */
static void a_pace_that_changes_is_learnt_again(void **state)
{
    struct video_patience patience = {0};
    int64_t now = NS_PER_SECOND;

    (void)state;
    video_patience_begin(&patience);
    pictures(&patience, &now, 100, 40 * NS_PER_MS);
    assert_int_equal(video_patience_ms(&patience, 0), VIDEO_PATIENCE_MS);
    video_patience_overdue(&patience);
    video_patience_begin(&patience);
    pictures(&patience, &now, 1, 6 * NS_PER_SECOND);
    assert_true(video_patience_ms(&patience, 0) > 6000);
    pictures(&patience, &now, 2, 6 * NS_PER_SECOND);
    assert_true(video_patience_ms(&patience, 0) > 6000);
}

/* A camera that sends its first picture when it is due is waited for longer and longer, every other time. */
static void silent_connections_make_patient(void **state)
{
    struct video_patience patience = {0};
    int64_t now = NS_PER_SECOND;
    int64_t longest = 0;

    (void)state;
    for (int connection = 0; connection < 10; connection++) {
        video_patience_begin(&patience);
        int64_t ms = video_patience_ms(&patience, 0);
        longest = ms > longest ? ms : longest;
        if (connection % 2 == 1) {
            assert_int_equal(ms, VIDEO_PATIENCE_FIRST_MS);
        }
        video_patience_overdue(&patience);
    }
    assert_true(longest > 60000);
    assert_true(longest <= VIDEO_PATIENCE_MAX_MS);
    video_patience_begin(&patience);
    pictures(&patience, &now, 1, 0);
    pictures(&patience, &now, 1, 40 * NS_PER_MS);
    video_patience_begin(&patience);
    assert_int_equal(video_patience_ms(&patience, 0), VIDEO_PATIENCE_FIRST_MS);
}

static void the_setting_counts_in_place_of_the_pace(void **state)
{
    struct video_patience patience = {0};
    int64_t now = NS_PER_SECOND;

    (void)state;
    video_patience_begin(&patience);
    assert_int_equal(video_patience_ms(&patience, 120), 120000);
    assert_int_equal(video_patience_ms(&patience, 2), VIDEO_PATIENCE_FIRST_MS);
    pictures(&patience, &now, 10, 40 * NS_PER_MS);
    assert_int_equal(video_patience_ms(&patience, 120), 120000);
    assert_int_equal(video_patience_ms(&patience, 2), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_camera_is_missed_soon),
        cmocka_unit_test(one_picture_in_6_or_60_seconds_is_a_stream),
        cmocka_unit_test(a_pace_that_changes_is_learnt_again),
        cmocka_unit_test(silent_connections_make_patient),
        cmocka_unit_test(the_setting_counts_in_place_of_the_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
