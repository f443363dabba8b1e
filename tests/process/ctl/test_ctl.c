/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/message.h"
#include "tests/process/ctl/ctl_fixture.h"

#define RUN(result, ...) ctl_fixture_run(result, (const char *const[]){__VA_ARGS__, NULL})

#define CAMERA(name) "{\"name\":\"" name "\",\"state\":\"streaming\",\"pid\":815,\"since_s\":5}"
#define STATUS(cameras)                                                                                      \
    "{\"v\":1,\"type\":\"status\",\"version\":\"9.8.7\",\"pid\":PID,\"cameras\":[" cameras "]}"
#define OK "{\"v\":1,\"type\":\"ok\"}"

static const struct ctl_answer usual[] = {
    {.type = "status", .text = STATUS(CAMERA("front"))},
    {.type = "restart", .text = OK},
    {.type = "stop", .text = OK, .end = true},
    {.type = NULL},
};

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

static void wrong_usage_is_exit_2_and_says_what(void **state)
{
    static const struct {
        const char *arguments[6];
        const char *error;
    } cases[] = {
        {{NULL}, "ringcastctl: no command\nTry \"ringcastctl --help\".\n"},
        {{"--json", NULL}, "no command"},
        {{"frobnicate", NULL}, "no such command: frobnicate"},
        {{"status", "now", "then", NULL}, "status takes at most the name of a camera"},
        {{"top", "--only-bad", NULL}, "top has no option --only-bad"},
        {{"stop", "now", NULL}, "stop takes no argument"},
        {{"restart", NULL}, "restart takes the name of a camera"},
        {{"restart", "a", "b", NULL}, "restart takes the name of a camera"},
        {{"status", "--frob", NULL}, "--frob"},
        {{"status", "--config", NULL}, "config"},
        {{"status", "--config", "a", "--socket", "ipc:///b", NULL}, "give only one"},
        {{"status", "--socket", "tcp://127.0.0.1:1", NULL}, "not a Unix socket"},
        {{"status", "--socket", "ipc://relative", NULL}, "not a Unix socket"},
    };
    struct ctl_result result;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ctl_fixture_run(&result, cases[i].arguments);
        assert_contains(result.err, cases[i].error);
        assert_string_equal(result.out, "");
        assert_int_equal(result.code, 2);
    }
}

static void help_and_version_need_no_ringcastd(void **state)
{
    struct ctl_result result;

    (void)state;
    RUN(&result, "--help");
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "Usage: ringcastctl [--config FILE | --socket URL] COMMAND [--json]\n");
    assert_string_equal(result.err, "");
    RUN(&result, "status", "--version");
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "ringcastctl " RINGCAST_VERSION "\n");
}

static void status_is_a_table_or_json(void **state)
{
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(usual);
    RUN(&result, "status", "--socket", "SOCKET");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);
    assert_contains(result.out, "ringcastd 9.8.7, pid ");
    assert_contains(result.out, "NAME   STATE");
    assert_contains(result.out, "front  streaming");

    RUN(&result, "--json", "--socket", "SOCKET", "status");
    assert_int_equal(result.code, 0);
    json_t *status = json_loads(result.out, 0, NULL);
    assert_true(message_is(status, "status"));
    const json_t *camera = json_array_get(json_object_get(status, "cameras"), 0);
    assert_string_equal(message_string(camera, "name", ""), "front");
    assert_string_equal(message_string(camera, "state", ""), "streaming");
    assert_int_equal(message_integer(camera, "pid", 0), 815);
    json_decref(status);
    assert_string_equal(ctl_fixture_requests(),
                        "{\"v\":1,\"type\":\"status\"}\n{\"v\":1,\"type\":\"status\"}\n");
}

static void json_is_safe_on_a_terminal(void **state)
{
    static const struct ctl_answer answers[] = {
        {.type = "status", .text = STATUS(CAMERA("a\\u001b[2J\\u009b\x7f\xc3\xbc"))}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "status", "--json", "--socket", "SOCKET");
    assert_int_equal(result.code, 0);
    for (const char *at = result.out; *at != '\0'; at++) {
        assert_true(*at == '\n' || (*at >= ' ' && *at < 0x7f));
    }
    json_t *status = json_loads(result.out, 0, NULL);
    const json_t *camera = json_array_get(json_object_get(status, "cameras"), 0);
    assert_string_equal(message_string(camera, "name", ""), "a\033[2J\xc2\x9b\x7f\xc3\xbc");
    json_decref(status);
}

