/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/network.h"

static struct network parse(const char *text)
{
    struct network network;

    assert_int_equal(network_parse(text, &network), 0);
    return network;
}

static void what_is_no_network_is_refused(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"", -EINVAL},
        {"/8", -EINVAL},
        {"10.0.0.0/", -EINVAL},
        {"10.0.0/8", -EINVAL},
        {"10.0.0.0/08", -EINVAL},
        {"10.0.0.0/-1", -EINVAL},
        {"10.0.0.0/8 ", -EINVAL},
        {"10.0.0.0/33", -ERANGE},
        {"10.0.0.0/99999999999", -ERANGE},
        {"::1/129", -ERANGE},
        {"[::1]", -EINVAL},
        {"fe80::1%eth0", -EINVAL},
        {"nvr.example", -EINVAL},
        {"10.0.0.1/8", -EDOM},
        {"fd00::1/64", -EDOM},
        {"10.0.0.0/0", -EDOM},
        {"0.0.0.0/0", 0},
        {"::/0", 0},
        {"10.0.0.1/32", 0},
    };
    struct network network;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(network_parse(cases[i].text, &network), cases[i].result);
    }
}

static void it_is_written_as_it_is_read(void **state)
{
    static const char *const texts[][2] = {{"10.0.0.0/8", "10.0.0.0/8"},
                                           {"127.0.0.1", "127.0.0.1"},
                                           {"127.0.0.1/32", "127.0.0.1"},
                                           {"FD00:0::/8", "fd00::/8"},
                                           {"::1", "::1"},
                                           {"::/0", "::/0"},
                                           {"0.0.0.0/0", "0.0.0.0/0"},
                                           {"::ffff:10.0.0.0/104", "10.0.0.0/8"}};
    char text[NETWORK_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct network network = parse(texts[i][0]);
        network_format(&network, text);
        assert_string_equal(text, texts[i][1]);
    }
    struct network cleared;
    assert_int_equal(network_parse("10.1.2.3/8", &cleared), -EDOM);
    network_format(&cleared, text);
    assert_string_equal(text, "10.0.0.0/8");
}

static void addresses_are_within_or_without(void **state)
{
    static const struct {
        const char *network, *address;
        bool has;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "a00::", false},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.128/25", "192.168.1.128", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"::1", "::1", true},
        {"fd00::/9", "fd7f::1", true},
        {"fd00::/9", "fd80::1", false},
        {"fe80::/64", "fe80::1%eth0", true},
        {"::/0", "2001:db8::1", true},
        {"::/0", "nowhere", false},
        {"::/0", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct network network = parse(cases[i].network);
        assert_int_equal(network_has_text(&network, cases[i].address), cases[i].has);
    }
}

static void so_are_the_addresses_of_sockets(void **state)
{
    struct network network = parse("10.0.0.0/8");
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr other = {.sa_family = AF_UNIX};

    (void)state;
    inet_pton(AF_INET, "10.9.8.7", &v4.sin_addr);
    inet_pton(AF_INET6, "::ffff:10.9.8.7", &v6.sin6_addr);
    assert_true(network_has(&network, (const struct sockaddr *)&v4));
    assert_true(network_has(&network, (const struct sockaddr *)&v6));
    assert_false(network_has(&network, &other));
    inet_pton(AF_INET, "12.9.8.7", &v4.sin_addr);
    assert_false(network_has(&network, (const struct sockaddr *)&v4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(it_is_written_as_it_is_read),
        cmocka_unit_test(addresses_are_within_or_without),
        cmocka_unit_test(so_are_the_addresses_of_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
