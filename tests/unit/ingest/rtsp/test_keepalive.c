/* SPDX-License-Identifier: MIT */
/* Which request keeps a session alive, when it is due, and what the end of a session teaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/rtsp/rtsp_keepalive.h"

#define BEGIN (1000 * NS_PER_SECOND)

/* A session that begins at BEGIN with a camera that lists GET_PARAMETER. */
static struct rtsp_keepalive begun(struct rtsp_keepalive_memory *memory, int timeout_s)
{
    struct rtsp_keepalive keepalive = {.memory = memory, .has_get_parameter = true, .timeout_s = timeout_s};

    rtsp_keepalive_begin(&keepalive, BEGIN);
    return keepalive;
}

/* Sends COUNT requests, each when it is due, and gives back the last one's method. */
static const char *keep(struct rtsp_keepalive *keepalive, int count)
{
    const char *method = NULL;

    for (int i = 0; i < count; i++) {
        method = rtsp_keepalive_take(keepalive, keepalive->due_ns);
    }
    return method;
}

static void half_the_timeout_and_30_seconds_at_most(void **state)
{
    struct rtsp_keepalive_memory memory = {0};
    struct rtsp_keepalive keepalive = begun(&memory, 10);

    (void)state;
    assert_int_equal(keepalive.due_ns, BEGIN + 5 * NS_PER_SECOND);
    assert_string_equal(keep(&keepalive, 1), "GET_PARAMETER");
    assert_int_equal(keepalive.due_ns, BEGIN + 10 * NS_PER_SECOND);
    rtsp_keepalive_put_off(&keepalive, BEGIN + 11 * NS_PER_SECOND);
    assert_int_equal(keepalive.due_ns, BEGIN + 16 * NS_PER_SECOND);
    assert_int_equal(keepalive.sent, 1);
    keepalive = begun(&memory, 3600);
    assert_int_equal(keepalive.due_ns, BEGIN + RTSP_KEEPALIVE_MAX_MS * NS_PER_MS);
}

/* The first requests of sessions that began together are spread over the last third of the interval. */
static void sessions_that_began_together_do_not_send_together(void **state)
{
    struct rtsp_keepalive_memory memory = {0};

    (void)state;
    for (unsigned chance = 0; chance < 5000; chance += 250) {
        struct rtsp_keepalive keepalive = begun(&memory, 60);
        rtsp_keepalive_spread(&keepalive, BEGIN, chance);
        assert_int_equal(keepalive.due_ns, BEGIN + 30 * NS_PER_SECOND - chance % 1000 * 10 * NS_PER_MS);
        keepalive = begun(&memory, 4);
        rtsp_keepalive_spread(&keepalive, BEGIN, chance);
        assert_int_equal(keepalive.due_ns, BEGIN + 2 * NS_PER_SECOND);
    }
}

static void get_parameter_only_where_it_is_listed(void **state)
{
    struct rtsp_keepalive_memory memory = {0};
    struct rtsp_keepalive keepalive = {.memory = &memory, .timeout_s = 60};

    (void)state;
    rtsp_keepalive_begin(&keepalive, BEGIN);
    assert_string_equal(keep(&keepalive, 1), "OPTIONS");
}

static void each_method_is_tried_once(void **state)
{
    struct rtsp_keepalive_memory memory = {0};
    struct rtsp_keepalive keepalive = begun(&memory, 60);
    static const char *const methods[] = {"GET_PARAMETER", "OPTIONS", "SET_PARAMETER"};

    (void)state;
    for (int i = 0; i < RTSP_KEEPALIVE_COUNT; i++) {
        int64_t now = keepalive.due_ns;
        bool last = i + 1 == RTSP_KEEPALIVE_COUNT;
        assert_string_equal(keep(&keepalive, 1), methods[i]);
        rtsp_keepalive_refused(&keepalive, 501, now);
        assert_int_equal(keepalive.due_ns, last ? now + 30 * NS_PER_SECOND : now);
    }
    /* Each of them has failed; the next session begins again with the first. */
    keepalive = begun(&memory, 60);
    assert_string_equal(keep(&keepalive, 1), "GET_PARAMETER");
}

