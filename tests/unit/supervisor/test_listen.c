/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/process/listen.h"

static void a_free_port_is_found_and_said(void **state)
{
    char url[LISTEN_URL_SIZE];
    int fd, port, listening = 0;
    socklen_t size = sizeof(listening);

    (void)state;
    assert_int_equal(listen_open("127.0.0.1", 0, &fd, url), 0);
    assert_int_equal(sscanf(url, "http://127.0.0.1:%d/", &port), 1);
    assert_in_range(port, 1, 65535);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), 0);
    assert_int_equal(listening, 1);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

static void ipv6_stands_in_brackets(void **state)
{
    char url[LISTEN_URL_SIZE];
    int fd;

    (void)state;
    int error = listen_open("::1", 0, &fd, url);
    if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) {
        skip();
    }
    assert_int_equal(error, 0);
    assert_memory_equal(url, "http://[::1]:", 13);
    close(fd);
}

static void a_taken_port_is_an_error(void **state)
{
    char url[LISTEN_URL_SIZE], other[LISTEN_URL_SIZE];
    int fd, second = -1, port = 0;

    (void)state;
    assert_int_equal(listen_open("127.0.0.1", 0, &fd, url), 0);
    assert_int_equal(sscanf(url, "http://127.0.0.1:%d/", &port), 1);
    assert_int_equal(listen_open("127.0.0.1", port, &second, other), -EADDRINUSE);
    assert_int_equal(second, -1);
    close(fd);
    assert_int_equal(listen_open("127.0.0.1", port, &second, other), 0); /* at once, SO_REUSEADDR */
    close(second);
}

static void wrong_addresses_are_errors(void **state)
{
    char url[LISTEN_URL_SIZE];
    int fd = -1;

    (void)state;
    assert_int_equal(listen_open("localhost", 0, &fd, url), -EINVAL); /* names are not looked up */
    assert_int_equal(listen_open("192.0.2.1", 0, &fd, url), -EADDRNOTAVAIL);
    assert_int_equal(fd, -1);
}

static void a_socket_knows_its_address(void **state)
{
    static const struct {
        const char *url, *host;
        int port;
        bool same;
    } cases[] = {
        {"http://127.0.0.1:8080/", "127.0.0.1", 8080, true},
        {"rtsp://127.0.0.1:8554/", "127.0.0.1", 8554, true},
        {"https://[::1]:8080/", "::1", 8080, true},
        {"https://[::1]:8080/", "0:0:0:0:0:0:0:1", 8080, true},
        {"http://127.0.0.1:8080/", "127.0.0.1", 808, false},
        {"http://127.0.0.1:8080/", "127.0.0.1", 0, false},
        {"http://127.0.0.1:8080/", "0.0.0.0", 8080, false},
        {"http://0.0.0.0:8080/", "127.0.0.1", 8080, false},
        {"http://127.0.0.1:8080/", "localhost", 8080, false}, /* names are not looked up */
        {"", "127.0.0.1", 8080, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(listen_is_at(cases[i].url, cases[i].host, cases[i].port), cases[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_port_is_found_and_said), cmocka_unit_test(ipv6_stands_in_brackets),
        cmocka_unit_test(a_socket_knows_its_address),    cmocka_unit_test(a_taken_port_is_an_error),
        cmocka_unit_test(wrong_addresses_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
