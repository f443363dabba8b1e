/* SPDX-License-Identifier: MIT */
/* Standard error that several threads and processes share, and one that is not read. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log/log.h"
#include "common/log/log_output.h"
#include "tests/support/patience.h"

static int forget_all(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    log_close();
    return 0;
}

#define THREADS 4
#define LINES 200

static void *write_lines(void *letter)
{
    char text[1500];

    memset(text, *(const char *)letter, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < LINES; i++) {
        log_info("<%s>", text);
    }
    return NULL;
}

/* Each line has one letter only, and is whole. A line that the reader was too slow for is told. */
static size_t check_lines(int fd)
{
    FILE *stream = fdopen(fd, "r");
    char *line = NULL;
    size_t size = 0, count = 0;

    while (getline(&line, &size, stream) > 0) {
        size_t lost = 0;
        const char *begin = strchr(line, '<');
        const char *told = strstr(line, ": ");
        if (told && sscanf(told, ": %zu log lines were lost", &lost) == 1) {
            count += lost;
            continue;
        }
        assert_non_null(begin);
        assert_int_equal(strspn(begin + 1, (char[]){begin[1], '\0'}), 1499);
        assert_string_equal(begin + 1500, ">\n");
        count++;
    }
    free(line);
    fclose(stream);
    return count;
}

static void lines_of_threads_and_processes_do_not_mix(void **state)
{
    static const char letters[2][THREADS] = {{'a', 'b', 'c', 'd'}, {'e', 'f', 'g', 'h'}};
    pid_t children[2];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (size_t p = 0; p < 2; p++) {
        children[p] = fork();
        if (children[p] == 0) {
            pthread_t threads[THREADS];
            dup2(ends[1], STDERR_FILENO);
            for (size_t i = 0; i < THREADS; i++) {
                pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)&letters[p][i]);
            }
            for (size_t i = 0; i < THREADS; i++) {
                pthread_join(threads[i], NULL);
            }
            log_close();
            _exit(0);
        }
    }
    close(ends[1]);
    assert_int_equal(check_lines(ends[0]), 2 * THREADS * LINES);
    for (size_t p = 0; p < 2; p++) {
        waitpid(children[p], NULL, 0);
    }
}

static _Atomic int forking_done;

static void *keep_logging(void *unused)
{
    while (!forking_done) {
        log_info("busy");
    }
    return unused;
}

/* A child forked in the middle of another thread's line must be able to log. */
static void a_child_can_log_whenever_it_was_forked(void **state)
{
    int saved = dup(STDERR_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pthread_t thread;
    int failures = 0;

    (void)state;
    log_open("test", NULL);
    dup2(null, STDERR_FILENO);
    pthread_create(&thread, NULL, keep_logging, NULL);
    for (int i = 0; i < 50; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            alarm(PATIENCE_ALARM_S); /* a child that waits for the lock for ever dies of it */
            log_info("child");
            _exit(0);
        }
        waitpid(child, &status, 0);
        failures += status != 0;
    }
    forking_done = 1;
    pthread_join(thread, NULL);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(null);
    assert_int_equal(failures, 0);
}

/* --- A reader that stops -------------------------------------------------------------------------------- */

/* More than a pipe, a socket and the log's own buffer hold. */
#define MANY_LINES 20000

/* What standard error is, with the end that a reader has. The shared copy is the one that a shell would have. */
struct outlet {
    const char *name;
    int writer, reader;
    int stop; /* of a terminal: to be stopped and started again; else -1 */
};

enum detaching { SHARED, DETACHED, RELAYED };

static struct outlet open_outlet(const char *name)
{
    struct outlet outlet = {.name = name, .stop = -1};
    int ends[2];

    if (strcmp(name, "pipe") == 0) {
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    } else if (strcmp(name, "socket") == 0) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    } else {
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
        ends[1] = outlet.stop = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(ends[1] >= 0);
    }
    outlet.reader = ends[0];
    outlet.writer = ends[1];
    return outlet;
}

