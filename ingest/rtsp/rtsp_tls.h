/*
 * TLS over a non-blocking socket, for rtsps (OpenSSL). The certificate must be signed by an authority that
 * the machine trusts and be issued for the host's name or address, or have a given fingerprint, or nothing at
 * all if that is asked for. Owned by one rtsp_socket; one thread.
 */
#ifndef INGEST_RTSP_RTSP_TLS_H
#define INGEST_RTSP_RTSP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Bytes of a certificate's SHA-256. */
#define RTSP_FINGERPRINT_BYTES 32

struct rtsp_tls_options {
    bool verify;             /* false: any certificate */
    const char *fingerprint; /* SHA-256 of the certificate in hexadecimal, ':' and case do not matter: this
                                one and no other, whoever signed it; NULL: any that VERIFY allows */
    const char *host;        /* whose certificate it must be */
    bool is_address;         /* HOST is a numeric address */
};

struct rtsp_tls;

/* 0; -EINVAL: the fingerprint is none; -ENOMEM. FD stays the caller's. */
int rtsp_tls_create(int fd, const struct rtsp_tls_options *options, struct rtsp_tls **tls);
void rtsp_tls_destroy(struct rtsp_tls *tls);

/*
 * Goes on with the handshake. 0: done, and the certificate is right; -EAGAIN: to be called again when the
 * socket is as rtsp_tls_wants says; -EACCES: the certificate is not accepted; -EPROTO: no TLS, or none in
 * common; other negative errno. rtsp_tls_reason then says why, in words.
 */
int rtsp_tls_handshake(struct rtsp_tls *tls);
const char *rtsp_tls_reason(const struct rtsp_tls *tls);

/* POLLIN or POLLOUT: what the last -EAGAIN waits for. */
short rtsp_tls_wants(const struct rtsp_tls *tls);

/* As recv and send: bytes, 0 at the end, negative errno. */
ssize_t rtsp_tls_read(struct rtsp_tls *tls, void *data, size_t size);
ssize_t rtsp_tls_write(struct rtsp_tls *tls, const void *data, size_t size);

/* Reads a fingerprint. 0; -EINVAL. */
int rtsp_fingerprint_parse(const char *text, unsigned char out[RTSP_FINGERPRINT_BYTES]);

#endif
