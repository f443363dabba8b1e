/* SPDX-License-Identifier: MIT */
/* Who counts as one client, and which of its idle connections go. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/log/log_level.h"
#include "fanout/loop/connections.h"

/* So many connections that only the settings limit them. */
#define SEATS 1000000u

static struct connections connections;

/* What was closed, in order. */
static struct connection *closed[64];
static enum connection_kind closed_kind[64];
static unsigned closed_count;

static void note_closed(struct connection *connection, enum connection_kind kind)
{
    assert_int_equal(connection->kind, CONNECTION_BUSY);
    closed[closed_count] = connection;
    closed_kind[closed_count++] = kind;
}

static int set_up(void **state)
{
    (void)state;
    closed_count = 0;
    connections_init(&connections, note_closed);
    return 0;
}

static struct connection *come(const char *address)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer;

    if (strchr(address, ':')) {
        v6->sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
    } else {
        v4->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, address, &v4->sin_addr), 1);
    }
    struct connection *connection = connections_add(&connections, NULL, &peer);
    assert_non_null(connection);
    return connection;
}

static void go(struct connection *connection)
{
    connections_remove(&connections, connection);
}

static void a_client_is_an_address_or_a_64_of_ipv6(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"::1", "127.0.0.1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct connection *a = come(cases[i].a), *b = come(cases[i].b);
        assert_int_equal(a->client == b->client, cases[i].same);
        go(a);
        go(b);
    }
}

static void the_oldest_of_a_client_goes_and_the_newest_never(void **state)
{
    struct connection *mine[6], *other;
    (void)state;
    connections_limit(&connections, 3, 100, SEATS);
    other = come("192.0.2.9");
    for (int i = 0; i < 6; i++) {
        mine[i] = come("192.0.2.1");
        assert_int_equal(mine[i]->kind, CONNECTION_WAITING);
    }
    assert_int_equal(closed_count, 3);
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(closed[i], mine[i]);
        assert_int_equal(closed_kind[i], CONNECTION_WAITING);
    }
    assert_int_equal(other->kind, CONNECTION_WAITING);
    for (int i = 0; i < 6; i++) {
        go(mine[i]);
    }
    go(other);
}

/* A connection of a proxy that has become that of a visitor counts for the visitor alone. */
static void a_connection_moves_to_whom_it_is_for(void **state)
{
    struct connection *through[4], *direct;
    (void)state;
    connections_limit(&connections, 2, 100, SEATS);
    direct = come("192.0.2.7");
    for (int i = 0; i < 4; i++) {
        through[i] = come("127.0.0.1");
        through[i]->address = direct->address;
        connections_move(&connections, through[i]);
        assert_ptr_equal(through[i]->client, direct->client);
        assert_int_equal(through[i]->kind, CONNECTION_WAITING);
        assert_memory_not_equal(&through[i]->peer, &direct->peer, sizeof(direct->peer));
    }
    assert_int_equal(direct->client->connections, 5);
    assert_int_equal(closed_count, 3);
    assert_ptr_equal(closed[0], direct);
    assert_ptr_equal(closed[1], through[0]);
    connections_move(&connections, through[3]); /* it is there already */
    assert_int_equal(direct->client->connections, 5);
    connections_enter(&connections, through[3], CONNECTION_BUSY);
    assert_int_equal(direct->client->idle[CONNECTION_WAITING], 1);
    for (int i = 0; i < 4; i++) {
        go(through[i]);
    }
    go(direct);
    for (size_t i = 0; i < CONNECTIONS_BUCKETS; i++) {
        assert_true(LIST_EMPTY(&connections.buckets[i]));
    }
}

static const struct connection *asking;

static bool is_the_one(const struct connection *connection)
{
    return connection == asking;
}

static bool is_any(const struct connection *connection)
{
    (void)connection;
    return true;
}

