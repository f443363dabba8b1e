/* SPDX-License-Identifier: MIT */
/* Whose pages may ask, whose request it is, and what a proxy is believed. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "fanout/http/client_address.h"
#include "fanout/http/origin.h"
#include "fanout/http/policy.h"

static void an_own_origin_is_the_host_that_was_asked(void **state)
{
    static const struct {
        bool own;
        const char *origin, *host;
    } cases[] = {
        {true, "http://a", "a"},
        {true, "HTTP://A.b", "a.B"},
        {true, "https://a:443", "a"},
        {true, "https://a", "a:443"},
        {true, "http://a", "a:80"},
        {true, "http://[::1]:1", "[::1]:1"},
        {true, "http://10.0.0.1:65535", "10.0.0.1:65535"},
        {false, "http://a", ""},
        {false, "", "a"},
        {false, "http://", "a"},
        {false, "http://a/", "a"},
        {false, "http://a", "a/"},
        {false, "http://a:", "a"},
        {false, "http://a:0", "a:0"},
        {false, "http://a:080x", "a:80"},
        {false, "http://a:65536", "a:65536"},
        {false, "http://a:99999999999999", "a:99999999999999"},
        {false, "http://a:80:80", "a:80:80"},
        {false, "http://a b", "a b"},
        {false, "http://u@a", "a"},
        {false, "http://[::1", "[::1"},
        {false, "http://[]", "[]"},
        {false, "http://[::1]x", "[::1]x"},
        {false, "ws://a", "a"},
        {false, "null", "null"},
        {false, "http://null", "a"},
        {false, "http://ab", "a"},
        {false, "http://a", "ab"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (origin_is_own(cases[i].origin, NULL, cases[i].host) != cases[i].own) {
            fail_msg("origin %s, host %s", cases[i].origin, cases[i].host);
        }
    }
}

static void a_known_scheme_counts(void **state)
{
    (void)state;
    assert_true(origin_is_own("https://a", "https", "a"));
    assert_false(origin_is_own("http://a", "https", "a"));
    assert_true(origin_is_own("http://a", "http", "a"));
    assert_false(origin_is_own("https://a", "http", "a"));
    assert_true(origin_is_own("https://a", "https", "a:443"));
    assert_false(origin_is_own("https://a", "https", "a:80"));
}

static void origins_are_compared_as_a_whole(void **state)
{
    static const struct {
        bool same;
        const char *a, *b;
    } cases[] = {
        {true, "https://a", "https://a"},
        {true, "https://A.b", "HTTPS://a.B:443"},
        {true, "http://a:80", "http://a"},
        {false, "http://a", "https://a"},
        {false, "https://a", "https://a:80"},
        {false, "https://a", "https://a.b"},
        {false, "https://a", "https://a/"},
        {false, "null", "null"},
        {false, "", ""},
        {false, "https://a", "a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (origin_same(cases[i].a, cases[i].b) != cases[i].same) {
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        }
    }
}

/* --- The document --------------------------------------------------------------------------------------- */

static const char document[] =
    "{\"trusted_proxies\":[\"127.0.0.1\",\"10.0.0.0/8\",\"fd00::/8\"],"
    "\"origins\":[\"https://nvr.example\"],\"cors_origins\":[\"https://app.example:8443\"],"
    "\"frame_ancestors\":[\"'self'\",\"https://ha.example\"],\"base_path\":\"/cams\","
    "\"hsts\":300,\"limits\":{}}";

static int take(struct policy *policy, const char *text)
{
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    int result = policy_set(policy, object);
    json_decref(object);
    return result;
}

static int policy_set_up(void **state)
{
    static struct policy policy;

    policy_init(&policy);
    *state = &policy;
    return take(&policy, document);
}

static int policy_tear_down(void **state)
{
    policy_finish(*state);
    return 0;
}

static void a_document_is_taken(void **state)
{
    const struct policy *policy = *state;

    assert_int_equal(policy->trusted_proxies.count, 3);
    assert_string_equal(policy->frame_ancestors, "'self' https://ha.example");
    assert_string_equal(policy->base_path, "/cams");
    assert_int_equal(policy->hsts, 300);
}

