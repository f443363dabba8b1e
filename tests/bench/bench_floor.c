/* SPDX-License-Identifier: MIT */
/*
 * bench_floor: the least that serving costs. One thread, one timer, and for each viewer and message exactly
 * one send() (with TLS, one SSL_write()) of a shared buffer: no protocol, no queue, no ring. Messages have the sizes that the measured
 * server's viewers received, so that the two can be divided by one another. Prints
 * {"event":"listening","port":N}, and on end of standard input {"event":"result",…}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/bench/clock.h"
#include "tests/bench/options.h"
#include "tests/bench/raw_message.h"
#include "tests/bench/secure.h"

#define BACKLOG 4096
#define EVENTS_MAX 64
#define MESSAGE_MAX ((size_t)4 * 1024 * 1024)
#define SIZES_MAX 65536

struct floor_server {
    int listener, timer, epoll;
    int *viewers; /* connected sockets */
    SSL **secure; /* of each of them; NULL: plain */
    SSL_CTX *tls; /* NULL: plain */
    size_t viewer_count, viewer_max;
    uint32_t *sizes;
    size_t size_count;
    uint8_t *message;
    uint32_t sequence;
    uint64_t sends, short_sends, late_ticks;
};

static void print_line(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text ? text : "{}");
    fflush(stdout);
    free(text);
    json_decref(object);
}

/* One decimal number a line. */
static int read_sizes(struct floor_server *server, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[32];
    if (!file) {
        return -errno;
    }
    server->sizes = calloc(SIZES_MAX, sizeof *server->sizes);
    while (server->sizes && server->size_count < SIZES_MAX && fgets(line, sizeof line, file)) {
        unsigned long size = strtoul(line, NULL, 10);
        if (size >= sizeof(struct raw_header) && size <= MESSAGE_MAX) {
            server->sizes[server->size_count++] = (uint32_t)size;
        }
    }
    fclose(file);
    return server->size_count > 0 ? 0 : -EINVAL;
}

static void drop_viewer(struct floor_server *server, size_t index)
{
    SSL_free(server->secure[index]);
    close(server->viewers[index]);
    server->viewers[index] = server->viewers[--server->viewer_count];
    server->secure[index] = server->secure[server->viewer_count];
}

static void send_to_all(struct floor_server *server)
{
    uint32_t length = server->sizes[server->sequence++ % server->size_count];
    struct raw_header header = {.length = length, .sequence = server->sequence, .sent_ns = clock_ns()};
    memcpy(server->message, &header, sizeof header);
    for (size_t i = 0; i < server->viewer_count;) {
        SSL *ssl = server->secure[i];
        ssize_t sent = ssl ? SSL_write(ssl, server->message, (int)length)
                           : send(server->viewers[i], server->message, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        server->sends++;
        if (sent == (ssize_t)length) {
            i++;
            continue;
        }
        server->short_sends++;
        drop_viewer(server, i);
    }
}

static void on_timer(struct floor_server *server)
{
    uint64_t expirations = 0;
    (void)!read(server->timer, &expirations, sizeof expirations);
    server->late_ticks += expirations > 0 ? expirations - 1 : 0;
    for (uint64_t i = 0; i < expirations; i++) {
        send_to_all(server);
    }
}

static void on_listener(struct floor_server *server)
{
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        SSL *ssl = server->tls ? secure_accept(server->tls, fd) : NULL;
        if (server->viewer_count == server->viewer_max || (server->tls && !ssl)) {
            SSL_free(ssl);
            close(fd);
        } else {
            server->secure[server->viewer_count] = ssl;
            server->viewers[server->viewer_count++] = fd;
        }
    }
}

static int watch(const struct floor_server *server, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int run_loop(struct floor_server *server)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == STDIN_FILENO) {
                return 0;
            }
            if (events[i].data.fd == server->timer) {
                on_timer(server);
            } else {
                on_listener(server);
            }
        }
    }
}

static int listen_on_loopback(struct floor_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(server->listener, BACKLOG) < 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) < 0) {
        return -errno;
    }
    print_line(json_pack("{s:s,s:i}", "event", "listening", "port", (int)ntohs(address.sin_port)));
    return 0;
}

static int floor_open(struct floor_server *server, double fps)
{
    int64_t interval = (int64_t)((double)NS_PER_S / fps);
    struct itimerspec spec = {.it_interval = clock_timespec(interval), .it_value = clock_timespec(interval)};
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    server->message = calloc(1, MESSAGE_MAX);
    server->viewers = calloc(server->viewer_max, sizeof *server->viewers);
    server->secure = calloc(server->viewer_max, sizeof *server->secure);
    if (!server->message || !server->viewers || !server->secure) {
        return -ENOMEM;
    }
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (server->epoll < 0 || server->timer < 0 || timerfd_settime(server->timer, 0, &spec, NULL) < 0) {
        return -errno;
    }
    int result = listen_on_loopback(server);
    if (result == 0) {
        result = watch(server, server->timer);
    }
    if (result == 0) {
        result = watch(server, server->listener);
    }
    return result < 0 ? result : watch(server, STDIN_FILENO);
}

static void floor_finish(struct floor_server *server)
{
    while (server->viewer_count > 0) {
        drop_viewer(server, 0);
    }
    free(server->viewers);
    free(server->secure);
    SSL_CTX_free(server->tls);
    free(server->message);
    free(server->sizes);
    const int fds[] = {server->listener, server->timer, server->epoll};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

int main(int argc, char **argv)
{
    struct floor_server server = {.listener = -1, .timer = -1, .epoll = -1, .viewer_max = 1000};
    const char *sizes = NULL, *certificate = NULL, *key = NULL;
    double fps = 25;
    const struct option_spec specs[] = {
        {"--sizes", OPTION_STRING, &sizes, "file with one message size in bytes a line"},
        {"--fps", OPTION_NUMBER, &fps, "messages a second; default 25"},
        {"--certificate", OPTION_STRING, &certificate,
         "file in PEM form: over TLS, with SSL_write() in place of send()"},
        {"--key", OPTION_STRING, &key, "the certificate's"},
        {"--max-viewers", OPTION_COUNT, &server.viewer_max, "default 1000"},
    };
    if (options_parse(specs, sizeof specs / sizeof specs[0], argc, argv) < 0 || !sizes || !(fps > 0)) {
        return 2;
    }
    if (certificate && !(key && (server.tls = secure_server(certificate, key)))) {
        return 2;
    }
    int result = read_sizes(&server, sizes);
    if (result == 0) {
        result = floor_open(&server, fps);
    }
    if (result == 0) {
        result = run_loop(&server);
    }
    if (result < 0) {
        fprintf(stderr, "bench_floor: %s\n", strerror(-result));
    } else {
        print_line(json_pack("{s:s,s:I,s:I,s:I}", "event", "result", "sends", (json_int_t)server.sends,
                             "short_sends", (json_int_t)server.short_sends, "late_ticks",
                             (json_int_t)server.late_ticks));
    }
    floor_finish(&server);
    return result < 0 ? 1 : 0;
}
