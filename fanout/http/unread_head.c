/* SPDX-License-Identifier: MIT */
#include "fanout/http/unread_head.h"

#include <assert.h>
#include <libwebsockets.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/secret.h"
#include "fanout/http/raw_head.h"

/* Of the connection that is looked at; a record of TLS fits (RFC 8446, 5.1). */
static char bytes[UNREAD_HEAD_MAX];

static_assert(sizeof(bytes) >= SSL3_RT_MAX_PLAIN_LENGTH, "a record that is seen in part would be lost");

/* The kernel tells of the connection again when more than COUNT bytes are there, or it has ended. */
static void wake_beyond(struct connection *connection, size_t count)
{
    int least = (int)count + 1;

    if (connection->held_bytes != count) {
        setsockopt(lws_get_socket_fd(connection->wsi), SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
        connection->held_bytes = (uint32_t)count;
    }
}

/* Shows each head in TEXT, and counts it. *REST: how many bytes are in none that is whole. True: libwebsockets has to wait. */
static bool show_heads(struct connection *connection, const char *text, size_t length,
                       unread_head_taker *take, void *context, size_t *rest, unsigned *heads)
{
    bool waits = false;
    size_t head;

    while (!waits && (head = raw_head_length(text, length)) > 0) {
        waits = take(context, connection, text, head);
        text += head;
        length -= head;
        (*heads)++;
    }
    *rest = length;
    return waits;
}

/* ---- Without TLS ---- */

static enum unread_head look_at_socket(struct connection *connection, bool all, unread_head_taker *take,
                                       void *context)
{
    ssize_t count = recv(lws_get_socket_fd(connection->wsi), bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
    size_t length = count > 0 ? (size_t)count : 0, rest = 0;
    unsigned heads = 0;

    bool waits = show_heads(connection, bytes, length, take, context, &rest, &heads);
    bool grows = length < sizeof(bytes) && length > connection->held_bytes;
    bool is_part =
        !waits && rest > 0 && rest == length && grows && (all || raw_head_may_be_get(bytes, length));
    secret_wipe(bytes, length);
    wake_beyond(connection, is_part ? length : 0);
    connection->amid = !waits && !is_part && rest > 0 ? heads + 1 : 0;
    return waits ? UNREAD_HEAD_HELD : is_part ? UNREAD_HEAD_PART : UNREAD_HEAD_READ;
}

/* ---- With TLS ---- */

/* Remembers the newest REST bytes of the LENGTH in `bytes`: of a head that is not whole. */
static void remember(struct connection *connection, size_t length, size_t rest, bool all)
{
    const char *text = bytes + length - rest;

    unread_head_forget(connection);
    if (rest > 0 && (all || raw_head_may_be_get(text, rest))) {
        connection->head = malloc(rest);
        connection->head_length = connection->head ? (uint32_t)rest : 0;
        if (connection->head) {
            memcpy(connection->head, text, rest);
        }
    }
}

/* What libwebsockets has read of a head comes first in `bytes`. Returns how many bytes there are; 0: nothing new. */
static size_t read_record(struct connection *connection, SSL *ssl, bool *more)
{
    size_t before = connection->head_length;
    char *room = bytes + before;

    ERR_clear_error();
    int count = SSL_peek(ssl, room, (int)(sizeof(bytes) - before));
    *more = count <= 0 && SSL_get_error(ssl, count) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    if (count <= 0) {
        return 0;
    }
    if (before > 0) {
        memcpy(bytes, connection->head, before);
    }
    return before + (size_t)count;
}

static enum unread_head look_at_record(struct connection *connection, SSL *ssl, bool all,
                                       unread_head_taker *take, void *context)
{
    bool more, waits;
    size_t rest = 0;
    unsigned heads = 0;

    if (SSL_pending(ssl) > 0 || lws_partial_buffered(connection->wsi)) {
        return UNREAD_HEAD_READ; /* it has been seen; or it is not read before an answer is out */
    }
    if (connection->head_length > sizeof(bytes) - SSL3_RT_MAX_PLAIN_LENGTH) {
        unread_head_forget(connection); /* what follows is no beginning of a head */
    }
    size_t length = read_record(connection, ssl, &more);
    if (length == 0) {
        return more ? UNREAD_HEAD_PART : UNREAD_HEAD_READ;
    }
    waits = show_heads(connection, bytes, length, take, context, &rest, &heads);
    remember(connection, length, waits ? 0 : rest, all);
    secret_wipe(bytes, length);
    return waits ? UNREAD_HEAD_HELD : UNREAD_HEAD_READ;
}

/* ---- Both ---- */

enum unread_head unread_head_look(struct connection *connection, bool all, unread_head_taker *take,
                                  void *context)
{
    SSL *ssl = lws_get_ssl(connection->wsi);

    if (connection->amid > 0) {
        return UNREAD_HEAD_READ; /* what comes is not the beginning of a head, whatever it looks like */
    }
    return ssl ? look_at_record(connection, ssl, all, take, context)
               : look_at_socket(connection, all, take, context);
}

bool unread_head_is_seen(const struct connection *connection)
{
    const SSL *ssl = lws_get_ssl(connection->wsi);

    return ssl && SSL_pending(ssl) > 0;
}

void unread_head_let_go(struct connection *connection)
{
    wake_beyond(connection, 0);
}

void unread_head_forget(struct connection *connection)
{
    if (connection->head) {
        secret_wipe(connection->head, connection->head_length);
        free(connection->head);
    }
    connection->head = NULL;
    connection->head_length = 0;
}