/* What a header or an address could be split with comes in no document that is taken. */
static void a_document_that_is_wrong_changes_nothing(void **state)
{
    static const char *const wrong[] = {
        "{\"frame_ancestors\":[]}",
        "{\"frame_ancestors\":[\"'self'; script-src *\"]}",
        "{\"frame_ancestors\":[\"a\\r\\nX: y\"]}",
        "{\"frame_ancestors\":[\"\"]}",
        "{\"frame_ancestors\":[1]}",
        "{\"frame_ancestors\":[\"'self'\"],\"base_path\":\"cams\"}",
        "{\"frame_ancestors\":[\"'self'\"],\"base_path\":\"/cams/\"}",
        "{\"frame_ancestors\":[\"'self'\"],\"base_path\":\"/a\\r\\nb\"}",
        "{\"frame_ancestors\":[\"'self'\"],\"trusted_proxies\":[\"proxy.example\"]}",
        "{\"frame_ancestors\":[\"'self'\"],\"trusted_proxies\":[7]}",
        "{\"frame_ancestors\":[\"'self'\"],\"origins\":[\"*\"]}",
        "{\"frame_ancestors\":[\"'self'\"],\"origins\":[\"https://a\",\"null\"]}",
        "{\"frame_ancestors\":[\"'self'\"],\"cors_origins\":[\"https://a\\r\\nb\"]}",
    };
    struct policy *policy = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (take(policy, wrong[i]) != -EBADMSG) {
            fail_msg("taken: %s", wrong[i]);
        }
        a_document_is_taken(state);
    }
    assert_int_equal(take(policy, "{\"frame_ancestors\":[\"'none'\"]}"), 0);
    assert_int_equal(policy->trusted_proxies.count, 0);
    assert_int_equal(policy->origins.count, 0);
    assert_string_equal(policy->base_path, "");
}

