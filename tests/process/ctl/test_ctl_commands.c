/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/process/ctl/ctl_fixture.h"

#define RUN(result, ...)                                                                                     \
    ctl_fixture_run(result, (const char *const[]){__VA_ARGS__, "--socket", "SOCKET", NULL})

#define OK "{\"v\":1,\"type\":\"ok\"}"
#define STATUS(cameras) "{\"v\":1,\"type\":\"status\",\"version\":\"1\",\"cameras\":[" cameras "]}"
#define CAMERA(state, pid) "{\"name\":\"front\",\"state\":\"" state "\",\"pid\":" pid ",\"enabled\":true}"

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

static void settings_have_the_kinds_that_they_look_like(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "camera-add", .text = OK}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "camera", "add", "front", "url=rtsp://127.0.0.1/a?b=c", "audio=false", "ring_size=65536",
        "password=1234", "transport=udp", "username=\"\"");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);
    assert_string_equal(
        ctl_fixture_requests(),
        "{\"v\":1,\"type\":\"camera-add\",\"camera\":\"front\",\"settings\":{\"url\":"
        "\"rtsp://127.0.0.1/a?b=c\",\"audio\":false,\"ring_size\":65536,\"password\":\"1234\","
        "\"transport\":\"udp\",\"username\":\"\"}}\n");
}

static void an_empty_setting_goes_back_to_the_default(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "camera-set", .text = OK}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "camera", "set", "front", "transport=", "--json");
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "\"type\": \"ok\"");
    assert_contains(ctl_fixture_requests(), "\"settings\":{\"transport\":null}");
}

static void a_setting_may_come_from_standard_input(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "camera-set", .text = OK}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    ctl_fixture_input("s3 cr=et\n");
    RUN(&result, "camera", "set", "front", "password=-");
    assert_int_equal(result.code, 0);
    assert_contains(ctl_fixture_requests(), "\"settings\":{\"password\":\"s3 cr=et\"}");
}

static void wrong_settings_are_exit_2(void **state)
{
    static const struct {
        const char *argument, *error;
    } cases[] = {
        {"url", "ringcastctl: url: write SETTING=VALUE\n"},
        {"=x", "write SETTING=VALUE"},
        {"url=\xff", "url: not UTF-8"},
        {"password=-", "password=-: nothing on standard input"},
    };
    static const struct ctl_answer answers[] = {{.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        RUN(&result, "camera", "add", "front", cases[i].argument);
        assert_contains(result.err, cases[i].error);
        assert_int_equal(result.code, 2);
    }
    assert_string_equal(ctl_fixture_requests(), "");
}

static void options_belong_to_their_commands(void **state)
{
    static const struct {
        const char *arguments[6];
        const char *error;
    } cases[] = {
        {{"status", "--wait", NULL}, "status has no option --wait"},
        {{"stop", "--timeout", "3", NULL}, "stop has no option --timeout"},
        {{"tap", "front", "--seconds", "3", NULL}, "tap has no option --seconds"},
        {{"record", "front", "--seconds", "0", NULL}, "--seconds 0: not a number of seconds"},
        {{"record", "front", "--seconds", "3x", NULL}, "--seconds 3x: not a number of seconds"},
        {{"record", "front", "--seconds", "nan", NULL}, "not a number of seconds"},
        {{"camera", NULL}, "camera: add, set, remove, reset, enable or disable"},
        {{"camera", "frob", "front", NULL}, "camera: add, set, remove, reset, enable or disable"},
        {{"camera", "add", "front", NULL}, "camera add takes a name and SETTING=VALUE..."},
    };
    struct ctl_result result;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ctl_fixture_run(&result, cases[i].arguments);
        assert_contains(result.err, cases[i].error);
        assert_int_equal(result.code, 2);
    }
}

static void requests_carry_what_was_asked_for(void **state)
{
    static const struct ctl_answer answers[] = {
        {.type = "camera-remove", .text = OK},
        {.type = "camera-enable", .text = OK},
        {.type = "camera-disable", .text = OK},
        {.type = "log-level", .text = OK},
        {.type = NULL},
    };
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "camera", "remove", "front");
    assert_int_equal(result.code, 0);
    RUN(&result, "camera", "enable", "front");
    RUN(&result, "camera", "disable", "front");
    RUN(&result, "log-level", "debug");
    RUN(&result, "log-level", "info", "front");
    assert_int_equal(result.code, 0);
    assert_string_equal(ctl_fixture_requests(),
                        "{\"v\":1,\"type\":\"camera-remove\",\"camera\":\"front\"}\n"
                        "{\"v\":1,\"type\":\"camera-enable\",\"camera\":\"front\"}\n"
                        "{\"v\":1,\"type\":\"camera-disable\",\"camera\":\"front\"}\n"
                        "{\"v\":1,\"type\":\"log-level\",\"level\":\"debug\"}\n"
                        "{\"v\":1,\"type\":\"log-level\",\"camera\":\"front\",\"level\":\"info\"}\n");
}

