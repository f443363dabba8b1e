/* SPDX-License-Identifier: MIT */
#include "fanout/loop/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"

/* Connections accepted before others in the loop have their turn. */
#define ACCEPT_TURN 64

/*
 * How long a process that shares the socket stands back after it accepted: longer than it takes another one
 * to wake and accept, and short enough to let thousands join in a second.
 */
#define STAND_BACK_US 200

/* And before it accepts, if another has so many viewers less. */
#define HEAVIER_US 1000
#define HEAVIER_BY 1u

/* Without descriptors or memory for a connection, look again after this long. */
#define ACCEPT_RETRY_MS 100

/* A silent peer is probed after 30 s, and is gone after 3 probes 10 s apart. */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES 3

/* Data that no peer acknowledges for so long ends the connection. */
#define UNACKNOWLEDGED_MAX_MS 60000

/*
 * Bytes that the kernel keeps for a peer that does not read (it doubles this for its own bookkeeping). Without a bound it
 * grows to megabytes. A way of 200 ms needs half of this for a stream of 10 Mbit/s.
 */
#define SEND_BUFFER_BYTES (512 * 1024)

/* Of these, bytes that are not even sent, as what a slow viewer sees grows old in them. Feeds know better what is right. */
#define UNSENT_BYTES (128 * 1024)

#define REFUSAL_HEADERS "Retry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n"

static void set_option(int socket, int level, int name, int value)
{
    if (setsockopt(socket, level, name, &value, sizeof(value)) < 0) {
        log_debug("socket option %d/%d: %s", level, name, strerror(errno));
    }
}

/* On Linux accepted sockets inherit these from the listening one: no system calls per connection. */
static void set_options(int socket)
{
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX_MS);
    set_option(socket, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
    set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES);
}

/* True if the next accept may succeed. */
static int after_failure(struct listener *listener, int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        log_warning("cannot accept viewers at the moment: %s", strerror(error));
        watch_pause(&listener->watch, true);
        watch_timer_arm(&listener->retry, ACCEPT_RETRY_MS);
        return 0;
    case EAGAIN:
        return 0;
    default: /* the connection's own error (accept(2), "error handling") */
        return 1;
    }
}

static void stand_back(struct listener *listener, long delay_us)
{
    watch_pause(&listener->watch, true);
    watch_timer_arm_us(&listener->retry, delay_us);
}

/* Without TLS a client can be told why. With TLS a handshake would cost what is to be saved. */
static void turn_away(struct listener *listener, int fd, enum limit limit)
{
    const char *answer = limits_status(limit) == 429
                             ? "HTTP/1.1 429 Too Many Requests\r\n" REFUSAL_HEADERS "\r\n"
                             : "HTTP/1.1 503 Service Unavailable\r\n" REFUSAL_HEADERS "\r\n";

    if (listener->tls->on) {
        close(fd);
        return;
    }
    send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    linger_close(listener->linger, fd);
}

static void take_in(struct listener *listener, int fd, const struct sockaddr_storage *peer)
{
    const struct in6_addr address = connections_address(peer);
    enum limit limit = limits_connect(listener->limits, listener->connections, &address);

    if (limit != LIMITS) {
        turn_away(listener, fd, limit);
        return;
    }
    /* closes it if it fails */
    struct lws *wsi = lws_adopt_socket_vhost(tls_vhost(listener->tls, listener->watch.loop), fd);

    if (!wsi) {
        return;
    }
    struct connection *connection = connections_add(listener->connections, wsi, peer);
    lws_set_opaque_user_data(wsi, connection);
    if (!connection) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    }
}

static void accept_some(struct listener *listener, int count)
{
    for (int i = 0; i < count; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t length = sizeof(peer);
        int fd = accept4(listener->watch.fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_in(listener, fd, &peer);
        } else if (!after_failure(listener, errno)) {
            return;
        }
    }
}

static void accept_shared(struct listener *listener)
{
    stand_back(listener, STAND_BACK_US);
    accept_some(listener, 1);
}

static void retry_expired(void *context)
{
    struct listener *listener = context;
    watch_pause(&listener->watch, false);
    if (listener->standing_back) {
        listener->standing_back = false;
        accept_shared(listener); /* if no other fan-out has in the meantime */
    }
}

static bool is_heavier(const struct listener *listener)
{
    uint32_t least = load_board_least(listener->board);
    return listener->load > least && listener->load - least > HEAVIER_BY;
}

static void listener_ready(void *context)
{
    struct listener *listener = context;
    if (!listener->board) {
        accept_some(listener, ACCEPT_TURN);
    } else if (is_heavier(listener)) {
        listener->standing_back = true;
        stand_back(listener, HEAVIER_US);
    } else {
        accept_shared(listener);
    }
}

void listener_share(struct listener *listener, struct load_board *board, size_t slot)
{
    listener->board = board;
    listener->slot = slot;
    listener_set_load(listener, listener->load);
}

void listener_set_load(struct listener *listener, unsigned viewers)
{
    listener->load = viewers;
    if (listener->board) {
        load_board_set(listener->board, listener->slot, viewers);
    }
}

int listener_begin(struct listener *listener, struct loop *loop, struct connections *connections,
                   struct limits *limits, struct linger_set *linger, const struct tls *tls, int socket)
{
    listener->limits = limits;
    listener->linger = linger;
    listener->connections = connections;
    listener->tls = tls;
    set_options(socket);
    int result = watch_begin(&listener->watch, loop, socket, listener_ready, listener);
    return result < 0 ? result : watch_timer_begin(&listener->retry, loop, retry_expired, listener);
}

void listener_end(struct listener *listener)
{
    watch_end(&listener->watch);
    watch_end(&listener->retry.watch);
    if (listener->board) {
        load_board_set(listener->board, listener->slot, LOAD_BOARD_ABSENT);
    }
    load_board_unmap(listener->board);
    listener->board = NULL;
}
