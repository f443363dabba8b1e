/* SPDX-License-Identifier: MIT */
/* The forms of log lines as they leave the process: JSON, the journal's datagrams, and what is left out. */
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log/log.h"
#include "common/log/log_form.h"
#include "common/log/log_journal.h"
#include "common/log/log_limit.h"

#define DATAGRAM_MAX 32768

/* 2026-11-23T06:31:13.007Z */
static const struct log_entry entry = {.level = LOG_LEVEL_WARNING,
                                       .wall_ns = INT64_C(1795415473007999999),
                                       .pid = 4711,
                                       .role = "ingest",
                                       .camera = "Haustür",
                                       .about = "Haustür",
                                       .state = "streaming",
                                       .message = "all is well"};

/* Standard error and the journal, while a test looks at them. A packet is a write. */
struct outlets {
    int saved;
    int errors;
    int journal;
    char directory[32];
    char path[64];
};

static void open_outlets(struct outlets *outlets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    outlets->saved = dup(STDERR_FILENO);
    outlets->errors = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    strcpy(outlets->directory, "/tmp/ringcast-log-XXXXXX");
    assert_non_null(mkdtemp(outlets->directory));
    snprintf(outlets->path, sizeof(outlets->path), "%s/socket", outlets->directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", outlets->path);
    outlets->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(outlets->journal, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("RINGCAST_JOURNAL_SOCKET", outlets->path, 1);
}

static void close_outlets(struct outlets *outlets)
{
    log_close();
    dup2(outlets->saved, STDERR_FILENO);
    close(outlets->saved);
    close(outlets->errors);
    if (outlets->journal >= 0) {
        close(outlets->journal);
    }
    unlink(outlets->path);
    rmdir(outlets->directory);
    unsetenv("RINGCAST_JOURNAL_SOCKET");
}

/* The next packet of FD with a NUL behind it; "" if there is none. */
static size_t take(int fd, char out[DATAGRAM_MAX])
{
    ssize_t length = recv(fd, out, DATAGRAM_MAX - 1, MSG_DONTWAIT);

    out[length > 0 ? length : 0] = '\0';
    return length > 0 ? (size_t)length : 0;
}

static json_t *parse_line(const char *line)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);

    if (object == NULL) {
        fail_msg("\"%s\" is no JSON: %s", line, error.text);
    }
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    return object;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static void an_object_has_what_is_known(void **state)
{
    char line[1024];

    (void)state;
    line[log_form_json(&entry, line, sizeof(line))] = '\0';
    assert_string_equal(line,
                        "{\"time\":\"2026-11-23T06:31:13.007Z\",\"level\":\"warning\",\"role\":\"ingest\","
                        "\"pid\":4711,\"camera\":\"Haust\\u00FCr\",\"state\":\"streaming\","
                        "\"message\":\"all is well\"}\n");
    const struct log_entry nobody = {.role = "keeper", .message = ""};
    line[log_form_json(&nobody, line, sizeof(line))] = '\0';
    json_t *object = parse_line(line);
    assert_true(json_is_null(json_object_get(object, "camera")));
    assert_true(json_is_null(json_object_get(object, "state")));
    json_decref(object);
}

static void json_holds_any_text(void **state)
{
    struct log_entry odd = entry;
    char line[1024];

    (void)state;
    odd.message = "two\nlines \"quoted\" \\ \033[A \xc2\x9b ü";
    line[log_form_json(&odd, line, sizeof(line))] = '\0';
    json_t *object = parse_line(line);
    assert_string_equal(text_of(object, "message"), odd.message);
    json_decref(object);
    for (const char *c = line; *c != '\n'; c++) {
        assert_in_range(*c, ' ', '~');
    }
    odd.message = "broken \xff\n";
    line[log_form_json(&odd, line, sizeof(line))] = '\0';
    object = parse_line(line);
    assert_string_equal(text_of(object, "message"), "broken \\xff\\n");
    json_decref(object);
}

static void a_long_object_is_cut_in_its_message(void **state)
{
    static const char *const pieces[] = {"x", "\n", "ü", "\xff", "\"", "😀"};
    char line[PIPE_BUF + 1];
    char message[16000];

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct log_entry longer = entry;
        message[0] = '\0';
        for (size_t used = 0; used + strlen(pieces[i]) < sizeof(message); used += strlen(pieces[i])) {
            strcpy(message + used, pieces[i]);
        }
        longer.message = message;
        size_t length = log_form_json(&longer, line, PIPE_BUF);
        assert_in_range(length, 1, PIPE_BUF);
        line[length] = '\0';
        json_decref(parse_line(line));
    }
    assert_int_equal(log_form_json(&entry, line, 40), 0);
}

/* --- The journal's datagrams ---------------------------------------------------------------------------- */

static void assert_datagram(const struct log_entry *given, const char *expected, size_t length)
{
    char bytes[1024];

    assert_int_equal(log_journal_format(given, bytes, sizeof(bytes)), length);
    assert_memory_equal(bytes, expected, length);
}

