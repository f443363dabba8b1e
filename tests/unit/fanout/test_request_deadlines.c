/* SPDX-License-Identifier: MIT */
/* When the timer for requests that are to come is armed, and for when. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "fanout/http/request_deadlines.h"

#define TIMEOUT_S 5

static struct connections connections;
static struct limits limits;
static struct linger_set linger;
static struct request_deadlines deadlines;

static void not_closed(struct connection *connection, enum connection_kind kind)
{
    (void)connection;
    (void)kind;
    fail_msg("there are no idle connections");
}

/* Without a loop: the timer is only looked at. */
static int set_up(void **state)
{
    (void)state;
    connections_init(&connections, not_closed);
    limits.max[LIMIT_HANDSHAKE_TIMEOUT] = TIMEOUT_S;
    deadlines = (struct request_deadlines){
        .connections = &connections,
        .limits = &limits,
        .linger = &linger,
        .timer.watch = {.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), .watched = true},
    };
    return deadlines.timer.watch.fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    close(deadlines.timer.watch.fd);
    return 0;
}

static struct connection *come(void)
{
    struct sockaddr_storage peer = {.ss_family = AF_INET};
    struct connection *connection = connections_add(&connections, NULL, &peer);

    assert_non_null(connection);
    request_deadlines_add(&deadlines, connection);
    return connection;
}

static void go(struct connection *connection)
{
    connections_remove(&connections, connection);
    request_deadlines_removed(&deadlines);
}

/* Seconds until the timer expires, rounded up; 0: it is not armed. */
static long armed_s(void)
{
    struct itimerspec left;

    assert_int_equal(timerfd_gettime(deadlines.timer.watch.fd, &left), 0);
    return left.it_value.tv_sec + (left.it_value.tv_nsec > 0);
}

static void expect_armed(long seconds)
{
    long left = armed_s();

    if (left < seconds - 1 || left > seconds + 1) {
        fail_msg("expires in %ld s and not in %ld s", left, seconds);
    }
}

static void the_first_request_has_its_time(void **state)
{
    (void)state;
    assert_int_equal(armed_s(), 0);
    struct connection *first = come();
    expect_armed(TIMEOUT_S);
    struct connection *second = come();
    go(first);
    expect_armed(TIMEOUT_S);
    go(second);
    assert_int_equal(armed_s(), 0);
}

/* A request that has waited for its password is answered: the next one has its time, too. */
static void the_next_request_has_its_time_after_a_wait(void **state)
{
    (void)state;
    struct connection *connection = come();
    request_deadlines_expect(&deadlines, connection, CONNECTION_NONE);
    assert_int_equal(armed_s(), 0);
    request_deadlines_expect(&deadlines, connection, CONNECTION_NEXT);
    expect_armed(TIMEOUT_S + REQUEST_DEADLINES_IDLE_S);
    go(connection);
    assert_int_equal(armed_s(), 0);
}

static void the_earliest_counts(void **state)
{
    (void)state;
    struct connection *kept = come();
    request_deadlines_expect(&deadlines, kept, CONNECTION_NONE);
    request_deadlines_expect(&deadlines, kept, CONNECTION_NEXT);
    struct connection *fresh = come();
    expect_armed(TIMEOUT_S);
    go(fresh);
    go(kept);
}

static void without_a_limit_nothing_is_armed(void **state)
{
    (void)state;
    limits.max[LIMIT_HANDSHAKE_TIMEOUT] = 0;
    struct connection *connection = come();
    request_deadlines_expect(&deadlines, connection, CONNECTION_NEXT);
    assert_int_equal(armed_s(), 0);
    go(connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_request_has_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_request_has_its_time_after_a_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_earliest_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_limit_nothing_is_armed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
