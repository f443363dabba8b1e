/* SPDX-License-Identifier: MIT */
#include "tests/bench/secure.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>

SSL_CTX *secure_server(const char *certificate, const char *key)
{
    signal(SIGPIPE, SIG_IGN); /* SSL_write() has no MSG_NOSIGNAL */
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context && (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
                    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)) {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(context);
        context = NULL;
    }
    return context;
}

SSL_CTX *secure_client(void)
{
    signal(SIGPIPE, SIG_IGN); /* SSL_write() has no MSG_NOSIGNAL */
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (context) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    }
    return context;
}

static void set_blocking(int fd, bool blocking)
{
    int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static SSL *shake_hands(SSL *ssl, int fd, int (*handshake)(SSL *ssl))
{
    set_blocking(fd, true);
    bool done = ssl && SSL_set_fd(ssl, fd) == 1 && handshake(ssl) == 1;
    set_blocking(fd, false);
    if (!done) {
        ERR_print_errors_fp(stderr);
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

SSL *secure_accept(SSL_CTX *context, int fd)
{
    return shake_hands(SSL_new(context), fd, SSL_accept);
}

SSL *secure_connect(SSL_CTX *context, int fd, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(context);

    if (ssl && session) {
        SSL_set_session(ssl, session);
    }
    return shake_hands(ssl, fd, SSL_connect);
}

ssize_t secure_receive(SSL *ssl, int fd, void *data, size_t size)
{
    if (!ssl) {
        return recv(fd, data, size, 0);
    }
    int count = SSL_read(ssl, data, size > 1u << 30 ? 1 << 30 : (int)size);
    if (count > 0) {
        return count;
    }
    int error = SSL_get_error(ssl, count);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t secure_send(SSL *ssl, int fd, const void *data, size_t size)
{
    return ssl ? SSL_write(ssl, data, (int)size) : send(fd, data, size, MSG_NOSIGNAL);
}