static void a_datagram_has_a_field_for_each_thing(void **state)
{
    static const char expected[] = "MESSAGE=all is well\nPRIORITY=4\nSYSLOG_IDENTIFIER=ringcast-ingest\n"
                                   "RINGCAST_ROLE=ingest\nRINGCAST_PID=4711\nRINGCAST_CAMERA=Haustür\n"
                                   "RINGCAST_STATE=streaming\n";
    static const char fewer[] =
        "MESSAGE=x\nPRIORITY=3\nSYSLOG_IDENTIFIER=ringcast-keeper\nRINGCAST_ROLE=keeper\n"
        "RINGCAST_PID=1\n";
    const struct log_entry nobody = {.level = LOG_LEVEL_ERROR, .pid = 1, .role = "keeper", .message = "x"};

    (void)state;
    assert_datagram(&entry, expected, sizeof(expected) - 1);
    assert_datagram(&nobody, fewer, sizeof(fewer) - 1);
}

static void a_message_with_a_newline_has_its_length(void **state)
{
    static const char expected[] =
        "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=6\n"
        "SYSLOG_IDENTIFIER=ringcast-ingest\nRINGCAST_ROLE=ingest\nRINGCAST_PID=4711\n";
    const struct log_entry lines = {
        .level = LOG_LEVEL_INFO, .pid = 4711, .role = "ingest", .message = "two\nlines"};

    (void)state;
    assert_datagram(&lines, expected, sizeof(expected) - 1);
}

static void what_journalctl_would_not_show_is_escaped(void **state)
{
    static const char expected[] = "MESSAGE=\\x1b[A\\n\\xff\nPRIORITY=7\nSYSLOG_IDENTIFIER=ringcast-fanout\n"
                                   "RINGCAST_ROLE=fanout\nRINGCAST_PID=2\n";
    const struct log_entry odd = {
        .level = LOG_LEVEL_DEBUG, .pid = 2, .role = "fanout", .message = "\033[A\n\xff"};
    char bytes[40];

    (void)state;
    assert_datagram(&odd, expected, sizeof(expected) - 1);
    assert_int_equal(log_journal_format(&entry, bytes, sizeof(bytes)), 0);
}

static void a_stream_to_the_journal_is_known(void **state)
{
    struct stat status;
    char text[64];

    (void)state;
    assert_int_equal(fstat(STDIN_FILENO, &status), 0);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", text, 1);
    assert_int_equal(log_format_for(LOG_FORMAT_AUTO, STDIN_FILENO), LOG_FORMAT_JOURNAL);
    assert_int_equal(log_format_for(LOG_FORMAT_JSON, STDIN_FILENO), LOG_FORMAT_JSON);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + 1);
    setenv("JOURNAL_STREAM", text, 1);
    assert_int_equal(log_format_for(LOG_FORMAT_AUTO, STDIN_FILENO), LOG_FORMAT_PLAIN);
    setenv("JOURNAL_STREAM", "nonsense", 1);
    assert_int_equal(log_format_for(LOG_FORMAT_AUTO, STDIN_FILENO), LOG_FORMAT_PLAIN);
    unsetenv("JOURNAL_STREAM");
    assert_int_equal(log_format_for(LOG_FORMAT_AUTO, STDIN_FILENO), LOG_FORMAT_PLAIN);
}

/* --- The whole ------------------------------------------------------------------------------------------ */

static void secrets_are_in_no_form(void **state)
{
    struct outlets outlets;
    char bytes[DATAGRAM_MAX];

    (void)state;
    for (enum log_format format = LOG_FORMAT_PLAIN; format <= LOG_FORMAT_JOURNAL; format++) {
        open_outlets(&outlets);
        log_open("ingest", "front");
        log_add_secret("CAN\"ARY\n");
        assert_int_equal(log_set_format(format), 0);
        log_info("it is CAN\"ARY\n, or CAN%%22ARY%%0a, or rtsp://u:CANARY@h/x");
        size_t length = take(format == LOG_FORMAT_JOURNAL ? outlets.journal : outlets.errors, bytes);
        assert_true(length > 0);
        assert_non_null(strstr(bytes, "it is ***, or ***, or rtsp://***@h/x"));
        assert_null(memmem(bytes, length, "CAN", 3));
        assert_int_equal(take(format == LOG_FORMAT_JOURNAL ? outlets.errors : outlets.journal, bytes), 0);
        close_outlets(&outlets);
    }
}

static void nothing_is_lost_without_the_journal(void **state)
{
    struct outlets outlets;
    char bytes[DATAGRAM_MAX];

    (void)state;
    open_outlets(&outlets);
    log_open("keeper", NULL);
    setenv("RINGCAST_JOURNAL_SOCKET", "/nonexistent/socket", 1);
    assert_int_equal(log_set_format(LOG_FORMAT_JOURNAL), -ENOENT);
    log_info("first");
    assert_true(take(outlets.errors, bytes) > 0);
    assert_non_null(strstr(bytes, " info keeper "));
    setenv("RINGCAST_JOURNAL_SOCKET", outlets.path, 1);
    assert_int_equal(log_set_format(LOG_FORMAT_JOURNAL), 0);
    log_info("second");
    assert_true(take(outlets.journal, bytes) > 0);
    assert_int_equal(take(outlets.errors, bytes), 0);
    close(outlets.journal);
    outlets.journal = -1;
    log_info("third");
    assert_true(take(outlets.errors, bytes) > 0);
    assert_non_null(strstr(bytes, "third\n"));
    close_outlets(&outlets);
}

