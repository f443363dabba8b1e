/* SPDX-License-Identifier: MIT */
/* Reports that come ever later, and what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/rtp/lateness.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

/* COUNT reports, 40 ms apart by the sender's clock and INTERVAL by ours. The last one's lateness. */
static int64_t feed(struct lateness *lateness, int count, int64_t interval)
{
    int64_t late = 0;

    for (int i = 0; i < count; i++) {
        late = lateness_note(lateness, lateness->sent_ns + 40 * MS, lateness->arrival_ns + interval);
    }
    return late;
}

static struct lateness begin(void)
{
    struct lateness lateness = {0};

    assert_int_equal(lateness_note(&lateness, 7777 * SECOND, 12 * SECOND), 0);
    return lateness;
}

static void a_slow_connection_adds_up(void **state)
{
    struct lateness lateness = begin();

    (void)state;
    assert_in_range(feed(&lateness, 250, 80 * MS), 9900 * MS, 10000 * MS);
    /* What was held back comes in a burst, and all is well. */
    assert_in_range(feed(&lateness, 300, 0), 0, 50 * MS);
    assert_in_range(feed(&lateness, 25, 40 * MS), 0, 50 * MS);
}

static void drift_is_none(void **state)
{
    struct lateness lateness = begin();

    (void)state;
    assert_in_range(feed(&lateness, 24 * 3600 * 25, 40 * MS + 20000), 0, MS); /* 500 ppm for a day */
}

static void jumps_are_none(void **state)
{
    struct lateness lateness = begin();

    (void)state;
    feed(&lateness, 25, 40 * MS);
    for (int64_t jump = 3600 * SECOND; jump >= -3600 * SECOND; jump -= 7200 * SECOND) {
        int64_t to = lateness.sent_ns + jump;
        assert_int_equal(lateness_note(&lateness, to, lateness.arrival_ns + 40 * MS), 0);
        assert_in_range(feed(&lateness, 25, 40 * MS), 0, MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_connection_adds_up),
        cmocka_unit_test(drift_is_none),
        cmocka_unit_test(jumps_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