static void restart_names_the_camera(void **state)
{
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(usual);
    RUN(&result, "restart", "Haustür \"1\"", "--socket", "SOCKET");
    assert_string_equal(result.err, "");
    assert_string_equal(result.out, "");
    assert_int_equal(result.code, 0);
    assert_string_equal(ctl_fixture_requests(),
                        "{\"v\":1,\"type\":\"restart\",\"camera\":\"Haustür \\\"1\\\"\"}\n");
    RUN(&result, "restart", "a", "--json", "--socket", "SOCKET");
    assert_string_equal(result.out, "{\n  \"v\": 1,\n  \"type\": \"ok\"\n}\n");
    RUN(&result, "restart", "\xff", "--socket", "SOCKET");
    assert_int_equal(result.code, 2);
    assert_contains(result.err, "not UTF-8");
}

static void an_error_reply_is_printed_and_exit_1(void **state)
{
    static const struct ctl_answer answers[] = {
        {.type = "restart",
         .text = "{\"v\":1,\"type\":\"error\",\"code\":\"no-such-camera\",\"message\":\"no camera is called "
                 "\\\"frnt\\\"\\u001b[31m\"}"},
        {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "restart", "frnt", "--socket", "SOCKET");
    assert_int_equal(result.code, 1);
    assert_string_equal(result.err, "ringcastctl: no camera is called \"frnt\"\\x1b[31m\n");
    RUN(&result, "restart", "frnt", "--socket", "SOCKET", "-j");
    assert_int_equal(result.code, 1);
    assert_contains(result.out, "\"code\": \"no-such-camera\"");
}

static void stop_waits_until_ringcastd_is_gone(void **state)
{
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(usual);
    RUN(&result, "stop", "--socket", "SOCKET");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);
    assert_true(ctl_fixture_server_has_ended());
    assert_string_equal(ctl_fixture_requests(),
                        "{\"v\":1,\"type\":\"status\"}\n{\"v\":1,\"type\":\"stop\"}\n");
}

static void stop_says_when_ringcastd_stays(void **state)
{
    static const struct ctl_answer answers[] = {
        {.type = "status", .text = STATUS("")}, {.type = "stop", .text = OK}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "stop", "--socket", "SOCKET");
    assert_int_equal(result.code, 1);
    assert_contains(result.err, "still running after 10 s");
}

static void a_ringcastd_that_is_ending_is_waited_for(void **state)
{
    static const struct ctl_answer answers[] = {
        {.type = "status",
         .text = "{\"v\":1,\"type\":\"error\",\"code\":\"stopping\",\"message\":\"ringcastd is ending\"}",
         .end = true},
        {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "stop", "--socket", "SOCKET");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);
    assert_true(ctl_fixture_server_has_ended());
    assert_string_equal(ctl_fixture_requests(), "{\"v\":1,\"type\":\"status\"}\n");
}

static void version_tells_both(void **state)
{
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(usual);
    RUN(&result, "version", "--socket", "SOCKET");
    assert_string_equal(result.out, "ringcastctl " RINGCAST_VERSION "\nringcastd 9.8.7\n");
    assert_int_equal(result.code, 0);
    RUN(&result, "version", "--json", "--socket", "SOCKET");
    assert_contains(result.out, "\"ringcastd\": \"9.8.7\"");
}

static void malformed_replies_are_exit_1(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "not JSON"},
        {"hello\033[2J", "not JSON"},
        {"{\"v\":1,\"type\":\"status\",\"cameras\":[]}}", "not JSON"},
        {"[]", "not a JSON object"},
        {"{\"v\":2,\"type\":\"status\",\"cameras\":[]}", "another version of the protocol"},
        {OK, "its type is not \"status\""},
        {"{\"v\":1,\"type\":\"status\"}", "no cameras"},
        {STATUS("{\"name\":\"a\"}"), "a camera has no state"},
    };
    struct ctl_result result;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ctl_answer answers[] = {{.type = "status", .text = cases[i].text}, {.type = NULL}};
        if (i > 0) {
            assert_int_equal(ctl_fixture_leave(state), 0);
            assert_int_equal(ctl_fixture_enter(state), 0);
        }
        ctl_fixture_serve(answers);
        RUN(&result, "status", "--socket", "SOCKET");
        assert_contains(result.err, "ringcastctl: malformed reply");
        assert_contains(result.err, cases[i].error);
        assert_string_equal(result.out, "");
        assert_int_equal(result.code, 1);
    }
}

