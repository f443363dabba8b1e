/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_tls.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/base/text.h"

#define REASON_SIZE 128

struct rtsp_tls {
    SSL_CTX *context;
    SSL *ssl;
    short wants;
    bool pinned;
    unsigned char fingerprint[RTSP_FINGERPRINT_BYTES];
    char reason[REASON_SIZE];
};

int rtsp_fingerprint_parse(const char *text, unsigned char out[RTSP_FINGERPRINT_BYTES])
{
    for (size_t i = 0; i < RTSP_FINGERPRINT_BYTES; i++, text += 2) {
        text += i > 0 && *text == ':';
        int high = text_hex_digit(text[0]);
        int low = high >= 0 ? text_hex_digit(text[1]) : -1;
        if (low < 0) {
            return -EINVAL;
        }
        out[i] = (unsigned char)(high << 4 | low);
    }
    return *text == '\0' ? 0 : -EINVAL;
}

/* Sets which certificate is accepted. False: out of memory. */
static bool set_identity(struct rtsp_tls *tls, const struct rtsp_tls_options *options)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(tls->ssl);

    if (!options->is_address && SSL_set_tlsext_host_name(tls->ssl, options->host) != 1) {
        return false;
    }
    if (tls->pinned || !options->verify) {
        SSL_set_verify(tls->ssl, SSL_VERIFY_NONE, NULL);
        return true;
    }
    SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return options->is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, options->host) == 1
                               : X509_VERIFY_PARAM_set1_host(parameters, options->host, 0) == 1;
}

int rtsp_tls_create(int fd, const struct rtsp_tls_options *options, struct rtsp_tls **tls)
{
    struct rtsp_tls *created = calloc(1, sizeof(*created));
    int result = -ENOMEM;

    *tls = NULL;
    if (!created) {
        return -ENOMEM;
    }
    created->pinned = options->fingerprint;
    if (created->pinned && rtsp_fingerprint_parse(options->fingerprint, created->fingerprint) < 0) {
        result = -EINVAL;
        goto fail;
    }
    created->context = SSL_CTX_new(TLS_client_method());
    if (!created->context) {
        goto fail;
    }
    SSL_CTX_set_min_proto_version(created->context, TLS1_2_VERSION);
    SSL_CTX_set_mode(created->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(created->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Hundreds of certificates: loaded only if they are needed. */
    if (options->verify && !created->pinned) {
        SSL_CTX_set_default_verify_paths(created->context);
    }
    created->ssl = SSL_new(created->context);
    if (!created->ssl || SSL_set_fd(created->ssl, fd) != 1 || !set_identity(created, options)) {
        goto fail;
    }
    *tls = created;
    return 0;
fail:
    rtsp_tls_destroy(created);
    return result;
}

void rtsp_tls_destroy(struct rtsp_tls *tls)
{
    if (!tls) {
        return;
    }
    if (tls->ssl && SSL_is_init_finished(tls->ssl)) {
        SSL_shutdown(tls->ssl); /* says goodbye, waits for nothing */
    }
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    ERR_clear_error();
    free(tls);
}

/* What a failed call of OpenSSL means. */
static int failure(struct rtsp_tls *tls, int result)
{
    int saved = errno;
    int error = SSL_get_error(tls->ssl, result);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        tls->wants = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        return -EAGAIN;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    if (error == SSL_ERROR_SYSCALL) {
        return saved != 0 ? -saved : -ECONNRESET;
    }
    return -EPROTO;
}

static int check_fingerprint(struct rtsp_tls *tls)
{
    unsigned char found[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
    bool known = certificate && X509_digest(certificate, EVP_sha256(), found, &size) == 1 &&
                 size == RTSP_FINGERPRINT_BYTES;

    X509_free(certificate);
    if (known && memcmp(found, tls->fingerprint, RTSP_FINGERPRINT_BYTES) == 0) {
        return 0;
    }
    snprintf(tls->reason, sizeof(tls->reason), "the certificate is not the one of tls_fingerprint");
    return -EACCES;
}

int rtsp_tls_handshake(struct rtsp_tls *tls)
{
    ERR_clear_error();
    errno = 0;
    int done = SSL_connect(tls->ssl);
    if (done == 1) {
        return tls->pinned ? check_fingerprint(tls) : 0;
    }
    int result = failure(tls, done);
    if (result == -EAGAIN) {
        return result;
    }
    long verified = SSL_get_verify_result(tls->ssl);
    unsigned long error = ERR_peek_error();
    if (verified != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE) {
        snprintf(tls->reason, sizeof(tls->reason), "the certificate is not accepted: %s",
                 X509_verify_cert_error_string(verified));
        return -EACCES;
    }
    const char *words = error != 0 ? ERR_reason_error_string(error) : NULL;
    snprintf(tls->reason, sizeof(tls->reason), "no TLS connection: %s",
             words ? words : "the camera closed it");
    return result == 0 ? -ECONNRESET : result;
}

const char *rtsp_tls_reason(const struct rtsp_tls *tls)
{
    return tls->reason;
}

short rtsp_tls_wants(const struct rtsp_tls *tls)
{
    return tls->wants;
}

ssize_t rtsp_tls_read(struct rtsp_tls *tls, void *data, size_t size)
{
    ERR_clear_error();
    errno = 0;
    int got = SSL_read(tls->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    return got > 0 ? got : failure(tls, got);
}

ssize_t rtsp_tls_write(struct rtsp_tls *tls, const void *data, size_t size)
{
    ERR_clear_error();
    errno = 0;
    int written = SSL_write(tls->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    if (written > 0) {
        return written;
    }
    int result = failure(tls, written);
    return result != 0 ? result : -EPIPE;
}
