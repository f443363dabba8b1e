/* SPDX-License-Identifier: MIT */
/* Heads of requests before libwebsockets reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "fanout/http/raw_head.h"

static void a_head_ends_with_an_empty_line(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 0},
        {"\r\n", 0},
        {"\r\n\r\n", 0},
        {"GET / HTTP/1.1", 0},
        {"GET / HTTP/1.1\r\n", 0},
        {"GET / HTTP/1.1\r\n\r", 0},
        {"GET / HTTP/1.1\r\nHost: a\r\n", 0},
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"GET / HTTP/1.1\r\n\r\nGET", 18},
        {"GET / HTTP/1.1\n\n", 16},
        {"GET / HTTP/1.1\n\r\nbody\r\n\r\n", 17},
        {"\r\n\nGET / HTTP/1.1\r\n\r\n", 21},
        {"GET / HTTP/1.1\r\na: b\r\n\r\nmore", 24},
        {"GET / HTTP/1.1\r\n\r \r\n\r\n", 22},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = raw_head_length(cases[i].text, strlen(cases[i].text));
        if (length != cases[i].length) {
            fail_msg("%zu and not %zu of \"%s\"", length, cases[i].length, cases[i].text);
        }
    }
}

static void a_get_is_known_by_its_beginning(void **state)
{
    static const char *const may[] = {"G", "GE", "GET", "GET ", "GET /x", "\r\n\r\nGET /"};
    static const char *const not [] = {"g", "GETX", "POST / HTTP/1.1", "HEAD ", "\x16\x03", "\r\nP"};
    (void)state;
    for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
        assert_true(raw_head_may_be_get(may[i], strlen(may[i])));
    }
    for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++) {
        assert_false(raw_head_may_be_get(not [i], strlen(not [i])));
    }
}

/* VALUE: NULL if the header is not there. */
static void expect(const char *head, const char *name, unsigned count, const char *value)
{
    char *found = raw_head_value(head, strlen(head), name, ", ");

    assert_int_equal(raw_head_count(head, strlen(head), name), count);
    if (value) {
        assert_non_null(found);
        assert_string_equal(found, value);
    } else {
        assert_null(found);
    }
    free(found);
}

static void headers_are_found_by_their_names(void **state)
{
    static const char head[] = "GET /upgrade:x HTTP/1.1\r\n"
                               "Host: a\r\n"
                               "AUTHORIZATION:Basic  abc \t\r\n"
                               "X-Upgrade: no\r\n"
                               "Upgrade-X: no\r\n"
                               "upgrade:\twebsocket\n"
                               "Empty:\r\n"
                               "Twice: 1\r\n"
                               "twice: 2\r\n"
                               " Folded: no\r\n"
                               "Spaced : no\r\n"
                               "\r\n";
    (void)state;
    expect(head, "Authorization", 1, "Basic  abc");
    expect(head, "Upgrade", 1, "websocket");
    expect(head, "Empty", 1, "");
    expect(head, "Twice", 2, "1, 2");
    expect(head, "Folded", 0, NULL);
    expect(head, "Spaced", 0, NULL);
    expect(head, "Absent", 0, NULL);
    expect("", "Absent", 0, NULL);
    assert_true(raw_head_has_folds(head, strlen(head)));
    static const char folded[] = "GET /\r\nA: b\n\tc\r\n\r\n";
    static const char whole[] = "GET / HTTP/1.1\r\nA:\tb \r\n\r\n";
    assert_true(raw_head_has_folds(folded, strlen(folded)));
    assert_false(raw_head_has_folds(whole, strlen(whole)));
    expect("Upgrade: x", "Upgrade", 0, NULL); /* no line yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_ends_with_an_empty_line),
        cmocka_unit_test(a_get_is_known_by_its_beginning),
        cmocka_unit_test(headers_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
