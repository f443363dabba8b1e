/* SPDX-License-Identifier: MIT */
#include "fanout/http/unread_request.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fanout/http/http_response.h"
#include "fanout/http/unread_head.h"
#include "fanout/loop/tls.h"

/* The kernel counts the end of what the client sends as a byte. */
#define FIN_BYTES 1u

/* All that the connection has brought, in bytes of TCP. */
static uint64_t received(const struct connection *connection)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    int fd = lws_get_socket_fd(connection->wsi);

    return fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_bytes_received
                                                                                 : 0;
}

uint64_t unread_request_size(const struct connection *connection)
{
    uint64_t handshake = tls_handshake_bytes(connection->wsi);
    uint64_t before = connection->received > handshake ? connection->received : handshake;
    uint64_t now = received(connection);

    return now > before + FIN_BYTES ? now - before : 0;
}

void unread_request_done(struct connection *connection)
{
    connection->received = received(connection);
}

/* What the socket does not take at once is lost. */
static void write_now(struct lws *wsi, const char *text, size_t length)
{
    SSL *ssl = lws_get_ssl(wsi);

    if (ssl) {
        SSL_write(ssl, text, (int)length);
    } else {
        send(lws_get_socket_fd(wsi), text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

bool unread_request_is_plain(const struct connection *connection)
{
    const SSL *ssl = lws_get_ssl(connection->wsi);

    return !lws_is_ssl(connection->wsi) || (ssl && SSL_is_init_finished(ssl));
}

static void tell(struct connection *connection, int status, struct linger_set *linger)
{
    char text[256];
    int length =
        snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                 status, http_response_reason(status));

    unread_head_let_go(connection);
    write_now(connection->wsi, text, (size_t)length);
    /* libwebsockets ends what the client receives, and closes its own descriptor. */
    int fd = fcntl(lws_get_socket_fd(connection->wsi), F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) {
        linger_close(linger, fd);
    }
}

void unread_request_refuse(struct connection *connection, int status, struct linger_set *linger)
{
    if (!connection->is_ended && unread_request_is_plain(connection) && unread_request_size(connection) > 0) {
        tell(connection, status, linger);
    }
    connection->is_ended = true;
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}
