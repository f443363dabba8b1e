/* SPDX-License-Identifier: MIT */
/*
 * Why a proxy. NNG 1.5.2 cannot take a client that is gone before it was greeted: the send of its greeting
 * fails with EPIPE, which its listener takes for its own end. It never accepts again, does not close the dead
 * connection, and its polling thread spins on it. And it leaks the reply to a client that is gone before it
 * was answered. A ringcastctl that gave up while the machine was busy would be enough. So clients connect
 * here, and
 *   - NNG sees a connection only when its client's greeting (SP handshake, 8 bytes) is complete;
 *   - NNG's side is closed only when NNG owes nothing, neither greeting nor reply, also if the client went
 * before. The peer's user is checked here too, before any of its bytes is read.
 */
#include "supervisor/control/control_proxy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log/log.h"
#include "supervisor/process/timer.h"

/* Connections at a time; ringcastctl needs one for a moment. */
#define CONNECTIONS_MAX 128

/* Of listen(2): what may wait while another connection is let in. */
#define BACKLOG 64

/* A client that has not greeted by then is let go; NNG itself allows 10 s too. */
#define GREETING_MS 10000

/*
 * How long NNG's side of a client that is gone is kept for what NNG owes it: requests are answered at once.
 */
#define LINGER_MS 1000

/* SP handshake: 0 'S' 'P' 0, the protocol (big endian), two reserved bytes. */
#define GREETING_SIZE 8u
#define BUFFER_SIZE 16384u

/* Reads of one connection before others get their turn. */
#define ROUNDS 16

struct stream {
    char data[BUFFER_SIZE];
    size_t begin, end; /* what was read and not yet written */
};

struct connection {
    LIST_ENTRY(connection) next;
    struct control_proxy *proxy;
    int client, inner; /* -1: gone, or not there yet */
    sd_event_source *client_source, *inner_source;
    sd_event_source *timer;
    struct stream request, reply;
    uint64_t replied; /* bytes that came from NNG */
    bool owed;        /* the client said something after NNG last did */
};

struct control_proxy {
    sd_event *event;
    int listener;
    sd_event_source *source;
    char greeting[GREETING_SIZE];
    struct sockaddr_un inner_address;
    LIST_HEAD(, connection) connections;
    size_t count;
};

static void drop(struct connection *connection)
{
    LIST_REMOVE(connection, next);
    connection->proxy->count--;
    timer_disarm(&connection->timer);
    sd_event_source_disable_unref(connection->client_source);
    sd_event_source_disable_unref(connection->inner_source);
    if (connection->client >= 0) {
        close(connection->client);
    }
    if (connection->inner >= 0) {
        close(connection->inner);
    }
    free(connection);
}

static int on_time_out(sd_event_source *source, uint64_t usec, void *data)
{
    (void)source, (void)usec;
    drop(data);
    return 0;
}

/* The client is gone. NNG's side stays until NNG has said what it owes. */
static void client_gone(struct connection *connection)
{
    if (connection->inner < 0 || !(connection->owed || connection->reply.end > 0)) {
        drop(connection);
        return;
    }
    connection->client_source = sd_event_source_disable_unref(connection->client_source);
    close(connection->client);
    connection->client = -1;
    connection->reply.begin = connection->reply.end = 0;
    sd_event_source_set_io_events(connection->inner_source, EPOLLIN);
    if (timer_arm(connection->proxy->event, &connection->timer, LINGER_MS, on_time_out, connection) < 0) {
        drop(connection);
    }
}

