/* SPDX-License-Identifier: MIT */
/*
 * A viewer's side for the tests: HTTP and WebSocket (RFC 6455) over a blocking socket with a time limit,
 * written apart from the library that the server uses. Every function fails the test (cmocka) when the time
 * is over.
 */
#ifndef TESTS_PROCESS_FANOUT_CLIENT_H
#define TESTS_PROCESS_FANOUT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum client_opcode {
    CLIENT_CONTINUATION = 0,
    CLIENT_TEXT = 1,
    CLIENT_BINARY = 2,
    CLIENT_CLOSE = 8,
    CLIENT_PING = 9,
    CLIENT_PONG = 10
};

struct client {
    uint8_t *buffer; /* received bytes, from `start` on */
    size_t start, length, room;
    char *head; /* of the HTTP answer */
    int status; /* of the HTTP answer; 0: closed without one */
    int fd;
    struct ssl_st *tls; /* NULL: plain */
    bool is_mute;       /* it answers no pings */
};

/* One message. Its payload is NUL-terminated and valid until the next client_ call on the same client. */
struct client_message {
    int opcode;
    const uint8_t *payload;
    size_t length;
};

/* Connections come from ADDRESS of loopback from now on; NULL: from 127.0.0.1. */
void client_set_source(const char *address);

/* Connects. RECEIVE_BYTES > 0: with a receive buffer of that size. */
void client_connect(struct client *client, int port, int receive_bytes);

/* Begins TLS on a connection that has just been made; no certificate is asked for. What is sent at once is one record then. */
void client_secure(struct client *client);

/* Sends text as it is. */
void client_send(struct client *client, const char *text);

/* Reads the head of an HTTP answer into status and head. */
void client_read_head(struct client *client);

/* Reads LENGTH more bytes; valid until the next call. */
const uint8_t *client_read_bytes(struct client *client, size_t length);

/* Connects and asks for a WebSocket at PATH, with more header lines (each with CR LF). client->status says
 * how it went. */
void client_open(struct client *client, int port, const char *path, const char *headers, int receive_bytes);

/* Connects, sends a whole request, reads the head and leaves the body. */
void client_request(struct client *client, int port, const char *method, const char *path,
                    const char *headers);

/* Value of a header of the answer, malloc'ed, or NULL. */
char *client_header(const struct client *client, const char *name);

/* The next WebSocket message; a ping is answered. False: end-of-file. */
bool client_next(struct client *client, struct client_message *message);

/* Reads and forgets everything up to the end-of-file. */
void client_drain(struct client *client);

/* True if there is something to read at once. */
bool client_has_news(struct client *client);

/* Sends bytes as they are. */
void client_send_bytes(struct client *client, const void *bytes, size_t length);

/* Sends a frame (masked). */
void client_send_frame(struct client *client, int opcode, const void *payload, size_t length);

/* The same for a part of a message (RFC 6455, 5.4). LAST: it ends the message. */
void client_send_fragment(struct client *client, int opcode, const void *payload, size_t length, bool last);

/* client_send_frame over plain TCP, byte by byte: each is sent when the server has read the one before. */
void client_send_frame_slowly(struct client *client, int opcode, const void *payload, size_t length);

/* No more is sent; what comes can still be read. */
void client_end_sending(struct client *client);

/* Closes the socket; ABRUPTLY: with a reset. */
void client_close(struct client *client, bool abruptly);

#endif
