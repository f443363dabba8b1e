/* SPDX-License-Identifier: MIT */
/*
 * TLS over a non-blocking socket, for rtsps (OpenSSL). The certificate must be signed by an authority that
 * the machine trusts and issued for the host's name or address; or have a given fingerprint; or, if the caller asks for
 * that, it is not checked at all. Owned by one rtsp_socket; one thread.
 */
#ifndef INGEST_RTSP_RTSP_TLS_H
#define INGEST_RTSP_RTSP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Bytes of a certificate's SHA-256. */
#define RTSP_FINGERPRINT_BYTES 32

struct rtsp_tls_options {
    bool verify; /* false: any certificate is accepted */
    const char
        *fingerprint; /* SHA-256 in hexadecimal, ':' and case do not matter, of the only certificate that is
                                accepted, whatever signed it; NULL: as `verify` says */
    const char *host; /* for which the certificate must be issued */
    bool is_address;  /* `host` is a numeric address */
};

struct rtsp_tls;

/* 0; -EINVAL: the fingerprint is malformed; -ENOMEM. FD stays the caller's. */
int rtsp_tls_create(int fd, const struct rtsp_tls_options *options, struct rtsp_tls **tls);
void rtsp_tls_destroy(struct rtsp_tls *tls);

/*
 * Goes on with the handshake. 0: done, and the certificate is accepted; -EAGAIN: to be called again when
 * what rtsp_tls_wants returns has come; -EACCES: the certificate is not accepted; -EPROTO: the peer does not speak TLS, or
 * no version or cipher is common to both; other negative errno. rtsp_tls_reason then says why, in words.
 */
int rtsp_tls_handshake(struct rtsp_tls *tls);
const char *rtsp_tls_reason(const struct rtsp_tls *tls);

/* POLLIN or POLLOUT: what to wait for after -EAGAIN. */
short rtsp_tls_wants(const struct rtsp_tls *tls);

/* As recv and send: bytes, 0 at the end, negative errno. */
ssize_t rtsp_tls_read(struct rtsp_tls *tls, void *data, size_t size);
ssize_t rtsp_tls_write(struct rtsp_tls *tls, const void *data, size_t size);

/* Reads a fingerprint. 0; -EINVAL. */
int rtsp_fingerprint_parse(const char *text, unsigned char out[RTSP_FINGERPRINT_BYTES]);

#endif