/* 1: something was read; 0: nothing there; -EPIPE: the end. */
static int fill(int fd, struct stream *stream)
{
    ssize_t length = recv(fd, stream->data + stream->end, BUFFER_SIZE - stream->end, MSG_DONTWAIT);

    if (length > 0) {
        stream->end += (size_t)length;
        return 1;
    }
    return length < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

/* 1: all is written; 0: not yet; -EPIPE: the end. */
static int drain(int fd, struct stream *stream)
{
    while (stream->begin < stream->end) {
        ssize_t length =
            send(fd, stream->data + stream->begin, stream->end - stream->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (length < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
        }
        stream->begin += (size_t)length;
    }
    stream->begin = stream->end = 0;
    return 1;
}

/* Moves what can be moved. 0; -EPIPE: FROM has ended; -ECONNRESET: TO has. */
static int move(int from, int to, struct stream *stream, uint64_t *moved)
{
    for (int i = 0; i < ROUNDS; i++) {
        int result = drain(to, stream);
        if (result <= 0) {
            return result < 0 ? -ECONNRESET : 0;
        }
        result = fill(from, stream);
        if (result <= 0) {
            return result;
        }
        *moved += stream->end;
    }
    return 0;
}

static uint32_t interest(const struct stream *in, const struct stream *out)
{
    return (in->end == 0 ? (uint32_t)EPOLLIN : 0) | (out->end > 0 ? (uint32_t)EPOLLOUT : 0);
}

/* It may free the connection. */
static void pass_on(struct connection *connection)
{
    uint64_t replied = 0, requested = 0;
    int result = move(connection->inner, connection->client, &connection->reply, &replied);

    connection->replied += replied;
    if (replied > 0 && connection->replied > GREETING_SIZE) {
        connection->owed = false;
    }
    if (result == -EPIPE) {
        drop(connection);
        return;
    }
    if (result == 0) {
        result = move(connection->client, connection->inner, &connection->request, &requested);
    }
    connection->owed = connection->owed || requested > 0;
    if (result < 0) {
        client_gone(connection);
        return;
    }
    sd_event_source_set_io_events(connection->client_source,
                                  interest(&connection->request, &connection->reply));
    sd_event_source_set_io_events(connection->inner_source,
                                  interest(&connection->reply, &connection->request));
}

static int on_inner(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct connection *connection = data;

    (void)source, (void)events;
    if (connection->client >= 0) {
        pass_on(connection);
        return 0;
    }
    if (fill(fd, &connection->reply) < 0) {
        drop(connection);
    } else {
        connection->reply.end = 0;
    }
    return 0;
}

static int connect_inner(struct connection *connection)
{
    const struct control_proxy *proxy = connection->proxy;

    connection->inner = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->inner < 0 || connect(connection->inner, (const struct sockaddr *)&proxy->inner_address,
                                         sizeof(proxy->inner_address)) < 0) {
        return -errno;
    }
    return sd_event_add_io(proxy->event, &connection->inner_source, connection->inner, EPOLLIN, on_inner,
                           connection);
}

/* Until the greeting is complete. */
static void read_greeting(struct connection *connection)
{
    int result = fill(connection->client, &connection->request);

    if (result < 0) {
        drop(connection);
        return;
    }
    size_t known = connection->request.end < GREETING_SIZE ? connection->request.end : GREETING_SIZE;
    if (memcmp(connection->request.data, connection->proxy->greeting, known) != 0) {
        log_warning("control: a client that does not speak NNG's protocol for this socket was refused");
        drop(connection);
        return;
    }
    if (known < GREETING_SIZE) {
        return;
    }
    timer_disarm(&connection->timer);
    connection->owed = true;
    result = connect_inner(connection);
    if (result < 0) {
        log_warning("control: a client could not be connected: %s", strerror(-result));
        drop(connection);
        return;
    }
    pass_on(connection);
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct connection *connection = data;

    (void)source, (void)fd, (void)events;
    if (connection->inner < 0) {
        read_greeting(connection);
    } else {
        pass_on(connection);
    }
    return 0;
}

static bool welcome(int client)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        return false;
    }
    if (peer.uid == 0 || peer.uid == geteuid()) {
        return true;
    }
    log_warning("control: user %u (process %d) was refused", (unsigned)peer.uid, (int)peer.pid);
    return false;
}

static void let_in(struct control_proxy *proxy, int client)
{
    struct connection *connection = proxy->count < CONNECTIONS_MAX ? calloc(1, sizeof(*connection)) : NULL;

    if (!connection) {
        close(client);
        return;
    }
    connection->proxy = proxy;
    connection->client = client;
    connection->inner = -1;
    LIST_INSERT_HEAD(&proxy->connections, connection, next);
    proxy->count++;
    if (sd_event_add_io(proxy->event, &connection->client_source, client, EPOLLIN, on_client, connection) <
            0 ||
        timer_arm(proxy->event, &connection->timer, GREETING_MS, on_time_out, connection) < 0) {
        drop(connection);
    }
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *data)
{
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)source, (void)events;
    if (client < 0) {
        return 0;
    }
    if (welcome(client)) {
        let_in(data, client);
    } else {
        close(client);
    }
    return 0;
}

static int address_of(const char *path, struct sockaddr_un *address)
{
    size_t length = strlen(path);

    if (length >= sizeof(address->sun_path)) {
        return -ENAMETOOLONG;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    return 0;
}

/* The mode is that of the umask until chmod, in a directory that is closed to others. */
static int listen_at(struct control_proxy *proxy, const struct sockaddr_un *address)
{
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (proxy->listener < 0 ||
        bind(proxy->listener, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
        chmod(address->sun_path, 0600) < 0 || listen(proxy->listener, BACKLOG) < 0) {
        return -errno;
    }
    return sd_event_add_io(proxy->event, &proxy->source, proxy->listener, EPOLLIN, on_connection, proxy);
}

int control_proxy_open(sd_event *event, const char *path, const char *inner_path,
                       enum control_proxy_protocol protocol, struct control_proxy **made)
{
    struct sockaddr_un address;
    struct control_proxy *proxy = calloc(1, sizeof(*proxy));

    if (!proxy) {
        return -ENOMEM;
    }
    proxy->event = sd_event_ref(event);
    proxy->listener = -1;
    memcpy(proxy->greeting, (const char[GREETING_SIZE]){0, 'S', 'P', 0, 0, (char)protocol, 0, 0},
           GREETING_SIZE);
    LIST_INIT(&proxy->connections);
    int result = address_of(path, &address);
    if (result == 0) {
        result = address_of(inner_path, &proxy->inner_address);
    }
    if (result == 0) {
        result = listen_at(proxy, &address);
    }
    if (result < 0) {
        control_proxy_close(proxy);
        return result;
    }
    *made = proxy;
    return 0;
}

void control_proxy_close(struct control_proxy *proxy)
{
    if (!proxy) {
        return;
    }
    sd_event_source_disable_unref(proxy->source);
    if (proxy->listener >= 0) {
        close(proxy->listener);
    }
    for (struct connection *connection = LIST_FIRST(&proxy->connections), *next; connection;
         connection = next) {
        next = LIST_NEXT(connection, next);
        if (connection->inner >= 0 && connection->client >= 0) {
            pass_on(connection);
        }
    }
    while (!LIST_EMPTY(&proxy->connections)) {
        drop(LIST_FIRST(&proxy->connections));
    }
    sd_event_unref(proxy->event);
    free(proxy);
}
