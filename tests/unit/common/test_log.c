/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log/log.h"

/* Standard error is a packet socket while a test captures it: one packet is one write. */
struct capture {
    int saved;
    int reader;
};

static void capture_begin(struct capture *capture)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    capture->saved = dup(STDERR_FILENO);
    capture->reader = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

/* The next line, or "" if nothing was written. */
static void capture_line(const struct capture *capture, char line[PIPE_BUF + 1])
{
    ssize_t length = recv(capture->reader, line, PIPE_BUF, MSG_DONTWAIT);

    line[length > 0 ? length : 0] = '\0';
}

static void capture_end(struct capture *capture)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    close(capture->reader);
}

static int forget_all(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    log_close();
    return 0;
}

static void assert_redacted(const char *text, const char *expected)
{
    char copy[512];

    assert_in_range(snprintf(copy, sizeof(copy), "%s", text), 0, sizeof(copy) - 2);
    log_redact(copy, sizeof(copy));
    assert_string_equal(copy, expected);
}

static void secrets_are_hidden_in_every_spelling(void **state)
{
    static const struct {
        const char *secret, *text, *expected;
    } cases[] = {
        {"CANARY", "the password is CANARY.", "the password is ***."},
        {"CANARY", "CANARYCANARY CANARY", "*** ***"},
        {"CANARY", "CANAR canary", "CANAR canary"},
        {"p@ss/w%rd", "p@ss/w%rd", "***"},
        {"p@ss/w%rd", "p%40ss%2Fw%25rd", "***"},
        {"p@ss/w%rd", "p%40ss%2fw%25rd", "***"},
        {"p@ss/w%rd", "p%40ss/w%25rd and p@ss%2Fw%rd", "*** and ***"},
        {"CANARY", "%43%41%4e%41%52%59 and %43ANARY", "*** and ***"},
        {"kä€", "k%C3%A4%e2%82%ac", "***"},
        {"p%40ss", "p@ss", "***"},
        {"p%40ss", "p%40ss", "***"},
        {"p%40ss", "p%2540ss", "***"},
        {"100%25", "100%25 100%", "*** ***"},
        {"two words", "GET two%20words HTTP", "GET *** HTTP"},
        {"a\nb\x01", "x a\nb\x01 y", "x *** y"},
        {"ab", "ab cab abc xab:ab", "*** cab abc xab:***"},
        {"", "nothing to hide", "nothing to hide"},
    };

    (void)state;
    log_add_secret(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        log_add_secret(cases[i].secret);
        assert_redacted(cases[i].text, cases[i].expected);
        log_close();
    }
}

static void overlapping_secrets_leave_nothing(void **state)
{
    (void)state;
    log_add_secret("abcdef");
    log_add_secret("defghi");
    log_add_secret("abcd");
    assert_redacted("-abcdefghi-", "-***-");
    assert_redacted("-abcdghi-", "-***ghi-");
}

static void user_information_of_urls_is_hidden(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"rtsp://admin:CANARY@10.0.0.1/x", "rtsp://***@10.0.0.1/x"},
        {"opening 'rtsp://admin:CANARY@h:554/x?y=1': failed", "opening 'rtsp://***@h:554/x?y=1': failed"},
        {"rtsp://admin:p@CANARY/w@h/x", "rtsp://***@h/x"},
        {"rtsp://CANARY@[::1]/", "rtsp://***@[::1]/"},
        {"http://h/ rtsps://u:CANARY@h", "http://h/ rtsps://***@h"},
        {"rtsp://h/x mail me@example.org", "rtsp://h/x mail me@example.org"},
        {"rtsp://u:it'sCANARY@h", "rtsp://***@h"},
        {"rtsp://@h", "rtsp://@h"},
        {"://", "://"},
        {"http://a?u=rtsp://u:CANARY@h", "http://***@h"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_redacted(cases[i].text, cases[i].expected);
    }
}

/* A text that fills its buffer was cut there: the beginning of a secret at its end is hidden too. */
static void the_end_of_a_cut_text_shows_no_beginning_of_a_secret(void **state)
{
    static const char *const texts[] = {
        "password: CANARY/1 and so on",
        "password: %43%41%4E%41%52%59%2f1 and so on",
        "url rtsp://admin:CANARY/1@host/path and so on",
    };

    (void)state;
    log_add_secret("CANARY/1");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t size = 1; size <= strlen(texts[i]) + 1; size++) {
            char *text = malloc(size);
            snprintf(text, size, "%s", texts[i]);
            log_redact(text, size);
            assert_true(strlen(text) < size);
            assert_null(strstr(text, "CA"));
            assert_null(strstr(text, "%4"));
            if (size > 11 && i == 0) {
                assert_memory_equal(text + 10, "***", strlen(text + 10) < 3 ? strlen(text + 10) : 3);
            }
            free(text);
        }
    }
    log_redact(NULL, 0);
}

