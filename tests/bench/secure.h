/* SPDX-License-Identifier: MIT */
/*
 * TLS for the benchmark's own programs: as little as can be, over blocking sockets while the handshake lasts. One thread.
 */
#ifndef TESTS_BENCH_SECURE_H
#define TESTS_BENCH_SECURE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* NULL: the files cannot be used. */
SSL_CTX *secure_server(const char *certificate, const char *key);

/* Trusts every server. */
SSL_CTX *secure_client(void);

/* The handshake over FD, which blocks meanwhile. SESSION, which may be NULL, is resumed. NULL: it failed. */
SSL *secure_accept(SSL_CTX *context, int fd);
SSL *secure_connect(SSL_CTX *context, int fd, SSL_SESSION *session);

/* As recv and send; SSL may be NULL: then they are. */
ssize_t secure_receive(SSL *ssl, int fd, void *data, size_t size);
ssize_t secure_send(SSL *ssl, int fd, const void *data, size_t size);

#endif