static void one_whose_request_waits_is_not_idle(void **state)
{
    struct connection *mine[4];
    (void)state;
    connections_limit(&connections, 2, 100, SEATS);
    connections.is_asking = is_the_one;
    mine[0] = come("192.0.2.1");
    asking = mine[0];
    mine[1] = come("192.0.2.1");
    mine[2] = come("192.0.2.1");
    assert_int_equal(closed_count, 1);
    assert_ptr_equal(closed[0], mine[1]);
    connections.is_asking = is_any; /* a burst: all are let in */
    mine[3] = come("192.0.2.1");
    assert_int_equal(closed_count, 1);
    for (int i = 0; i < 4; i++) {
        go(mine[i]);
    }
}

static void one_that_asked_again_is_newer(void **state)
{
    struct connection *mine[3];
    (void)state;
    connections_limit(&connections, 2, 100, SEATS);
    mine[0] = come("192.0.2.1");
    mine[1] = come("192.0.2.1");
    connections_renew(&connections, mine[0]);
    mine[2] = come("192.0.2.1");
    assert_int_equal(closed_count, 1);
    assert_ptr_equal(closed[0], mine[1]);
    for (int i = 0; i < 3; i++) {
        go(mine[i]);
    }
}

static void the_total_takes_the_oldest_of_all(void **state)
{
    struct connection *all[20];
    char address[32];
    (void)state;
    connections_limit(&connections, 3, 10, SEATS);
    for (int i = 0; i < 20; i++) {
        snprintf(address, sizeof(address), "2001:db8:0:%x::1", (unsigned)i);
        all[i] = come(address);
    }
    assert_int_equal(closed_count, 10);
    for (int i = 0; i < 10; i++) {
        assert_ptr_equal(closed[i], all[i]);
    }
    for (int i = 0; i < 20; i++) {
        go(all[i]);
    }
}

static void kinds_have_bounds_of_their_own(void **state)
{
    struct connection *paused[3], *waiting[2];
    (void)state;
    connections_limit(&connections, 2, 100, SEATS);
    for (int i = 0; i < 3; i++) {
        paused[i] = come("192.0.2.1");
        connections_enter(&connections, paused[i], CONNECTION_PAUSED);
    }
    assert_int_equal(closed_count, 1);
    assert_ptr_equal(closed[0], paused[0]);
    assert_int_equal(closed_kind[0], CONNECTION_PAUSED);
    waiting[0] = come("192.0.2.1");
    waiting[1] = come("192.0.2.1");
    assert_int_equal(closed_count, 1);
    connections_enter(&connections, paused[1], CONNECTION_BUSY); /* it goes on watching */
    connections_enter(&connections, paused[0], CONNECTION_PAUSED);
    assert_int_equal(closed_count, 1);
    for (int i = 0; i < 3; i++) {
        go(paused[i]);
    }
    go(waiting[0]);
    go(waiting[1]);
}

static void few_connections_limit_too(void **state)
{
    (void)state;
    assert_int_equal(connections_limit(&connections, 1024, 8192, 160), 140);
    assert_int_equal(connections.per_client[CONNECTION_WAITING], 10);
    assert_int_equal(connections.max[CONNECTION_WAITING], 20);
    assert_int_equal(connections.per_client[CONNECTION_PAUSED], 40);
    assert_int_equal(connections.max[CONNECTION_PAUSED], 80);
    assert_int_equal(connections_limit(&connections, 1024, 8192, 3), 2);
    assert_int_equal(connections.per_client[CONNECTION_WAITING], 1);
    assert_int_equal(connections.max[CONNECTION_WAITING], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_client_is_an_address_or_a_64_of_ipv6, set_up),
        cmocka_unit_test_setup(the_oldest_of_a_client_goes_and_the_newest_never, set_up),
        cmocka_unit_test_setup(a_connection_moves_to_whom_it_is_for, set_up),
        cmocka_unit_test_setup(one_whose_request_waits_is_not_idle, set_up),
        cmocka_unit_test_setup(one_that_asked_again_is_newer, set_up),
        cmocka_unit_test_setup(the_total_takes_the_oldest_of_all, set_up),
        cmocka_unit_test_setup(kinds_have_bounds_of_their_own, set_up),
        cmocka_unit_test_setup(few_connections_limit_too, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