static void the_largest_reply_is_taken_and_a_larger_one_refused(void **state)
{
    struct ctl_answer answers[] = {{.type = "status", .text = STATUS("")}, {.type = NULL}};
    struct ctl_result result;

    answers[0].padding = 1048476;
    ctl_fixture_serve(answers);
    RUN(&result, "status", "--socket", "SOCKET");
    assert_int_equal(result.code, 0);
    assert_int_equal(ctl_fixture_leave(state), 0);
    assert_int_equal(ctl_fixture_enter(state), 0);

    answers[0].padding = 8388608;
    ctl_fixture_serve(answers);
    RUN(&result, "status", "--socket", "SOCKET");
    assert_int_equal(result.code, 3);
    assert_contains(result.err, "closed the connection without a usable answer");
}

static void no_ringcastd_is_exit_3_and_says_where_it_looked(void **state)
{
    struct ctl_result result;
    char expected[128];

    (void)state;
    RUN(&result, "status", "--socket", "SOCKET");
    assert_int_equal(result.code, 3);
    snprintf(expected, sizeof(expected), "no ringcastd at ipc://%s/control.sock (No such file or directory)",
             ctl_fixture_directory());
    assert_contains(result.err, expected);
    assert_contains(result.err, "ringcastd --config FILE");

    RUN(&result, "stop", "--socket", "/nowhere/control.sock");
    assert_int_equal(result.code, 3);
    assert_contains(result.err, "ipc:///nowhere/control.sock");
}

static void a_ringcastd_that_dies_without_an_answer_is_exit_3(void **state)
{
    static const struct ctl_answer answers[] = {{.type = "status", .text = NULL}, {.type = NULL}};
    struct ctl_result result;

    (void)state;
    ctl_fixture_serve(answers);
    RUN(&result, "status", "--socket", "SOCKET");
    assert_int_equal(result.code, 3);
    assert_contains(result.err, "closed the connection");
}

static void silence_is_not_waited_for_for_ever(void **state)
{
    struct ctl_result result;
    time_t before = time(NULL);

    (void)state;
    ctl_fixture_serve_silence();
    RUN(&result, "status", "--socket", "SOCKET");
    assert_int_equal(result.code, 3);
    assert_contains(result.err, "no answer from ipc://");
    assert_in_range(time(NULL) - before, 4, 30);
}

/* A configuration whose setting SETTING is the fixture's directory. */
static void write_config(const char *name, const char *setting)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    fprintf(file, "%s = \"%s\";\ncameras = ( { name = \"a\"; url = \"rtsp://u:CANARY@h\"; } );\n", setting,
            ctl_fixture_directory());
    fclose(file);
}

static void the_configuration_says_where_the_socket_is(void **state)
{
    struct ctl_result result;

    (void)state;
    write_config("good.conf", "runtime_dir");
    write_config("bad.conf", "runtime_dr");
    ctl_fixture_serve(usual);
    RUN(&result, "--config", "good.conf", "status");
    assert_string_equal(result.err, "");
    assert_int_equal(result.code, 0);

    setenv("RINGCAST_CONFIG", "good.conf", 1);
    RUN(&result, "status");
    assert_int_equal(result.code, 0);
    setenv("RINGCAST_CONFIG", "bad.conf", 1);
    RUN(&result, "status");
    assert_int_equal(result.code, 2);
    assert_string_equal(result.err,
                        "bad.conf:1: runtime_dr: unknown setting; did you mean \"runtime_dir\"?\n");
    RUN(&result, "status", "--config", "good.conf"); /* stronger than the environment */
    assert_int_equal(result.code, 0);
    RUN(&result, "status", "-c", "none.conf");
    assert_int_equal(result.code, 2);
    assert_contains(result.err, "none.conf: cannot be read: No such file or directory");
    unsetenv("RINGCAST_CONFIG");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ctl_fixture_enter, ctl_fixture_leave)
    const struct CMUnitTest tests[] = {
        TEST(wrong_usage_is_exit_2_and_says_what),
        TEST(help_and_version_need_no_ringcastd),
        TEST(status_is_a_table_or_json),
        TEST(json_is_safe_on_a_terminal),
        TEST(restart_names_the_camera),
        TEST(an_error_reply_is_printed_and_exit_1),
        TEST(stop_waits_until_ringcastd_is_gone),
        TEST(stop_says_when_ringcastd_stays),
        TEST(a_ringcastd_that_is_ending_is_waited_for),
        TEST(version_tells_both),
        TEST(malformed_replies_are_exit_1),
        TEST(the_largest_reply_is_taken_and_a_larger_one_refused),
        TEST(no_ringcastd_is_exit_3_and_says_where_it_looked),
        TEST(a_ringcastd_that_dies_without_an_answer_is_exit_3),
        TEST(silence_is_not_waited_for_for_ever),
        TEST(the_configuration_says_where_the_socket_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
