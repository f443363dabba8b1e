/* SPDX-License-Identifier: MIT */
/* Who is let in, and how often: rates of addresses and numbers of connections (fanout/loop/limits.h, rates.h). */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/clock.h"
#include "fanout/loop/limits.h"

static struct limits limits;
static struct connections connections;

static struct in6_addr address(const char *text)
{
    struct in6_addr result;
    char mapped[INET6_ADDRSTRLEN];

    snprintf(mapped, sizeof(mapped), strchr(text, ':') ? "%s" : "::ffff:%s", text);
    assert_int_equal(inet_pton(AF_INET6, mapped, &result), 1);
    return result;
}

static void refuse_to_close(struct connection *connection, enum connection_kind kind)
{
    (void)connection;
    (void)kind;
    fail();
}

static struct connection *connect_from(const char *text)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET6, .sin6_addr = address(text)};
    struct sockaddr_storage storage = {0};

    memcpy(&storage, &peer, sizeof(peer));
    struct connection *connection = connections_add(&connections, NULL, &storage);
    assert_non_null(connection);
    return connection;
}

static bool is_proxy(void *context, const struct in6_addr *peer)
{
    const struct in6_addr proxy = address("192.0.2.200");

    (void)context;
    return memcmp(&proxy, peer, sizeof(proxy)) == 0;
}

static unsigned changes;

static void changed(void *context)
{
    (void)context;
    changes++;
}

static int set_up(void **state)
{
    (void)state;
    changes = 0;
    connections_init(&connections, refuse_to_close);
    limits_init(&limits, is_proxy, changed, NULL);
    return 0;
}

static enum limit try_from(const char *text)
{
    const struct in6_addr peer = address(text);

    return limits_connect(&limits, &connections, &peer);
}

static void a_rate_has_a_burst_of_a_second(void **state)
{
    int64_t until = 0, now_ns = 5 * NS_PER_SECOND;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(rate_allow(&until, 10, now_ns));
    }
    assert_false(rate_allow(&until, 10, now_ns));
    assert_false(rate_allow(&until, 10, now_ns + NS_PER_SECOND / 10 - 1));
    assert_true(rate_allow(&until, 10, now_ns + NS_PER_SECOND / 10));
    assert_false(rate_allow(&until, 10, now_ns + NS_PER_SECOND / 10));
    now_ns += 100 * NS_PER_SECOND; /* a long silence gives no more than one burst */
    for (int i = 0; i < 10; i++) {
        assert_true(rate_allow(&until, 10, now_ns));
    }
    assert_false(rate_allow(&until, 10, now_ns));
    assert_true(rate_allow(&until, 0, now_ns));
}

/* One address that does all it can is remembered while very many others come once. */
static void a_busy_address_stays_in_the_table(void **state)
{
    static struct rates rates;
    const struct in6_addr busy = address("192.0.2.1");
    int64_t now_ns = NS_PER_SECOND;

    (void)state;
    rates_init(&rates);
    for (int i = 0; i < 100; i++) {
        assert_true(rates_allow(&rates, RATE_REQUESTS, &busy, 100, now_ns));
    }
    for (uint32_t i = 0; i < 100000; i++) {
        struct in6_addr other = address("10.0.0.0");
        memcpy(&other.s6_addr[13], &i, 3);
        assert_true(rates_allow(&rates, RATE_REQUESTS, &other, 100, now_ns));
    }
    assert_false(rates_allow(&rates, RATE_REQUESTS, &busy, 100, now_ns));
    assert_true(rates_allow(&rates, RATE_HANDSHAKES, &busy, 100, now_ns)); /* each kind for itself */
}

static void a_64_is_one_client(void **state)
{
    (void)state;
    limits.max[LIMIT_CONNECTIONS_PER_ADDRESS] = 2;
    struct connection *a = connect_from("2001:db8::1"), *b = connect_from("2001:db8::ffff:2");
    assert_int_equal(try_from("2001:db8::3"), LIMIT_CONNECTIONS_PER_ADDRESS);
    assert_int_equal(try_from("2001:db8:0:1::3"), LIMITS);
    assert_int_equal(try_from("192.0.2.1"), LIMITS);
    connections_remove(&connections, a);
    assert_int_equal(try_from("2001:db8::3"), LIMITS);
    connections_remove(&connections, b);
    assert_int_equal(changes, 1);
    assert_int_equal(limits.refused[LIMIT_CONNECTIONS_PER_ADDRESS], 1);
}

static void one_address_does_not_use_up_the_others_rate(void **state)
{
    (void)state;
    limits.max[LIMIT_HANDSHAKES] = 10;
    limits.max[LIMIT_HANDSHAKES_PER_ADDRESS] = 1;
    unsigned refused = 0;
    for (int i = 0; i < 100; i++) {
        refused += try_from("192.0.2.1") == LIMIT_HANDSHAKES_PER_ADDRESS;
    }
    assert_true(refused >= 90);
    assert_int_equal(try_from("192.0.2.2"), LIMITS);
}

static void a_proxy_is_not_one_visitor(void **state)
{
    (void)state;
    limits.max[LIMIT_HANDSHAKES_PER_ADDRESS] = limits.max[LIMIT_CONNECTIONS_PER_ADDRESS] = 1;
    struct connection *own = connect_from("192.0.2.200");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(try_from("192.0.2.200"), LIMITS);
    }
    /* But one of its visitors is: the connection of a viewer is moved to him. */
    const struct in6_addr visitor = address("198.51.100.1");
    assert_int_equal(limits_view(&limits, &connections, own, &visitor), LIMITS);
    own->address = visitor;
    connections_move(&connections, own);
    struct connection *other = connect_from("192.0.2.200");
    assert_int_equal(limits_view(&limits, &connections, other, &visitor), LIMIT_CONNECTIONS_PER_ADDRESS);
    connections_remove(&connections, own);
    connections_remove(&connections, other);
}

static void what_is_configured_is_taken(void **state)
{
    json_t *document = json_pack("{s:i, s:i, s:s, s:i}", "connections", 7, "header_bytes", 4096, "handshakes",
                                 "many", "requests_per_address", -1);

    (void)state;
    limits.max[LIMIT_HANDSHAKES] = 5;
    limits_set(&limits, document);
    json_decref(document);
    assert_int_equal(limits.max[LIMIT_CONNECTIONS], 7);
    assert_int_equal(limits.max[LIMIT_HEADER_BYTES], 4096);
    assert_int_equal(limits.max[LIMIT_HANDSHAKES], 5);
    assert_int_equal(limits.max[LIMIT_REQUESTS_PER_ADDRESS], 0);
    const struct in6_addr peer = address("192.0.2.1");
    limits_count(&limits, LIMIT_HEADER_BYTES, &peer);
    json_t *refused = limits_refused(&limits);
    assert_int_equal(json_object_size(refused), 1);
    assert_int_equal(json_integer_value(json_object_get(refused, "header_bytes")), 1);
    json_decref(refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_rate_has_a_burst_of_a_second, set_up),
        cmocka_unit_test_setup(a_busy_address_stays_in_the_table, set_up),
        cmocka_unit_test_setup(a_64_is_one_client, set_up),
        cmocka_unit_test_setup(one_address_does_not_use_up_the_others_rate, set_up),
        cmocka_unit_test_setup(a_proxy_is_not_one_visitor, set_up),
        cmocka_unit_test_setup(what_is_configured_is_taken, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
