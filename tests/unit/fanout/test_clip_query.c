/* SPDX-License-Identifier: MIT */
/* Times in queries for clips, and clips' names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/base/clock.h"
#include "fanout/http/clip_query.h"

/* 2026-11-29T22:15:00Z. */
#define NOW_S INT64_C(1795990500)
#define NOW (NOW_S * NS_PER_SECOND)

static int64_t read(const char *text)
{
    int64_t time_ns = -1;

    return clip_query_parse_time(text, NOW, &time_ns) ? time_ns - NOW : INT64_MIN;
}

static void times_of_each_form_are_read(void **state)
{
    (void)state;
    assert_int_equal(read("-30"), -30 * NS_PER_SECOND);
    assert_int_equal(read("-2.5"), -5 * NS_PER_SECOND / 2);
    assert_int_equal(read("-0"), 0);
    assert_int_equal(read("-86400"), -86400 * NS_PER_SECOND);
    assert_int_equal(read("1795990500"), 0);
    assert_int_equal(read("1795990499.75"), -NS_PER_SECOND / 4);
    assert_int_equal(read("1795990499.1234567891"), -876543211);
    assert_int_equal(read("2026-11-29T22:15:00Z"), 0);
    assert_int_equal(read("2026-11-29T22:14:59.5Z"), -NS_PER_SECOND / 2);
    assert_int_equal(read("2026-11-29T22:14:60Z"), 0); /* a leap second, perhaps */
    assert_int_equal(read("2026-11-30T00:00:00Z"), 6300 * NS_PER_SECOND);
}

static void everything_else_is_wrong(void **state)
{
    static const char *const wrong[] = {
        "",
        "-",
        "--30",
        "+30",
        "30s",
        "-1e3",
        "-30 ",
        " -30",
        "-.5",
        "-5.",
        "-nan",
        "inf",
        "now",
        "-86400.1",
        "1795800000",
        "1796200000",
        "99999999999999999999",
        "-99999999999999999999",
        "0",
        "2026-11-29",
        "2026-11-29T22:15Z",
        "2026-11-29T22:15:00",
        "2026-11-29 22:15:00Z",
        "2026-11-31T22:15:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-29T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-29T24:00:00Z",
        "2026-11-29T22:60:00Z",
        "2026-11-29T22:15:61Z",
        "2026-11-29T22:15:00+01:00",
        "2026-11-29T22:15:00.Z",
        "1926-11-29T22:15:00Z",
        "-026-11-29T22:15:00Z",
        "2026-11-29T22:15:0xZ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (read(wrong[i]) != INT64_MIN) {
            fail_msg("\"%s\" was read", wrong[i]);
        }
    }
}

static void a_clip_has_its_camera_and_time_in_its_name(void **state)
{
    char line[CLIP_QUERY_DISPOSITION_SIZE];

    (void)state;
    clip_query_disposition(line, "front", NOW);
    assert_string_equal(line, "Content-Disposition: attachment; filename=\"front_2026-11-29T22-15-00Z.mp4\"; "
                              "filename*=UTF-8''front_2026-11-29T22-15-00Z.mp4\r\n");
    clip_query_disposition(line, ".a\"b/\r\n\xc3\xbc", NOW);
    assert_string_equal(line,
                        "Content-Disposition: attachment; filename=\"_a_b______2026-11-29T22-15-00Z.mp4\"; "
                        "filename*=UTF-8''.a%22b%2F%0D%0A%C3%BC_2026-11-29T22-15-00Z.mp4\r\n");
}

static void no_name_and_no_time_is_too_long(void **state)
{
    char line[CLIP_QUERY_DISPOSITION_SIZE], name[201];
    const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX};

    (void)state;
    memset(name, '\xff', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        clip_query_disposition(line, name, times[i]);
        assert_string_equal(line + strlen(line) - 6, ".mp4\r\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_each_form_are_read),
        cmocka_unit_test(everything_else_is_wrong),
        cmocka_unit_test(a_clip_has_its_camera_and_time_in_its_name),
        cmocka_unit_test(no_name_and_no_time_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