static void reload_tells_the_difference_or_all_errors(void **state)
{
    static const struct ctl_answer good[] = {
        {.type = "reload",
         .text =
             "{\"v\":1,\"type\":\"reloaded\",\"added\":[\"yard\"],\"removed\":[],\"changed\":[\"a\\u001b\"],"
             "\"unchanged\":12,\"failed\":[{\"camera\":\"gate\",\"error\":\"no\\u001b room\"}],"
             "\"warnings\":[\"all can read it\"]}"},
        {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(good);
    RUN(&result, "reload");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "added yard\nchanged a\\x1b\n12 unchanged\n");
    assert_non_null(strstr(result.err, "gate: no\\x1b room\n"));
    assert_non_null(strstr(result.err, "all can read it\n"));
}

static void a_bad_configuration_is_told_line_by_line(void **state)
{
    static const struct ctl_answer bad[] = {
        {.type = "reload",
         .text = "{\"v\":1,\"type\":\"error\",\"code\":\"configuration\",\"message\":\"nothing has changed\","
                 "\"errors\":[\"a.conf:3: listen: why\",\"a.conf:4: x: y\"]}"},
        {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(bad);
    RUN(&result, "reload");
    assert_int_equal(result.code, 1);
    assert_string_equal(result.err, "ringcastctl: nothing has changed\nringcastctl: a.conf:3: listen: why\n"
                                    "ringcastctl: a.conf:4: x: y\n");
}

static void log_lines_are_printed_escaped(void **state)
{
    static const struct ctl_answer answers[] = {
        {.type = "log", .text = "{\"v\":1,\"type\":\"log\",\"lines\":[\"one\",\"two\\u001b[2J\"]}"},
        {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "log", "front");
    assert_string_equal(result.out, "one\ntwo\\x1b[2J\n");
    RUN(&result, "log", "fanout");
    assert_string_equal(ctl_fixture_requests(), "{\"v\":1,\"type\":\"log\",\"camera\":\"front\"}\n"
                                                "{\"v\":1,\"type\":\"log\",\"process\":\"fanout\"}\n");
}

static void wait_ends_when_the_camera_streams(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "camera-enable", .text = OK},
                                                {.type = "status", .text = STATUS(CAMERA("streaming", "7"))},
                                                {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "camera", "enable", "front", "--wait");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);
}

static void wait_for_what_does_not_come_is_exit_4(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "restart", .text = OK},
                                                {.type = "reload", .text = "{\"v\":1,\"type\":\"reloaded\"}"},
                                                {.type = "camera-remove", .text = OK},
                                                {.type = "status", .text = STATUS(CAMERA("streaming", "7"))},
                                                {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "restart", "front", "--wait", "--timeout", "0.3"); /* still the process that was to end */
    assert_string_equal(result.err, "ringcastctl: not done within 0.3 s; front: streaming\n");
    assert_int_equal(result.code, 4);
    RUN(&result, "camera", "remove", "front", "--wait", "--timeout", "0.3");
    assert_int_equal(result.code, 4);
    RUN(&result, "reload", "--wait", "--timeout", "0.3");
    assert_int_equal(result.code, 0);
}

static void programs_get_no_screen(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "status", .text = STATUS("")}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "top");
    assert_int_equal(result.code, 2);
    assert_contains(result.err, "top needs a terminal");
    assert_string_equal(result.out, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ctl_fixture_enter, ctl_fixture_leave)
    const struct CMUnitTest tests[] = {
        TEST(settings_have_the_kinds_that_they_look_like),
        TEST(an_empty_setting_goes_back_to_the_default),
        TEST(a_setting_may_come_from_standard_input),
        TEST(wrong_settings_are_exit_2),
        TEST(options_belong_to_their_commands),
        TEST(requests_carry_what_was_asked_for),
        TEST(reload_tells_the_difference_or_all_errors),
        TEST(a_bad_configuration_is_told_line_by_line),
        TEST(log_lines_are_printed_escaped),
        TEST(wait_ends_when_the_camera_streams),
        TEST(wait_for_what_does_not_come_is_exit_4),
        TEST(programs_get_no_screen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