static void a_session_that_outlives_its_timeouts_proves_the_method(void **state)
{
    struct rtsp_keepalive_memory memory = {0};
    struct rtsp_keepalive keepalive = begun(&memory, 10);

    (void)state;
    rtsp_keepalive_refused(&keepalive, 405, BEGIN);
    keep(&keepalive, 9); /* the last one 40 s after the first, which is four time-outs */
    assert_false(memory.proven);
    keep(&keepalive, 1);
    assert_true(memory.proven);
    assert_int_equal(memory.method, RTSP_KEEPALIVE_OPTIONS);
    /* What ended it was not the lack of a keepalive. */
    rtsp_keepalive_ended(&keepalive, keepalive.due_ns);
    keepalive = begun(&memory, 10);
    assert_string_equal(keep(&keepalive, 1), "OPTIONS");
    rtsp_keepalive_refused(&keepalive, 405, BEGIN);
    assert_false(memory.proven);
    assert_string_equal(keep(&keepalive, 1), "SET_PARAMETER");
}

static void a_session_that_ends_at_its_timeout_was_not_kept(void **state)
{
    /* Seconds that it lived, of a time-out of 10 s; whether its method has failed. */
    static const struct {
        int life_s;
        bool failed;
    } ends[] = {{6, false}, {7, true}, {12, true}, {39, true}, {40, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct rtsp_keepalive_memory memory = {0};
        struct rtsp_keepalive keepalive = begun(&memory, 10);
        keep(&keepalive, 1);
        rtsp_keepalive_ended(&keepalive, BEGIN + ends[i].life_s * NS_PER_SECOND);
        assert_int_equal(memory.failed, ends[i].failed ? 1u << RTSP_KEEPALIVE_GET_PARAMETER : 0);
    }
}

/* The camera names 60 s and ends sessions after 20. */
static void an_unnamed_timeout_is_found(void **state)
{
    struct rtsp_keepalive_memory memory = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rtsp_keepalive keepalive = begun(&memory, 60);
        assert_int_equal(keepalive.due_ns, BEGIN + 30 * NS_PER_SECOND);
        rtsp_keepalive_ended(&keepalive, BEGIN + 20 * NS_PER_SECOND + i * NS_PER_SECOND);
    }
    assert_int_equal(memory.lifetime_ms, 21 * MS_PER_SECOND);
    assert_int_equal(memory.failed, 0);
    struct rtsp_keepalive keepalive = begun(&memory, 60);
    assert_int_equal(rtsp_keepalive_timeout_ms(&keepalive), 21 * MS_PER_SECOND);
    assert_int_equal(keepalive.due_ns, BEGIN + 10500 * NS_PER_MS);
}

static void what_never_played_and_short_lives_teach_nothing(void **state)
{
    struct rtsp_keepalive_memory memory = {0};
    struct rtsp_keepalive unbegun = {.memory = &memory, .timeout_s = 60};

    (void)state;
    rtsp_keepalive_ended(&unbegun, BEGIN);
    assert_int_equal(memory.life_ms, 0);
    for (int i = 0; i < 3; i++) {
        struct rtsp_keepalive keepalive = begun(&memory, 60);
        rtsp_keepalive_ended(&keepalive, BEGIN + NS_PER_SECOND);
    }
    assert_int_equal(memory.lifetime_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_the_timeout_and_30_seconds_at_most),
        cmocka_unit_test(sessions_that_began_together_do_not_send_together),
        cmocka_unit_test(get_parameter_only_where_it_is_listed),
        cmocka_unit_test(each_method_is_tried_once),
        cmocka_unit_test(a_session_that_outlives_its_timeouts_proves_the_method),
        cmocka_unit_test(a_session_that_ends_at_its_timeout_was_not_kept),
        cmocka_unit_test(an_unnamed_timeout_is_found),
        cmocka_unit_test(what_never_played_and_short_lives_teach_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