static void pages_are_told_apart(void **state)
{
    static const struct {
        enum page page;
        const char *origin, *scheme, *host;
    } cases[] = {
        {PAGE_OWN, "http://cameras.example", NULL, "cameras.example"},
        {PAGE_OWN, "https://cameras.example", NULL, "cameras.example"},
        {PAGE_FOREIGN, "http://cameras.example", "https", "cameras.example"},
        {PAGE_LISTED, "https://nvr.example", NULL, "cameras.example"},
        {PAGE_LISTED, "https://NVR.example:443", "http", ""},
        {PAGE_FOREIGN, "http://nvr.example", NULL, "cameras.example"},
        {PAGE_FOREIGN, "https://nvr.example.evil", NULL, "cameras.example"},
        {PAGE_CORS, "https://app.example:8443", NULL, "cameras.example"},
        {PAGE_FOREIGN, "https://app.example", NULL, "cameras.example"},
        {PAGE_FOREIGN, "null", NULL, "cameras.example"},
        {PAGE_FOREIGN, "https://nvr.example, https://evil.example", NULL, "cameras.example"},
        {PAGE_FOREIGN, "http://x", NULL, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (policy_judge(*state, cases[i].origin, cases[i].scheme, cases[i].host) != cases[i].page) {
            fail_msg("%s at %s", cases[i].origin, cases[i].host);
        }
    }
}

static void prefixes_are_paths(void **state)
{
    static const char *const good[] = {"/a",   "/cams", "/a/b-c_d.e~f", "/api/hassio_ingress/Ab-_9",
                                       "/...", "/.a"};
    static const char *const bad[] = {"",      "/",     "a",      "/a/",  "//a",      "/a//b", "/./a",
                                      "/a/..", "/../b", "/a%20b", "/a b", "/a;b",     "/a\"b", "/a\r\nb",
                                      "/a?b",  "/a#b",  "/a\\b",  "/a:b", "/\xc3\xa4"};
    char longest[POLICY_BASE_PATH_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(policy_is_prefix(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (policy_is_prefix(bad[i])) {
            fail_msg("a prefix: %s", bad[i]);
        }
    }
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    assert_false(policy_is_prefix(longest));
    longest[sizeof(longest) - 2] = '\0';
    assert_true(policy_is_prefix(longest));
}

/* --- Visitors ------------------------------------------------------------------------------------------- */

static struct in6_addr address(const char *text)
{
    struct network network;

    assert_int_equal(network_parse(text, &network), 0);
    return network.address;
}

/* 127.0.0.1, 10.0.0.0/8 and fd00::/8 are trusted. */
static void the_visitor_is_the_last_who_is_not_trusted(void **state)
{
    static const struct {
        const char *peer, *forwarded_for, *forwarded, *visitor;
    } cases[] = {
        {"127.0.0.1", NULL, NULL, "127.0.0.1"},
        {"127.0.0.1", "192.0.2.7", NULL, "192.0.2.7"},
        {"::ffff:127.0.0.1", "192.0.2.7", NULL, "192.0.2.7"},
        {"192.0.2.1", "192.0.2.7", "for=192.0.2.8", "192.0.2.1"},
        {"127.0.0.1", "1.1.1.1, 192.0.2.7", NULL, "192.0.2.7"},
        {"127.0.0.1", "1.1.1.1, 192.0.2.7, 10.1.2.3", NULL, "192.0.2.7"},
        {"127.0.0.1", "1.1.1.1,192.0.2.7,fd00::1,::ffff:10.1.2.3", NULL, "192.0.2.7"},
        {"127.0.0.1", "10.1.2.3, 10.4.5.6", NULL, "10.1.2.3"},
        {"127.0.0.1", "192.0.2.7:4711", NULL, "192.0.2.7"},
        {"127.0.0.1", "2001:db8::7", NULL, "2001:db8::7"},
        {"127.0.0.1", "[2001:db8::7]:4711", NULL, "2001:db8::7"},
        {"127.0.0.1", "[2001:db8::7]", NULL, "2001:db8::7"},
        {"127.0.0.1", "fe80::1%eth0", NULL, "fe80::1"},
        {"127.0.0.1", "::ffff:192.0.2.7", NULL, "192.0.2.7"},
        {"127.0.0.1", "192.0.2.7, unknown", NULL, "127.0.0.1"},
        {"127.0.0.1", "192.0.2.7, 10.1.2.3, x, 10.4.5.6", NULL, "10.4.5.6"},
        {"127.0.0.1", "", NULL, "127.0.0.1"},
        {"127.0.0.1", " , ,\t192.0.2.7 ,", NULL, "192.0.2.7"},
        {"127.0.0.1", "192.0.2.0/24", NULL, "127.0.0.1"},
        {"127.0.0.1", "192.0.2", NULL, "127.0.0.1"},
        {"127.0.0.1", "[192.0.2.7", NULL, "127.0.0.1"},
        {"127.0.0.1", "[", NULL, "127.0.0.1"},
        {"fd00::5", NULL, "for=192.0.2.7;proto=https", "192.0.2.7"},
        {"127.0.0.1", NULL, "For=\"[2001:db8::7]:4711\"; by=10.0.0.1", "2001:db8::7"},
        {"127.0.0.1", NULL, "for=1.1.1.1, for=192.0.2.7;proto=http, for=10.1.2.3", "192.0.2.7"},
        {"127.0.0.1", NULL, "for=192.0.2.7, for=_hidden", "127.0.0.1"},
        {"127.0.0.1", NULL, "for=192.0.2.7, proto=https", "127.0.0.1"},
        {"127.0.0.1", NULL, "by=\"a,for=1.1.1.1;\\\",for=2.2.2.2\";for=192.0.2.7", "192.0.2.7"},
        {"127.0.0.1", NULL, "for=\"192.0.2.7", "127.0.0.1"},
        {"127.0.0.1", NULL, "for", "127.0.0.1"},
        /* One of the two has come from the visitor. */
        {"127.0.0.1", "192.0.2.7", "for=192.0.2.7", "192.0.2.7"},
        {"127.0.0.1", "192.0.2.7", "for=192.0.2.8", "127.0.0.1"},
        {"127.0.0.1", "192.0.2.7", "for=unknown", "127.0.0.1"},
    };
    const struct policy *policy = *state;
    char text[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct in6_addr peer = address(cases[i].peer);
        const struct forwarding headers = {.forwarded_for = cases[i].forwarded_for,
                                           .forwarded = cases[i].forwarded};
        struct client_address client = client_address_find(&peer, false, &policy->trusted_proxies, &headers);
        client_address_format(&client.address, text);
        if (strcmp(text, cases[i].visitor) != 0) {
            fail_msg("case %zu: %s and not %s", i, text, cases[i].visitor);
        }
    }
}

static void a_long_list_is_read_from_its_end(void **state)
{
    const struct policy *policy = *state;
    const struct in6_addr peer = address("127.0.0.1");
    char list[4096] = "", text[INET6_ADDRSTRLEN];

    for (int i = 0; i < 300; i++) {
        strcat(list, "1.1.1.1, ");
    }
    strcat(list, "192.0.2.7, 10.1.1.1");
    const struct forwarding headers = {.forwarded_for = list};
    struct client_address client = client_address_find(&peer, false, &policy->trusted_proxies, &headers);
    assert_string_equal(client_address_format(&client.address, text), "192.0.2.7");
}

static void only_a_trusted_proxy_says_how_the_visitor_came(void **state)
{
    static const struct {
        const char *peer;
        bool tls;
        const char *proto, *forwarded;
        bool secure, known;
    } cases[] = {
        {"192.0.2.1", false, "https", NULL, false, false},
        {"192.0.2.1", true, "http", NULL, true, false},
        {"127.0.0.1", false, NULL, NULL, false, false},
        {"127.0.0.1", true, NULL, NULL, true, false},
        {"127.0.0.1", false, "https", NULL, true, true},
        {"127.0.0.1", false, "HTTPS", NULL, true, true},
        {"127.0.0.1", false, "wss", NULL, true, true},
        {"127.0.0.1", true, "http", NULL, false, true},
        {"127.0.0.1", false, "https, http", NULL, true, true},
        {"127.0.0.1", false, "httpsx", NULL, false, true},
        {"127.0.0.1", false, NULL, "for=192.0.2.7;proto=https", true, true},
        {"127.0.0.1", false, NULL, "for=192.0.2.7;proto=https, for=10.1.1.1;proto=http", true, true},
        {"127.0.0.1", false, NULL, "for=1.1.1.1;proto=https, for=192.0.2.7;proto=http", false, true},
        {"192.0.2.1", false, NULL, "for=192.0.2.7;proto=https", false, false},
    };
    const struct policy *policy = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct in6_addr peer = address(cases[i].peer);
        const struct forwarding headers = {.forwarded_proto = cases[i].proto,
                                           .forwarded = cases[i].forwarded};
        struct client_address client =
            client_address_find(&peer, cases[i].tls, &policy->trusted_proxies, &headers);
        if (client.secure != cases[i].secure || client.scheme_known != cases[i].known) {
            fail_msg("case %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_own_origin_is_the_host_that_was_asked),
        cmocka_unit_test(a_known_scheme_counts),
        cmocka_unit_test(origins_are_compared_as_a_whole),
        cmocka_unit_test_setup_teardown(a_document_is_taken, policy_set_up, policy_tear_down),
        cmocka_unit_test_setup_teardown(a_document_that_is_wrong_changes_nothing, policy_set_up,
                                        policy_tear_down),
        cmocka_unit_test_setup_teardown(pages_are_told_apart, policy_set_up, policy_tear_down),
        cmocka_unit_test(prefixes_are_paths),
        cmocka_unit_test_setup_teardown(the_visitor_is_the_last_who_is_not_trusted, policy_set_up,
                                        policy_tear_down),
        cmocka_unit_test_setup_teardown(a_long_list_is_read_from_its_end, policy_set_up, policy_tear_down),
        cmocka_unit_test_setup_teardown(only_a_trusted_proxy_says_how_the_visitor_came, policy_set_up,
                                        policy_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
