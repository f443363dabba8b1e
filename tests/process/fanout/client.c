/* SPDX-License-Identifier: MIT */
#include "tests/process/fanout/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "tests/support/patience.h"

#define HEAD_MAX 8192

/* Of a frame's first byte: the message ends with it (RFC 6455, 5.2). */
#define FIN 0x80

static const uint8_t mask[4] = {1, 2, 3, 4};

static const char *source_address;

void client_set_source(const char *address)
{
    source_address = address;
}

static void bind_source(int fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    assert_int_equal(inet_pton(AF_INET, source_address, &address.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void client_connect(struct client *client, int port, int receive_bytes)
{
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(client->fd >= 0);
    if (receive_bytes) {
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (source_address) {
        bind_source(client->fd);
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void client_secure(struct client *client)
{
    static SSL_CTX *context;

    context = context ? context : SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    client->tls = SSL_new(context);
    assert_non_null(client->tls);
    assert_int_equal(SSL_set_fd(client->tls, client->fd), 1);
    assert_int_equal(SSL_connect(client->tls), 1);
}

static void send_all(struct client *client, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    while (length) {
        ssize_t sent = client->tls ? SSL_write(client->tls, bytes, (int)length)
                                   : send(client->fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the server has closed: what it said before is still to be read */
        }
        bytes += sent;
        length -= (size_t)sent;
    }
}

void client_send_bytes(struct client *client, const void *bytes, size_t length)
{
    send_all(client, bytes, length);
}

void client_end_sending(struct client *client)
{
    if (client->tls) {
        SSL_shutdown(client->tls);
    }
    shutdown(client->fd, SHUT_WR);
}

void client_send(struct client *client, const char *text)
{
    send_all(client, text, strlen(text));
}

/* What is not a record of data, tickets for example, is no news. */
static ssize_t receive(struct client *client, void *room, size_t size)
{
    for (;;) {
        int count = client->tls ? SSL_read(client->tls, room, (int)size)
                                : (int)recv(client->fd, room, size, MSG_DONTWAIT);
        bool later = client->tls ? count <= 0 && SSL_get_error(client->tls, count) == SSL_ERROR_WANT_READ
                                 : count < 0 && errno == EAGAIN;
        if (!later) {
            return count;
        }
        struct pollfd wait = {.fd = client->fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    }
}

static void set_blocking(struct client *client, bool blocking)
{
    fcntl(client->fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
}

/* Waits for more bytes. False: end-of-file. */
static bool receive_more(struct client *client)
{
    if (client->room < client->length + HEAD_MAX) {
        client->room = 2 * (client->room + HEAD_MAX);
        client->buffer = realloc(client->buffer, client->room);
        assert_non_null(client->buffer);
    }
    set_blocking(client, !client->tls);
    ssize_t count = receive(client, client->buffer + client->length, client->room - client->length - 1);
    set_blocking(client, true);
    if (count <= 0) {
        return false;
    }
    client->length += (size_t)count;
    client->buffer[client->length] = '\0';
    return true;
}

/* True once LENGTH unread bytes are in the buffer. */
static bool have(struct client *client, size_t length)
{
    if (client->start && client->length - client->start < length) {
        memmove(client->buffer, client->buffer + client->start, client->length - client->start);
        client->length -= client->start;
        client->start = 0;
    }
    while (client->length - client->start < length) {
        if (!receive_more(client)) {
            return false;
        }
    }
    return true;
}

const uint8_t *client_read_bytes(struct client *client, size_t length)
{
    assert_true(have(client, length));
    client->start += length;
    return client->buffer + client->start - length;
}

void client_read_head(struct client *client)
{
    free(client->head);
    client->head = NULL;
    client->status = 0;
    const char *end = NULL;
    size_t wanted = 1;
    while (!end) {
        if (!have(client, wanted)) {
            return;
        }
        client->buffer[client->length] = '\0';
        end = strstr((char *)client->buffer + client->start, "\r\n\r\n");
        wanted = client->length - client->start + 1;
    }
    size_t length = (size_t)(end + 4 - (char *)client->buffer) - client->start;
    client->head = strndup((char *)client->buffer + client->start, length);
    client->start += length;
    assert_int_equal(sscanf(client->head, "HTTP/1.%*1d %d ", &client->status), 1);
}

static void send_request(struct client *client, const char *method, const char *path, const char *headers)
{
    char *text;
    assert_true(asprintf(&text, "%s %s HTTP/1.1\r\n%s\r\n", method, path, headers) > 0);
    client_send(client, text);
    free(text);
}

void client_open(struct client *client, int port, const char *path, const char *headers, int receive_bytes)
{
    char *all;
    assert_true(
        asprintf(&all,
                 "%sUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s",
                 strstr(headers, "Host:") ? "" : "Host: cameras.example\r\n", headers) > 0);
    client_connect(client, port, receive_bytes);
    send_request(client, "GET", path, all);
    free(all);
    client_read_head(client);
}

void client_request(struct client *client, int port, const char *method, const char *path,
                    const char *headers)
{
    char *all;
    assert_true(asprintf(&all, "Host: cameras.example\r\n%s", headers) > 0);
    client_connect(client, port, 0);
    send_request(client, method, path, all);
    free(all);
    client_read_head(client);
}

char *client_header(const struct client *client, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(client->head, "\r\n"); line && line[2] != '\r';
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            const char *value = line + 2 + length + 1;
            value += strspn(value, " ");
            return strndup(value, strcspn(value, "\r"));
        }
    }
    return NULL;
}

static uint64_t big_endian(const uint8_t *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* Reads the next message. */
static bool next_message(struct client *client, struct client_message *message)
{
    if (!have(client, 2)) {
        return false;
    }
    const uint8_t *header = client->buffer + client->start;
    assert_int_equal(header[0] & 0xf0, 0x80); /* whole messages, no extension */
    size_t extra = (header[1] & 0x7f) == 127 ? 8 : (header[1] & 0x7f) == 126 ? 2 : 0;
    assert_int_equal(header[1] & 0x80, 0); /* a server does not mask */
    message->opcode = header[0] & 0x0f;
    assert_true(have(client, 2 + extra));
    header = client->buffer + client->start;
    message->length = extra ? big_endian(header + 2, extra) : header[1];
    assert_true(have(client, 2 + extra + message->length));
    message->payload = client->buffer + client->start + 2 + extra;
    client->start += 2 + extra + message->length;
    return true;
}

bool client_next(struct client *client, struct client_message *message)
{
    bool there = next_message(client, message);

    if (there && message->opcode == CLIENT_PING && !client->is_mute) {
        client_send_frame(client, CLIENT_PONG, message->payload, message->length);
    }
    return there;
}

void client_drain(struct client *client)
{
    do {
        client->start = client->length = 0;
    } while (receive_more(client));
}

bool client_has_news(struct client *client)
{
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    char byte;
    if (client->length > client->start || !client->tls) {
        return client->length > client->start || poll(&wait, 1, 0) == 1;
    }
    set_blocking(client, false);
    int count = SSL_peek(client->tls, &byte, 1);
    set_blocking(client, true);
    return count > 0 || SSL_get_error(client->tls, count) != SSL_ERROR_WANT_READ;
}

/* A frame with the first byte FIRST and a mask (RFC 6455, 5.2), malloc'ed; its size is in *SIZE. */
static uint8_t *make_frame(int first, const void *payload, size_t length, size_t *size)
{
    uint8_t *frame = malloc(length + 14);
    assert_non_null(frame);
    size_t head = 2;
    frame[0] = (uint8_t)first;
    frame[1] = (uint8_t)(0x80 | (length < 126 ? length : 126));
    assert_true(length < 65536);
    if (length >= 126) {
        frame[2] = (uint8_t)(length >> 8);
        frame[3] = (uint8_t)length;
        head = 4;
    }
    memcpy(frame + head, mask, sizeof(mask));
    for (size_t i = 0; i < length; i++) {
        frame[head + 4 + i] = ((const uint8_t *)payload)[i] ^ mask[i % sizeof(mask)];
    }
    *size = head + 4 + length;
    return frame;
}

void client_send_fragment(struct client *client, int opcode, const void *payload, size_t length, bool last)
{
    size_t size;
    uint8_t *frame = make_frame((last ? FIN : 0) | opcode, payload, length, &size);

    send_all(client, frame, size);
    free(frame);
}

void client_send_frame(struct client *client, int opcode, const void *payload, size_t length)
{
    client_send_fragment(client, opcode, payload, length, true);
}

/* Bytes that the server has not read yet, as the kernel says of the server's socket. */
static unsigned long count_unread(const struct client *client)
{
    struct sockaddr_in own, server;
    char line[256];
    unsigned long unread = 0;

    assert_int_equal(getsockname(client->fd, (struct sockaddr *)&own, &(socklen_t){sizeof(own)}), 0);
    assert_int_equal(getpeername(client->fd, (struct sockaddr *)&server, &(socklen_t){sizeof(server)}), 0);
    FILE *table = fopen("/proc/net/tcp", "r");
    assert_non_null(table);
    while (fgets(line, sizeof(line), table)) {
        unsigned local, remote;
        unsigned long waiting;
        if (sscanf(line, " %*u: %*x:%x %*x:%x %*x %*x:%lx", &local, &remote, &waiting) == 3 &&
            local == ntohs(server.sin_port) && remote == ntohs(own.sin_port)) {
            unread = waiting;
        }
    }
    fclose(table);
    return unread;
}

void client_send_frame_slowly(struct client *client, int opcode, const void *payload, size_t length)
{
    size_t size;
    uint8_t *frame = make_frame(FIN | opcode, payload, length, &size);

    for (size_t i = 0; i < size; i++) {
        send_all(client, frame + i, 1);
        for (int waited = 0; count_unread(client) > 0; waited++) {
            assert_true(waited < PATIENCE_MS);
            usleep(1000);
        }
    }
    free(frame);
}

void client_close(struct client *client, bool abruptly)
{
    if (abruptly) {
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    SSL_free(client->tls);
    close(client->fd);
    free(client->buffer);
    free(client->head);
    *client = (struct client){.fd = -1};
}