/* Reads what there is into TEXT, a string, whose end alone is kept. */
static void read_all(int reader, char *text, size_t size)
{
    struct pollfd input = {.fd = reader, .events = POLLIN};

    while (poll(&input, 1, 50) == 1) {
        size_t used = strlen(text);
        if (used > size / 2) {
            memmove(text, text + used - size / 4, size / 4 + 1);
            used = size / 4;
        }
        ssize_t length = read(reader, text + used, size - used - 1);
        if (length <= 0) {
            break;
        }
        text[used + (size_t)length] = '\0';
    }
}

static void is_not_waited_for(const char *name, enum detaching detaching)
{
    static const char *const ways[] = {[SHARED] = "", [DETACHED] = ", detached", [RELAYED] = ", relayed"};
    struct outlet outlet = open_outlet(name);
    int saved = dup(STDERR_FILENO);
    static char text[262144];

    print_message("%s%s\n", name, ways[detaching]);
    dup2(outlet.writer, STDERR_FILENO);
    if (detaching == RELAYED) { /* as where standard error cannot be opened again */
        int relay = log_output_relay(outlet.writer);
        assert_true(relay >= 0);
        dup2(relay, STDERR_FILENO);
        close(relay);
    } else if (detaching == DETACHED) {
        log_detach();
        assert_int_equal(fcntl(outlet.writer, F_GETFL) & O_NONBLOCK,
                         0); /* the others' writes are as they were */
    }
    if (outlet.stop >= 0) {
        assert_int_equal(tcflow(outlet.stop, TCOOFF), 0); /* Ctrl-S */
    }
    alarm(PATIENCE_ALARM_S);
    for (int i = 0; i < MANY_LINES; i++) {
        log_info("line %d", i);
    }
    if (outlet.stop >= 0) {
        assert_int_equal(tcflow(outlet.stop, TCOON), 0);
    }
    text[0] = '\0';
    while (
        !strstr(text, " log lines were lost, because nothing read standard error")) { /* the alarm ends it */
        read_all(outlet.reader, text, sizeof(text));
        log_settle();
    }
    log_info("after all");
    while (!strstr(text, "after all")) {
        read_all(outlet.reader, text, sizeof(text));
        log_settle();
    }
    alarm(0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(outlet.writer);
    close(outlet.reader);
}

static void no_reader_is_waited_for(void **state)
{
    (void)state;
    is_not_waited_for("pipe", SHARED);
    is_not_waited_for("pipe", DETACHED);
    is_not_waited_for("pipe", RELAYED);
    is_not_waited_for("socket", SHARED);
    is_not_waited_for("socket", DETACHED);
    is_not_waited_for("terminal", DETACHED);
    is_not_waited_for("terminal", RELAYED);
}

static void a_child_leaves_its_parents_lines_alone(void **state)
{
    struct outlet outlet = open_outlet("pipe");
    int saved = dup(STDERR_FILENO), status = 0;
    static char text[262144];
    unsigned found = 0;

    (void)state;
    dup2(outlet.writer, STDERR_FILENO);
    log_open("test", NULL); /* the handlers for forks */
    while (fcntl(outlet.reader, F_SETPIPE_SZ, 16384) < 0 && errno == EINTR) {
    }
    for (int i = 0; i < 400; i++) {
        log_info("line %d of the parent", i); /* the last ones wait */
    }
    pid_t child = fork();
    if (child == 0) {
        text[0] = '\0';
        read_all(outlet.reader, text, sizeof(text));
        log_info("the child");
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    text[0] = '\0';
    alarm(PATIENCE_ALARM_S);
    while (!strstr(text, "line 399 of the parent")) {
        read_all(outlet.reader, text, sizeof(text));
        log_settle();
    }
    alarm(0);
    for (const char *at = text; (at = strstr(at, "line 399 of the parent")); at++) {
        found++;
    }
    assert_int_equal(found, 1);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(outlet.writer);
    close(outlet.reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lines_of_threads_and_processes_do_not_mix, forget_all),
        cmocka_unit_test_teardown(a_child_can_log_whenever_it_was_forked, forget_all),
        cmocka_unit_test_teardown(no_reader_is_waited_for, forget_all),
        cmocka_unit_test_teardown(a_child_leaves_its_parents_lines_alone, forget_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
