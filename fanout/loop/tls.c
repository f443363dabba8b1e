/* SPDX-License-Identifier: MIT */
#include "fanout/loop/tls.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/log/log.h"

/* Bytes of a file: more than any chain of certificates takes. */
#define PEM_MAX 262144

/* Forward secrecy and authenticated encryption only; what TLS 1.3 has needs no list. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"

/* Bytes of the secret of session tickets. */
#define TICKET_SECRET_MAX 128

#define UNREAD_MAX (1u << 30)

/*
 * Which data of a connection is ours (SSL_get_ex_new_index(3)). Index 0 is there without asking, and libwebsockets has it, because
 * it was begun without TLS.
 */
static int handshake_bytes;

/* What a file in PEM form holds. */
struct identity {
    X509 *certificate;
    STACK_OF(X509) * issuers;
    EVP_PKEY *key;
};

/* Keys with a passphrase have been refused before; nothing here can ask for one. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

/* All of FD, in memory that secret_wipe is for; NULL with errno. */
static char *read_pem(int fd, size_t *length)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return NULL;
    }
    if (status.st_size <= 0 || status.st_size > PEM_MAX) {
        errno = EBADMSG;
        return NULL;
    }
    *length = (size_t)status.st_size;
    char *text = malloc(*length);
    ssize_t count = text ? pread(fd, text, *length, 0) : -1;
    if (count != (ssize_t)*length) {
        int error = count < 0 ? errno : EBADMSG;
        free(text);
        errno = error;
        return NULL;
    }
    return text;
}

static BIO *open_pem(int fd, char **text, size_t *length)
{
    *text = read_pem(fd, length);
    return *text ? BIO_new_mem_buf(*text, (int)*length) : NULL;
}

static void close_pem(BIO *bio, char *text, size_t length)
{
    BIO_free(bio);
    if (text) {
        secret_wipe(text, length);
        free(text);
    }
}

static void read_chain(struct identity *identity, int fd)
{
    char *text;
    size_t length = 0;
    BIO *bio = open_pem(fd, &text, &length);

    identity->issuers = sk_X509_new_null();
    identity->certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    while (identity->certificate && identity->issuers) {
        X509 *issuer = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        if (!issuer || sk_X509_push(identity->issuers, issuer) <= 0) {
            X509_free(issuer);
            break;
        }
    }
    close_pem(bio, text, length);
}

static void read_key(struct identity *identity, int fd)
{
    char *text;
    size_t length = 0;
    BIO *bio = open_pem(fd, &text, &length);

    identity->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    close_pem(bio, text, length);
}

static void identity_finish(struct identity *identity)
{
    X509_free(identity->certificate);
    sk_X509_pop_free(identity->issuers, X509_free);
    EVP_PKEY_free(identity->key);
    ERR_clear_error(); /* reading stops at the end of the file, which OpenSSL calls an error */
}

static bool use(SSL_CTX *context, const struct identity *identity)
{
    return SSL_CTX_use_cert_and_key(context, identity->certificate, identity->key, identity->issuers, 1) == 1;
}

/* Bytes that the kernel has for FD and nobody has read (tcp(7): they are not copied). */
static uint64_t unread_bytes(int fd)
{
    ssize_t count = recv(fd, NULL, UNREAD_MAX, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

    return count > 0 ? (uint64_t)count : 0;
}

/* Has the number of bytes as data of the connection. */
static void note_handshake(const SSL *ssl, int where, int result)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);

    (void)result;
    if ((where & SSL_CB_HANDSHAKE_DONE) &&
        getsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
        uint64_t bytes =
            info.tcpi_bytes_received - unread_bytes(SSL_get_fd(ssl)); /* a request may have come with it */
        SSL_set_ex_data((SSL *)(uintptr_t)ssl, handshake_bytes, (void *)(uintptr_t)bytes);
    }
}

uint64_t tls_handshake_bytes(struct lws *wsi)
{
    const SSL *ssl = lws_get_ssl(wsi);

    return ssl ? (uintptr_t)SSL_get_ex_data(ssl, handshake_bytes) : 0;
}

void tls_context_made(struct tls *tls, SSL_CTX *context)
{
    tls->context = context;
    SSL_CTX_set_info_callback(context, note_handshake);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, CIPHERS_1_2);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
}

static int make_vhost(struct tls *tls, struct loop *loop, const struct lws_context_creation_info *info)
{
    struct lws_context_creation_info with_tls = *info;

    handshake_bytes = handshake_bytes > 0 ? handshake_bytes : SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (handshake_bytes <= 0) {
        return -ENOMEM;
    }
    with_tls.vhost_name = "ringcast-tls";
    with_tls.alpn = "http/1.1";
    /* Plain HTTP is let in, so that it can be answered with a redirect. */
    with_tls.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX |
                        LWS_SERVER_OPTION_ALLOW_NON_SSL_ON_SSL_PORT |
                        LWS_SERVER_OPTION_ALLOW_HTTP_ON_HTTPS_LISTENER;
    tls->vhost = lws_create_vhost(loop->context, &with_tls);
    return tls->vhost && tls->context ? 0 : -ENOMEM;
}

/* OpenSSL says itself how many bytes it takes. Without them each process has its own, and sessions are not resumed by others. */
static void share_tickets(SSL_CTX *context, int fd)
{
    unsigned char secret[TICKET_SECRET_MAX];
    long size = SSL_CTX_get_tlsext_ticket_keys(context, NULL, 0);

    if (fd >= 0 && size > 0 && size <= (long)sizeof(secret) && pread(fd, secret, (size_t)size, 0) == size) {
        SSL_CTX_set_tlsext_ticket_keys(context, secret, size);
    }
    secret_wipe(secret, sizeof(secret));
}

int tls_set(struct tls *tls, struct loop *loop, const struct lws_context_creation_info *info, int chain,
            int key, int tickets)
{
    struct identity identity = {0};

    read_chain(&identity, chain);
    read_key(&identity, key);
    bool valid = identity.certificate && identity.issuers && identity.key &&
                 X509_check_private_key(identity.certificate, identity.key) == 1;
    int result = valid ? 0 : -EBADMSG;
    if (result == 0 && !tls->vhost) {
        result = make_vhost(tls, loop, info);
    }
    if (result == 0) {
        result = use(tls->context, &identity) ? 0 : -EBADMSG;
    }
    if (result == 0) {
        share_tickets(tls->context, tickets);
    }
    tls->on = tls->on || result == 0;
    identity_finish(&identity);
    return result;
}

void tls_unset(struct tls *tls)
{
    tls->on = false;
}

struct lws_vhost *tls_vhost(const struct tls *tls, const struct loop *loop)
{
    return tls->on ? tls->vhost : loop->vhost;
}
