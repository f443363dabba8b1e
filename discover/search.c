/* SPDX-License-Identifier: MIT */
#include "discover/search.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/message.h"
#include "discover/answer.h"
#include "discover/question.h"
#include "discover/report.h"

#define GROUP "239.255.255.250"
#define PORT 3702

/* Devices answer all at once, and again at each question: those whose answers find no room then are never found. The system gives what it allows. */
#define RECEIVE_BYTES (4 << 20)

/* Where there is no network, devices of this machine can still be found. */
#define LOOPBACK "lo"

/* Milliseconds after the start at which the question is sent: datagrams get lost. */
static const uint64_t sends[] = {0, 300, 1200};

#define SENDS (sizeof(sends) / sizeof(sends[0]))

/* Answers that are read at all; a flood ends the search and nothing else. */
#define ANSWERS_MAX 4096

/* Devices at one address: a gateway may have several, and one that lies must not leave no room for the others. */
#define PER_ADDRESS_MAX 16

#define UUID_SIZE 37

struct seen {
    char address[INET_ADDRSTRLEN], endpoint[ANSWER_TEXT_SIZE];
};

struct run {
    const struct search *search;
    int channel;
    size_t answers, found;
    struct seen *seen; /* devices that were told */
};

/* --- Sockets --------------------------------------------------------------------------------------------- */

/* A socket whose datagrams go to TARGET, from SOURCE if it is not NULL. */
static int open_socket(const struct in_addr *source, bool multicast)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = source ? source->s_addr : INADDR_ANY};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){RECEIVE_BYTES}, sizeof(int));
    if ((multicast && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, source, sizeof(*source)) < 0) ||
        bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int add(struct search *search, const struct in_addr *source, bool multicast)
{
    int fd = open_socket(source, multicast);

    if (fd >= 0) {
        search->sockets[search->count++] = fd;
    }
    return fd < 0 ? fd : 0;
}

/* INTERFACE NULL: all that lead to others; the loopback interface takes multicast without saying so. */
static bool is_wanted(const struct ifaddrs *one, const char *interface)
{
    bool usable = one->ifa_addr && one->ifa_addr->sa_family == AF_INET && (one->ifa_flags & IFF_UP);

    return usable && (interface ? strcmp(one->ifa_name, interface) == 0
                                : (one->ifa_flags & IFF_MULTICAST) && !(one->ifa_flags & IFF_LOOPBACK));
}

static int open_those(struct search *search, const struct ifaddrs *all, const char *interface)
{
    int result = -ENODEV;

    for (const struct ifaddrs *one = all; one && search->count < SEARCH_SOCKETS_MAX; one = one->ifa_next) {
        if (is_wanted(one, interface)) {
            const struct sockaddr_in *own = (const struct sockaddr_in *)(const void *)one->ifa_addr;
            int added = add(search, &own->sin_addr, true);
            result = result == 0 ? 0 : added;
        }
    }
    return result;
}

static int open_networks(struct search *search, const char *interface)
{
    struct ifaddrs *all = NULL;

    if (getifaddrs(&all) < 0) {
        return -errno;
    }
    int result = open_those(search, all, interface);
    if (result == -ENODEV && !interface) {
        result = open_those(search, all, LOOPBACK);
    }
    freeifaddrs(all);
    return result;
}

