/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/url.h"

static void codes_are_decoded_and_all_else_stands_for_itself(void **state)
{
    static const struct {
        const char *text, *decoded;
        size_t codes;
    } cases[] = {
        {"", "", 0},
        {"plain", "plain", 0},
        {"a%20b%2fc%2Fd", "a b/c/d", 3},
        {"%c3%bc", "\xc3\xbc", 2},
        {"100%", "100%", 0},
        {"%4", "%4", 0},
        {"%zz%41", "%zzA", 1},
        {"%%41", "%A", 1},
        {"a%00b", "a%00b", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        strcpy(text, cases[i].text);
        assert_int_equal(url_decode(text), cases[i].codes);
        assert_string_equal(text, cases[i].decoded);
    }
}

static void everything_but_what_is_kept_is_encoded(void **state)
{
    char out[16];

    (void)state;
    assert_int_equal(url_encode(out, sizeof(out), "aZ9 /\xc3\xbc", 7, URL_UNRESERVED), 15);
    assert_string_equal(out, "aZ9%20%2F%C3%BC");
    assert_int_equal(url_encode(out, sizeof(out), "a/b?", 4, "/?"), 4);
    assert_string_equal(out, "a/b?");
    assert_int_equal(url_encode(out, sizeof(out), "a\0b", 3, "/"), 5);
    assert_string_equal(out, "a%00b");
    assert_int_equal(url_encode(out, 4, "/", 1, ""), 3);
    assert_int_equal(url_encode(out, 3, "/", 1, ""), -ENAMETOOLONG);
    assert_string_equal(out, "");
    assert_int_equal(url_encode(out, 0, "", 0, ""), -ENAMETOOLONG);
}

static void a_port_is_a_decimal_number_of_sixteen_bits(void **state)
{
    (void)state;
    assert_int_equal(url_port("0", 1), 0);
    assert_int_equal(url_port("554/x", 3), 554);
    assert_int_equal(url_port("65535", 5), 65535);
    assert_int_equal(url_port("00554", 5), 554);
    assert_int_equal(url_port("65536", 5), -1);
    assert_int_equal(url_port("000554", 6), -1);
    assert_int_equal(url_port("", 0), -1);
    assert_int_equal(url_port("-1", 2), -1);
    assert_int_equal(url_port("5a", 2), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_decoded_and_all_else_stands_for_itself),
        cmocka_unit_test(everything_but_what_is_kept_is_encoded),
        cmocka_unit_test(a_port_is_a_decimal_number_of_sixteen_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