/* A journal that reads nothing: what it has no room for is on standard error, and nobody waits. */
static void a_journal_that_does_not_read_stops_nobody(void **state)
{
    struct outlets outlets;
    char bytes[DATAGRAM_MAX];
    unsigned taken = 0, plain = 0;

    (void)state;
    open_outlets(&outlets);
    log_open("keeper", NULL);
    assert_int_equal(log_set_format(LOG_FORMAT_JOURNAL), 0);
    for (unsigned i = 0; i < 2000 && plain < 3; i++, taken++) {
        log_info("line %u", i);
        plain += take(outlets.errors, bytes) > 0;
    }
    assert_int_equal(plain, 3);
    for (; take(outlets.journal, bytes) > 0; plain++) {
    }
    assert_int_equal(plain, taken);
    close_outlets(&outlets);
}

/* As a process does that ringcastd has started. */
static void a_process_follows_what_it_was_told(void **state)
{
    struct outlets outlets;
    char bytes[DATAGRAM_MAX];

    (void)state;
    open_outlets(&outlets);
    assert_int_equal(log_tell_format(LOG_FORMAT_JOURNAL), 0);
    assert_true(log_descriptor() < 0);
    log_open("exporter", NULL);
    log_follow_format();
    log_info("here");
    assert_true(log_descriptor() >= 0);
    assert_true(take(outlets.journal, bytes) > 0);
    assert_non_null(strstr(bytes, "RINGCAST_ROLE=exporter\n"));
    unsetenv("RINGCAST_LOG_FORMAT");
    close_outlets(&outlets);
}

static unsigned recorded;

static void record(const char *line, size_t length)
{
    (void)line, (void)length;
    recorded++;
}

static void lines_about_a_camera_are_limited(void **state)
{
    struct outlets outlets;
    char bytes[DATAGRAM_MAX];
    unsigned written = 0, others = 0, told = 0;

    (void)state;
    open_outlets(&outlets);
    log_open("supervisor", NULL);
    assert_int_equal(log_set_format(LOG_FORMAT_JSON), 0);
    log_set_recorder(record);
    recorded = 0;
    log_set_state("front", "backoff");
    for (unsigned i = 0; i < 300; i++) {
        log_camera(LOG_LEVEL_INFO, "front", "flood");
        written += take(outlets.errors, bytes) > 0 && strstr(bytes, "flood") != NULL;
    }
    log_camera(LOG_LEVEL_ERROR, "front", "an error");
    assert_true(take(outlets.errors, bytes) > 0);
    json_t *object = parse_line(bytes);
    assert_string_equal(text_of(object, "camera"), "front");
    assert_string_equal(text_of(object, "state"), "backoff");
    json_decref(object);
    for (unsigned i = 0; i < 300; i++) {
        log_camera(LOG_LEVEL_INFO, i % 2 == 0 ? NULL : "back", "quiet");
        others += take(outlets.errors, bytes) > 0;
    }
    assert_true(recorded >= 601);
    log_set_recorder(NULL);
    log_close();
    while (take(outlets.errors, bytes) > 0) {
        unsigned number = 0;
        const char *camera = strstr(bytes, "camera front: ");
        if (camera != NULL && sscanf(camera, "camera front: %u lines left out", &number) == 1) {
            told += number;
        }
    }
    /* Time passes; a line more or less is let through. */
    assert_in_range(written, LOG_LIMIT_BURST - LOG_LIMIT_WARNING_RESERVE, 100);
    assert_in_range(others, 150 + LOG_LIMIT_BURST - LOG_LIMIT_WARNING_RESERVE, 250);
    assert_int_equal(written + told, 300);
    close_outlets(&outlets);
}

static int forget_all(void **state)
{
    (void)state;
    log_set_recorder(NULL);
    log_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_has_what_is_known),
        cmocka_unit_test(json_holds_any_text),
        cmocka_unit_test(a_long_object_is_cut_in_its_message),
        cmocka_unit_test(a_datagram_has_a_field_for_each_thing),
        cmocka_unit_test(a_message_with_a_newline_has_its_length),
        cmocka_unit_test(what_journalctl_would_not_show_is_escaped),
        cmocka_unit_test(a_stream_to_the_journal_is_known),
        cmocka_unit_test_teardown(secrets_are_in_no_form, forget_all),
        cmocka_unit_test_teardown(nothing_is_lost_without_the_journal, forget_all),
        cmocka_unit_test_teardown(a_journal_that_does_not_read_stops_nobody, forget_all),
        cmocka_unit_test_teardown(a_process_follows_what_it_was_told, forget_all),
        cmocka_unit_test_teardown(lines_about_a_camera_are_limited, forget_all),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
