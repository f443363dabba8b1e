/* SPDX-License-Identifier: MIT */
/* The search for devices, with answers from the loopback interface. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "discover/search.h"

/* More than find room in what a socket has by default, with answers as long as those of devices that list what they are. */
#define DEVICES 80
#define ANSWER_SIZE 3000

static size_t write_answer(char text[ANSWER_SIZE], unsigned device)
{
    static const char end[] = "</d:Scopes></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>";
    int length = snprintf(text, ANSWER_SIZE,
                          "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" "
                          "xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" "
                          "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
                          "xmlns:n=\"http://www.onvif.org/ver10/network/wsdl\"><e:Body><d:ProbeMatches>"
                          "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:%08x</a:Address>"
                          "</a:EndpointReference><d:Types>n:NetworkVideoTransmitter</d:Types>"
                          "<d:XAddrs>http://127.77.0.%u/onvif/device_service</d:XAddrs><d:Scopes>",
                          device, device);

    memset(text + length, ' ', ANSWER_SIZE - (size_t)length);
    memcpy(text + ANSWER_SIZE - sizeof(end), end, sizeof(end) - 1);
    return ANSWER_SIZE - 1;
}

static void answer_from(unsigned device, const struct sockaddr_in *to)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f4d0000 + device)};
    char text[ANSWER_SIZE];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
    size_t length = write_answer(text, device);
    assert_int_equal(sendto(fd, text, length, 0, (const struct sockaddr *)to, sizeof(*to)), length);
    close(fd);
}

static void devices_that_answer_at_once_are_all_found(void **state)
{
    struct search search;
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    int channel[2];
    char message[4096];
    unsigned found = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel), 0);
    assert_int_equal(search_open(&search, "lo", NULL), 0);
    assert_true(search.count >= 1);
    assert_int_equal(getsockname(search.sockets[0], (struct sockaddr *)&at, &size), 0);
    for (unsigned device = 1; device <= DEVICES; device++) {
        answer_from(device, &at); /* nobody reads meanwhile */
    }
    assert_int_equal(search_run(&search, 50, channel[0]), 0);
    while (recv(channel[1], message, sizeof(message), 0) > 0) {
        found++;
    }
    assert_int_equal(found, DEVICES);
    search_close(&search);
    close(channel[0]);
    close(channel[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_that_answer_at_once_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
