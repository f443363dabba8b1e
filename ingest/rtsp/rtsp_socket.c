/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "ingest/rtsp/rtsp_tls.h"

/* Addresses of one host that are tried. */
#define ADDRESSES_MAX 8

/* A burst of a keyframe and some audio, so that the camera never waits for us; what the kernel allows. */
#define RECEIVE_BUFFER_BYTES 1048576

struct rtsp_socket {
    int fd;
    struct rtsp_tls *tls; /* NULL: none */
    bool read_wants_write, write_wants_read;
};

const char *rtsp_socket_words(int error_code)
{
    switch (-error_code) {
    case ECONNREFUSED:
        return "connection refused";
    case EHOSTUNREACH:
        return "no route to the host";
    case ENETUNREACH:
        return "the network cannot be reached";
    case ETIMEDOUT:
        return "no answer";
    case ECONNRESET:
    case EPIPE:
        return "the camera dropped the connection";
    case ENOMEM:
        return "out of memory";
    default:
        return strerror(-error_code);
    }
}

static void set_options(int fd)
{
    const int on = 1;
    const int buffer = RECEIVE_BUFFER_BYTES;

    /* Neither is worth failing for. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
}

static int wait_connected(int fd, struct rtsp_wait *wait, int64_t deadline_ns)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof(error);
    int result = rtsp_wait_poll(wait, &writable, 1, deadline_ns);

    if (result == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
        result = -errno;
    }
    return result < 0 ? result : -error;
}

/* A descriptor, or negative errno. */
static int connect_address(const struct addrinfo *address, struct rtsp_wait *wait, int64_t deadline_ns)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    int result = 0;

    if (fd < 0) {
        return -errno;
    }
    set_options(fd);
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
        result = errno == EINPROGRESS || errno == EINTR ? wait_connected(fd, wait, deadline_ns) : -errno;
    }
    if (result == 0) {
        return fd;
    }
    close(fd);
    return result;
}

/* Tries one address after the other; each has its share of the time that is left. */
static int connect_host(const struct addrinfo *list, struct rtsp_wait *wait, int64_t deadline_ns)
{
    const struct addrinfo *address;
    int64_t left = 0;
    int result = -EHOSTUNREACH;

    for (address = list; address && left < ADDRESSES_MAX; address = address->ai_next) {
        left++;
    }
    for (address = list; left > 0; left--, address = address->ai_next) {
        int64_t now = clock_now_ns();
        result = connect_address(address, wait, now + (deadline_ns - now) / left);
        if (result >= 0 || result == -ECANCELED) {
            break;
        }
    }
    return result;
}

static int look_up(const struct rtsp_endpoint *endpoint, struct addrinfo **list, char error[RTSP_ERROR_SIZE])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    char port[8];

    snprintf(port, sizeof(port), "%d", endpoint->port);
    int result = getaddrinfo(endpoint->host, port, &hints, list);
    if (result != 0) {
        hints.ai_flags = AI_NUMERICSERV;
        result = getaddrinfo(endpoint->host, port, &hints, list);
    }
    if (result == 0) {
        return 0;
    }
    *list = NULL;
    snprintf(error, RTSP_ERROR_SIZE, "the host name cannot be resolved: %s", gai_strerror(result));
    return result == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
}

static int shake_hands(struct rtsp_socket *connection, const struct rtsp_socket_options *options,
                       struct rtsp_wait *wait, int64_t deadline_ns, char error[RTSP_ERROR_SIZE])
{
    const struct rtsp_tls_options tls = {
        .verify = options->tls_verify,
        .fingerprint = options->tls_fingerprint,
        .host = options->endpoint.host,
        .is_address = rtsp_endpoint_is_address(&options->endpoint),
    };
    int result = rtsp_tls_create(connection->fd, &tls, &connection->tls);