static void a_replacement_that_does_not_fit_is_cut(void **state)
{
    char text[6] = "x abc";

    (void)state;
    log_add_secret("abc");
    log_redact(text, sizeof(text));
    assert_string_equal(text, "x ***");
    char grown[8] = "+a +a";
    log_add_secret("a");
    log_redact(grown, sizeof(grown));
    assert_string_equal(grown, "+*** +*");
}

static void assert_matches(const char *line, const char *pattern)
{
    regex_t expression;

    assert_int_equal(regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&expression, line, 0, NULL, 0) != 0) {
        fail_msg("\"%s\" does not match \"%s\"", line, pattern);
    }
    regfree(&expression);
}

static void a_line_has_time_level_source_and_process(void **state)
{
    struct capture capture;
    char camera[PIPE_BUF + 1], plain[PIPE_BUF + 1], expected[256];

    (void)state;
    capture_begin(&capture);
    log_open("ingest", "Haustür");
    errno = ENOENT;
    log_warning("cannot open %s: %m", "x");
    assert_int_equal(errno, ENOENT);
    log_open("supervisor", NULL);
    log_error("done");
    capture_line(&capture, camera);
    capture_line(&capture, plain);
    capture_end(&capture);

    snprintf(
        expected, sizeof(expected),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z warning ingest\\[Haustür\\] %d: "
        "cannot open x: No such file or directory\n$",
        (int)getpid());
    assert_matches(camera, expected);
    snprintf(expected, sizeof(expected), "Z error supervisor %d: done\n$", (int)getpid());
    assert_matches(plain, expected);
}

static void levels_decide_what_is_written(void **state)
{
    struct capture capture;
    char line[PIPE_BUF + 1];
    enum log_level level;

    (void)state;
    assert_int_equal(log_level_now(), LOG_LEVEL_INFO);
    assert_int_equal(log_level_from_name("warning", &level), 0);
    assert_int_equal(level, LOG_LEVEL_WARNING);
    assert_int_equal(log_level_from_name("Warning", &level), -EINVAL);
    log_set_level(level);
    capture_begin(&capture);
    log_info("hidden");
    log_debug("hidden");
    log_warning("shown");
    capture_line(&capture, line);
    assert_non_null(strstr(line, "shown"));
    capture_line(&capture, line);
    assert_string_equal(line, "");
    capture_end(&capture);
}

static void text_cannot_forge_a_line(void **state)
{
    struct capture capture;
    char line[PIPE_BUF + 1];

    (void)state;
    capture_begin(&capture);
    log_info("refused: %s", "bye\n2026-01-01T00:00:00.000Z info supervisor 1: all is well\033[A\xc2\x9b"
                            "A\xff");
    capture_line(&capture, line);
    capture_end(&capture);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_non_null(strstr(line, "bye\\n2026"));
    assert_non_null(strstr(line, "well\\x1b[A\\xc2\\x9bA\\xff\n"));
}

static void a_long_line_is_cut_and_its_secret_is_not(void **state)
{
    struct capture capture;
    char line[PIPE_BUF + 1];
    char *text = malloc(100000);

    (void)state;
    log_add_secret("CANARY/1");
    capture_begin(&capture);
    for (size_t length = 3900; length < 17000; length += length < 4100 || length > 16300 ? 1 : 100) {
        memset(text, 'x', length);
        snprintf(text + length, 100000 - length, "CANARY/1 and a tail");
        log_info("%s", text);
        capture_line(&capture, line);
        assert_true(strlen(line) <= PIPE_BUF);
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_null(strstr(line, "C"));
    }
    capture_end(&capture);
    free(text);
}

static void nothing_happens_when_standard_error_is_gone(void **state)
{
    int saved = dup(STDERR_FILENO);

    (void)state;
    close(STDERR_FILENO);
    errno = 0;
    log_error("to nobody");
    assert_int_equal(errno, 0);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(secrets_are_hidden_in_every_spelling, forget_all),
        cmocka_unit_test_teardown(overlapping_secrets_leave_nothing, forget_all),
        cmocka_unit_test_teardown(user_information_of_urls_is_hidden, forget_all),
        cmocka_unit_test_teardown(the_end_of_a_cut_text_shows_no_beginning_of_a_secret, forget_all),
        cmocka_unit_test_teardown(a_replacement_that_does_not_fit_is_cut, forget_all),
        cmocka_unit_test_teardown(a_line_has_time_level_source_and_process, forget_all),
        cmocka_unit_test_teardown(levels_decide_what_is_written, forget_all),
        cmocka_unit_test_teardown(text_cannot_forge_a_line, forget_all),
        cmocka_unit_test_teardown(a_long_line_is_cut_and_its_secret_is_not, forget_all),
        cmocka_unit_test_teardown(nothing_happens_when_standard_error_is_gone, forget_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
