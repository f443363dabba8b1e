/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/support/patience.h"

struct exporter {
    pid_t pid;
    int channel;
    uint16_t port;
};

static struct exporter exporter;
static json_int_t number; /* of the last status that was asked for */

static int receive(struct channel_message *message)
{
    struct pollfd readable = {.fd = exporter.channel, .events = POLLIN};

    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    return channel_receive(exporter.channel, message);
}

static void expect(const char *type)
{
    struct channel_message message;

    assert_int_equal(receive(&message), 1);
    assert_string_equal(message_type(message.body), type);
    number = message_integer(message.body, "number", 0);
    channel_message_clear(&message);
}

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int start(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(channel_pair(ends), 0);
    exporter.pid = fork();
    if (exporter.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ends[1] == CHANNEL_CHILD_FD || dup2(ends[1], CHANNEL_CHILD_FD) != CHANNEL_CHILD_FD) {
            _exit(126);
        }
        execl(RINGCAST_EXPORTER, "ringcast-exporter", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    exporter.channel = ends[0];
    int listener = listen_anywhere(&exporter.port);
    json_t *message = message_new("listen");
    assert_int_equal(channel_send(exporter.channel, message, &listener, 1), 0);
    json_decref(message);
    close(listener);
    expect("ready");
    return 0;
}

static int stop(void **state)
{
    int status = 0;

    (void)state;
    close(exporter.channel);
    assert_int_equal(waitpid(exporter.pid, &status, 0), exporter.pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}

static int send_request(const char *request)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(exporter.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
    return fd;
}

/* The whole answer; FD is closed. */
static const char *read_answer(int fd)
{
    static char text[65536];
    size_t length = 0;
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    for (;;) {
        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        ssize_t received = recv(fd, text + length, sizeof(text) - 1 - length, 0);
        assert_true(received >= 0);
        if (received == 0) {
            break;
        }
        length += (size_t)received;
    }
    close(fd);
    text[length] = '\0';
    return text;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void answer_status(const char *text)
{
    int fd = memfd_create("status", MFD_CLOEXEC);
    json_t *message = message_new("status");

    json_object_set_new(message, "number", json_integer(number));
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(channel_send(exporter.channel, message, &fd, 1), 0);
    json_decref(message);
    close(fd);
}

#define RUNNING                                                                                              \
    "{\"v\":1,\"type\":\"status\",\"version\":\"9.9\",\"fanouts\":[{\"state\":\"running\"}],"                \
    "\"template\":{\"state\":\"running\"},\"cameras\":[]}"

static void assert_begins(const char *text, const char *begin)
{
    if (strncmp(text, begin, strlen(begin)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", text, begin);
    }
}

static void each_request_sees_the_present_status(void **state)
{
    (void)state;
    int fd = send_request(GET("/metrics"));
    expect("status");
    answer_status(RUNNING);
    const char *answer = read_answer(fd);
    assert_begins(answer, "HTTP/1.1 200 OK\r\n");
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "\nringcast_info{version=\"9.9\"} 1\n"));

    fd = send_request(GET("/readyz"));
    expect("status");
    answer_status("{\"v\":1,\"type\":\"status\",\"fanouts\":[],\"cameras\":[]}");
    answer = read_answer(fd);
    assert_begins(answer, "HTTP/1.1 503 ");
    assert_non_null(strstr(answer, "\r\n\r\nno fan-out is running\n"));

    fd = send_request(GET("/healthz"));
    expect("status");
    answer_status(RUNNING);
    assert_begins(read_answer(fd), "HTTP/1.1 200 OK\r\n");
}

static void requests_at_the_same_time_share_a_status(void **state)
{
    int fds[5];

    (void)state;
    fds[0] = send_request(GET("/readyz"));
    expect("status");
    for (int i = 1; i < 5; i++) {
        fds[i] = send_request(GET("/readyz"));
    }
    /* The fifth is known to have been taken when a page that needs no status is answered after it. */
    assert_begins(read_answer(send_request(GET("/none"))), "HTTP/1.1 404 ");
    answer_status(RUNNING);
    for (int i = 0; i < 5; i++) {
        assert_begins(read_answer(fds[i]), "HTTP/1.1 200 OK\r\n");
    }
}

static void a_silent_ringcastd_is_unhealthy(void **state)
{
    (void)state;
    int fd = send_request(GET("/healthz"));
    expect("status");
    const char *answer = read_answer(fd);
    assert_begins(answer, "HTTP/1.1 503 ");
    assert_non_null(strstr(answer, "ringcastd does not answer\n"));
    answer_status(RUNNING); /* too late: the request is gone */
    fd = send_request(GET("/healthz"));
    expect("status");
    answer_status("this is no status");
    assert_begins(read_answer(fd), "HTTP/1.1 503 ");
}

static void it_can_look_and_nothing_else(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {GET("/"), "HTTP/1.1 404 "},
        {GET("/metrics/"), "HTTP/1.1 404 "},
        {GET("/../../etc/passwd"), "HTTP/1.1 404 "},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
         "HTTP/1.1 405 "},
        {"DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_begins(read_answer(send_request(cases[i].request)), cases[i].answer);
    }
}

static unsigned descriptors(void)
{
    char path[64];
    unsigned count = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)exporter.pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void hundreds_of_connects_leave_nothing(void **state)
{
    (void)state;
    unsigned before = descriptors();
    for (int i = 0; i < 300; i++) {
        int fd = send_request(i % 3 == 0 ? "GET /metr" : GET("/none"));
        if (i % 2 == 0) {
            close(fd); /* without waiting */
        } else if (i % 3 != 0) {
            read_answer(fd);
        } else {
            close(fd);
        }
    }
    for (int i = 0; i < PATIENCE_MS / 20 && descriptors() > before; i++) {
        poll(NULL, 0, 20);
    }
    assert_int_equal(descriptors(), before);
}

static void a_client_that_leaves_while_it_waits_costs_only_itself(void **state)
{
    (void)state;
    close(send_request(GET("/metrics")));
    expect("status");
    int fd = send_request(GET("/metrics"));
    assert_begins(read_answer(send_request(GET("/none"))), "HTTP/1.1 404 ");
    answer_status(RUNNING);
    assert_begins(read_answer(fd), "HTTP/1.1 200 OK\r\n");
}

static void it_ends_with_requests_that_wait(void **state)
{
    (void)state;
    int fd = send_request(GET("/metrics"));
    expect("status");
    json_t *message = message_new("stop");
    assert_int_equal(channel_send(exporter.channel, message, NULL, 0), 0);
    json_decref(message);
    read_answer(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(each_request_sees_the_present_status),
        TEST(requests_at_the_same_time_share_a_status),
        TEST(a_silent_ringcastd_is_unhealthy),
        TEST(it_can_look_and_nothing_else),
        TEST(hundreds_of_connects_leave_nothing),
        TEST(a_client_that_leaves_while_it_waits_costs_only_itself),
        TEST(it_ends_with_requests_that_wait),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