    while (result == 0 && (result = rtsp_tls_handshake(connection->tls)) == -EAGAIN) {
        struct pollfd ready = {.fd = connection->fd, .events = rtsp_tls_wants(connection->tls)};
        result = rtsp_wait_poll(wait, &ready, 1, deadline_ns);
        if (result == -ETIMEDOUT) {
            snprintf(error, RTSP_ERROR_SIZE, "connected, but no answer to TLS");
            return result;
        }
    }
    if (result < 0 && connection->tls && rtsp_tls_reason(connection->tls)[0] != '\0') {
        snprintf(error, RTSP_ERROR_SIZE, "%s", rtsp_tls_reason(connection->tls));
    } else if (result < 0) {
        snprintf(error, RTSP_ERROR_SIZE, "%s", rtsp_socket_words(result));
    }
    return result;
}

int rtsp_socket_connect(const struct rtsp_socket_options *options, struct rtsp_wait *wait,
                        int64_t deadline_ns, struct rtsp_socket **out, char error[RTSP_ERROR_SIZE])
{
    struct addrinfo *list = NULL;
    struct rtsp_socket *connection = calloc(1, sizeof(*connection));
    int result;

    *out = NULL;
    if (!connection) {
        snprintf(error, RTSP_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    connection->fd = -1;
    result = look_up(&options->endpoint, &list, error);
    if (result < 0) {
        goto fail;
    }
    connection->fd = connect_host(list, wait, deadline_ns);
    result = connection->fd < 0 ? connection->fd : 0;
    if (result < 0) {
        snprintf(error, RTSP_ERROR_SIZE, "%s", rtsp_socket_words(result));
        goto fail;
    }
    if (options->endpoint.tls) {
        result = shake_hands(connection, options, wait, deadline_ns, error);
    }
    if (result < 0) {
        goto fail;
    }
    freeaddrinfo(list);
    *out = connection;
    return 0;
fail:
    if (list) {
        freeaddrinfo(list);
    }
    rtsp_socket_destroy(connection);
    return result;
}

void rtsp_socket_destroy(struct rtsp_socket *socket)
{
    if (!socket) {
        return;
    }
    rtsp_tls_destroy(socket->tls);
    if (socket->fd >= 0) {
        close(socket->fd);
    }
    free(socket);
}

ssize_t rtsp_socket_read(struct rtsp_socket *socket, void *data, size_t size)
{
    ssize_t got;

    if (socket->tls) {
        got = rtsp_tls_read(socket->tls, data, size);
        socket->read_wants_write = got == -EAGAIN && rtsp_tls_wants(socket->tls) == POLLOUT;
        return got;
    }
    do {
        got = recv(socket->fd, data, size, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

bool rtsp_socket_wake_at(struct rtsp_socket *socket, size_t bytes)
{
    int lowest = (int)bytes;

    return !socket->tls &&
           setsockopt(socket->fd, SOL_SOCKET, SO_RCVLOWAT, &lowest, (socklen_t)sizeof(lowest)) == 0;
}

bool rtsp_socket_gives_all(const struct rtsp_socket *socket)
{
    return !socket->tls;
}

ssize_t rtsp_socket_write(struct rtsp_socket *socket, const void *data, size_t size)
{
    ssize_t written;

    if (socket->tls) {
        written = rtsp_tls_write(socket->tls, data, size);
        socket->write_wants_read = written == -EAGAIN && rtsp_tls_wants(socket->tls) == POLLIN;
        return written;
    }
    do {
        written = send(socket->fd, data, size, MSG_NOSIGNAL);
    } while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

struct pollfd rtsp_socket_poll(const struct rtsp_socket *socket, bool writing)
{
    short events = socket->read_wants_write ? POLLOUT : POLLIN;

    if (writing) {
        events |= socket->write_wants_read ? POLLIN : POLLOUT;
    }
    return (struct pollfd){.fd = socket->fd, .events = events};
}

int rtsp_socket_local(const struct rtsp_socket *socket, struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);

    return getsockname(socket->fd, (struct sockaddr *)address, &size) < 0 ? -errno : 0;
}

int rtsp_socket_peer(const struct rtsp_socket *socket, struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);

    return getpeername(socket->fd, (struct sockaddr *)address, &size) < 0 ? -errno : 0;
}
