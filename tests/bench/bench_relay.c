/* SPDX-License-Identifier: MIT */
/*
 * bench_relay: the hand-overs between a camera and a viewer with nothing done on the way, so that a latency
 * can be held against what the machine itself takes. Two processes, joined as ringcast-ingest and
 * ringcast-fanout are: the first receives bench_floor's messages over TCP into shared memory and wakes the
 * second by an eventfd, the second sends them on. Prints {"event":"listening","port":N}, and on end of
 * standard input {"event":"result",…}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/options.h"
#include "tests/bench/raw_message.h"

#define BACKLOG 64
#define VIEWERS_MAX 64
#define MESSAGE_MAX ((size_t)4 * 1024 * 1024)
/* The sender is never so many messages behind at a camera's rate. */
#define SLOTS 4

/* Writer: the receiver; reader: the sender. */
struct board {
    _Atomic uint64_t published; /* release, pairs with the sender's acquire */
    uint32_t lengths[SLOTS];
    uint8_t slots[SLOTS][MESSAGE_MAX];
};

struct relay {
    struct board *board;
    int listener, source, wake;
    size_t have; /* bytes of the present message */
    int viewers[VIEWERS_MAX];
    size_t viewer_count;
};

static void print_line(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
    json_decref(object);
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int relay_open(struct relay *relay, int source_port)
{
    struct sockaddr_in address = loopback(0), source = loopback(source_port);
    socklen_t length = sizeof address;

    relay->board =
        mmap(NULL, sizeof *relay->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (relay->board == MAP_FAILED) {
        return -errno;
    }
    relay->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    relay->source = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay->wake < 0 || relay->listener < 0 || relay->source < 0 ||
        bind(relay->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(relay->listener, BACKLOG) < 0 ||
        getsockname(relay->listener, (struct sockaddr *)&address, &length) < 0 ||
        connect(relay->source, (struct sockaddr *)&source, sizeof source) < 0) {
        return -errno;
    }
    print_line(json_pack("{s:s,s:i}", "event", "listening", "port", (int)ntohs(address.sin_port)));
    return 0;
}

static void relay_finish(struct relay *relay)
{
    const int fds[] = {relay->listener, relay->source, relay->wake};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    if (relay->board != MAP_FAILED) {
        munmap(relay->board, sizeof *relay->board);
    }
}

/* --- The receiver ------------------------------------------------------------------------------------- */

/* Publishes the messages that are whole; what follows them begins the next slot. */
static int publish(struct relay *relay)
{
    struct board *board = relay->board;
    for (;;) {
        uint64_t number = atomic_load_explicit(&board->published, memory_order_relaxed);
        uint8_t *slot = board->slots[number % SLOTS];
        struct raw_header header;
        if (relay->have < sizeof header) {
            return 0;
        }
        memcpy(&header, slot, sizeof header);
        if (header.length < sizeof header || header.length > MESSAGE_MAX) {
            return -EPROTO;
        }
        if (relay->have < header.length) {
            return 0;
        }
        relay->have -= header.length;
        memcpy(board->slots[(number + 1) % SLOTS], slot + header.length, relay->have);
        board->lengths[number % SLOTS] = header.length;
        atomic_store_explicit(&board->published, number + 1, memory_order_release);
        if (eventfd_write(relay->wake, 1) < 0) {
            return -errno;
        }
    }
}

static int receive(struct relay *relay)
{
    struct pollfd fds[] = {{.fd = relay->source, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0) {
            return -errno;
        }
        if (fds[1].revents != 0) {
            return 0;
        }
        uint64_t number = atomic_load_explicit(&relay->board->published, memory_order_relaxed);
        uint8_t *slot = relay->board->slots[number % SLOTS];
        ssize_t got = recv(relay->source, slot + relay->have, MESSAGE_MAX - relay->have, 0);
        if (got <= 0) {
            return got < 0 ? -errno : -ECONNRESET;
        }
        relay->have += (size_t)got;
        int result = publish(relay);
        if (result < 0) {
            return result;
        }
    }
}

/* --- The sender --------------------------------------------------------------------------------------- */

static void take_viewers(struct relay *relay)
{
    while (relay->viewer_count < VIEWERS_MAX) {
        int fd = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        relay->viewers[relay->viewer_count++] = fd;
    }
}

static void send_to_all(struct relay *relay, const uint8_t *message, size_t length)
{
    for (size_t i = 0; i < relay->viewer_count;) {
        if (send(relay->viewers[i], message, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length) {
            i++;
            continue;
        }
        close(relay->viewers[i]);
        relay->viewers[i] = relay->viewers[--relay->viewer_count];
    }
}

/* Until it is killed. */
static void send_on(struct relay *relay)
{
    struct board *board = relay->board;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[2], woken = {.events = EPOLLIN | EPOLLET, .data.fd = relay->wake},
                                  joined = {.events = EPOLLIN, .data.fd = relay->listener};
    uint64_t sent = 0;

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, relay->wake, &woken) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, relay->listener, &joined) < 0) {
        return;
    }
    for (;;) {
        int count = epoll_wait(epoll, events, 2, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == relay->listener) {
                take_viewers(relay);
            }
        }
        for (; sent < atomic_load_explicit(&board->published, memory_order_acquire); sent++) {
            send_to_all(relay, board->slots[sent % SLOTS], board->lengths[sent % SLOTS]);
        }
    }
}

static pid_t start_sender(struct relay *relay)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) {
        return child;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        send_on(relay);
    }
    _exit(1);
}

int main(int argc, char **argv)
{
    static struct relay relay = {.board = MAP_FAILED, .listener = -1, .source = -1, .wake = -1};
    size_t port = 0;
    const struct option_spec specs[] = {{"--from", OPTION_COUNT, &port, "port of bench_floor"}};
    if (options_parse(specs, sizeof specs / sizeof specs[0], argc, argv) < 0 || port == 0 || port > 65535) {
        return 2;
    }
    int result = relay_open(&relay, (int)port);
    if (result == 0) {
        pid_t sender = start_sender(&relay);
        result = sender < 0 ? -errno : receive(&relay);
        if (sender > 0) {
            kill(sender, SIGKILL);
            waitpid(sender, NULL, 0);
        }
    }
    if (result < 0) {
        fprintf(stderr, "bench_relay: %s\n", strerror(-result));
    } else {
        print_line(
            json_pack("{s:s,s:I}", "event", "result", "messages",
                      (json_int_t)atomic_load_explicit(&relay.board->published, memory_order_relaxed)));
    }
    relay_finish(&relay);
    return result < 0 ? 1 : 0;
}