int search_open(struct search *search, const char *interface, const char *address)
{
    struct in_addr target;

    search->count = 0;
    if (!address) {
        return open_networks(search, interface);
    }
    if (inet_pton(AF_INET, address, &target) != 1) {
        return -EINVAL;
    }
    int result = add(search, NULL, false);
    if (result == 0) {
        /* Connected: nobody else's answers come. */
        const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = target};
        result = connect(search->sockets[0], (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
    }
    return result;
}

void search_close(struct search *search)
{
    for (size_t i = 0; i < search->count; i++) {
        close(search->sockets[i]);
    }
    search->count = 0;
}

/* --- Asking ---------------------------------------------------------------------------------------------- */

/* Version 4 (RFC 9562, section 5.4). */
static void make_uuid(char text[UUID_SIZE])
{
    uint8_t b[16] = {0};

    if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
        b[0] = 1; /* only to tell questions apart */
    }
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(text, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void send_question(const struct search *search)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    char message[QUESTION_SIZE], id[UUID_SIZE];

    inet_pton(AF_INET, GROUP, &to.sin_addr);
    for (size_t i = 0; i < search->count; i++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof(peer);
        bool connected = getpeername(search->sockets[i], (struct sockaddr *)&peer, &size) == 0;
        make_uuid(id);
        int length = question_probe(id, message);
        /* A network that is away gets it the next time. */
        (void)!sendto(search->sockets[i], message, (size_t)length, MSG_NOSIGNAL,
                      connected ? NULL : (const struct sockaddr *)&to, connected ? 0 : sizeof(to));
    }
}

static bool is_new(const struct run *run, const struct answer_match *match, const char *address)
{
    size_t there = 0;

    for (size_t i = 0; i < run->found; i++) {
        bool same = strcmp(run->seen[i].address, address) == 0;
        if (same && strcmp(run->seen[i].endpoint, match->endpoint) == 0) {
            return false;
        }
        there += same;
    }
    return there < PER_ADDRESS_MAX;
}

/* A device is where its answer comes from; what it says of its addresses is only a hint at ports and paths. */
static int tell(struct run *run, const struct answer_match *match, const char *address)
{
    struct seen *seen = &run->seen[run->found++];
    json_t *urls = json_array();

    for (size_t i = 0; i < match->url_count; i++) {
        json_array_append_new(urls, message_text(match->urls[i]));
    }
    snprintf(seen->address, sizeof(seen->address), "%s", address);
    memcpy(seen->endpoint, match->endpoint, sizeof(seen->endpoint));
    return report_send(run->channel,
                       message_pack("found", "{s:s, s:o, s:o, s:o, s:o}", "address", address, "endpoint",
                                    message_text(match->endpoint), "name", message_text(match->name),
                                    "hardware", message_text(match->hardware), "urls", urls));
}

/* One datagram; 1: there was none. */
static int take_answer(struct run *run, int fd)
{
    static char data[65536];
    static struct answer_match matches[ANSWER_MATCHES_MAX];
    struct sockaddr_in from = {0};
    socklen_t size = sizeof(from);
    char address[INET_ADDRSTRLEN];
    size_t count = 0;

    ssize_t length = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);
    if (length < 0) {
        return errno == EINTR || errno == ECONNREFUSED ? 0 : 1;
    }
    run->answers++;
    if (from.sin_family != AF_INET || !inet_ntop(AF_INET, &from.sin_addr, address, sizeof(address)) ||
        answer_matches(data, (size_t)length, matches, &count) < 0) {
        return 0;
    }
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (run->found < SEARCH_DEVICES_MAX && is_new(run, &matches[i], address)) {
            result = tell(run, &matches[i], address);
        }
    }
    return result;
}

static int take_answers(struct run *run, int wait_ms)
{
    struct pollfd readable[SEARCH_SOCKETS_MAX];
    int result = 0;

    for (size_t i = 0; i < run->search->count; i++) {
        readable[i] = (struct pollfd){.fd = run->search->sockets[i], .events = POLLIN};
    }
    if (poll(readable, run->search->count, wait_ms) <= 0) {
        return 0;
    }
    for (size_t i = 0; i < run->search->count && result >= 0; i++) {
        result = 0;
        while (readable[i].revents != 0 && result == 0 && run->answers < ANSWERS_MAX) {
            result = take_answer(run, readable[i].fd);
        }
    }
    return result < 0 ? result : 0;
}

int search_run(struct search *search, uint64_t ms, int channel)
{
    struct run run = {
        .search = search, .channel = channel, .seen = calloc(SEARCH_DEVICES_MAX, sizeof(*run.seen))};
    uint64_t began = clock_now_ms();
    size_t sent = 0;
    int result = run.seen ? 0 : -ENOMEM;

    while (result == 0 && run.answers < ANSWERS_MAX) {
        uint64_t passed = clock_now_ms() - began;
        if (passed >= ms) {
            break;
        }
        if (sent < SENDS && passed >= sends[sent]) {
            send_question(search);
            sent++;
        }
        uint64_t next = sent < SENDS && sends[sent] < ms ? sends[sent] : ms;
        result = take_answers(&run, next > passed ? (int)(next - passed) : 0);
    }
    free(run.seen);
    return result;
}
