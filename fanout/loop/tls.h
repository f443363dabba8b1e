/* SPDX-License-Identifier: MIT */
/*
 * TLS for viewers: a virtual host of libwebsockets for which the certificate and the private key come as memory, and that
 * takes others later without ending a connection. TLS 1.2 and 1.3 (RFC 8446), HTTP/1.1 only (RFC 7301), because browsers
 * would otherwise put WebSockets into HTTP/2. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_TLS_H
#define FANOUT_LOOP_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "fanout/loop/loop.h"

struct tls {
    struct lws_vhost *vhost; /* NULL: there never was a certificate */
    SSL_CTX *context;        /* the vhost's; borrowed from libwebsockets */
    bool on;                 /* new connections speak TLS */
};

/*
 * Connections accepted from now on speak TLS with the certificates and the key in two files, both in PEM form (RFC 7468):
 * CHAIN begins with the server's own certificate, and those that issued it follow. The descriptors are read from their
 * beginning and stay the caller's. INFO is as for loop_begin, with the same protocols, whose first callback must hand
 * LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS to tls_context_made.
 * TICKETS: random bytes, the secret of session tickets, which every process with the same ones knows (RFC 5077, RFC 8446); -1: one of this process's own.
 * 0, or negative errno: -EBADMSG if they cannot be understood or do not belong together; then nothing has changed.
 */
int tls_set(struct tls *tls, struct loop *loop, const struct lws_context_creation_info *info, int chain,
            int key, int tickets);

/* Connections accepted from now on do not speak TLS. */
void tls_unset(struct tls *tls);

/* libwebsockets has made CONTEXT for the vhost that tls_set asked for. */
void tls_context_made(struct tls *tls, SSL_CTX *context);

/* Bytes of TCP that WSI had brought when its TLS handshake was complete; 0: it is not, or there is none. */
uint64_t tls_handshake_bytes(struct lws *wsi);

/* The virtual host for a connection accepted now. */
struct lws_vhost *tls_vhost(const struct tls *tls, const struct loop *loop);

#endif
