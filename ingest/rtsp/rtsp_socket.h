/* SPDX-License-Identifier: MIT */
/*
 * The connection to a camera: TCP, with TLS or without. Only rtsp_socket_connect blocks. Owned by one
 * session; one thread.
 */
#ifndef INGEST_RTSP_RTSP_SOCKET_H
#define INGEST_RTSP_RTSP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "ingest/rtsp/rtsp_url.h"
#include "ingest/rtsp/rtsp_wait.h"

struct rtsp_socket;

struct rtsp_socket_options {
    struct rtsp_endpoint endpoint;
    bool tls_verify;
    const char *tls_fingerprint; /* or NULL */
};

/*
 * Connects to the first of the host's addresses that answers, with a TLS handshake for rtsps. 0; -ECANCELED; -ETIMEDOUT;
 * -EACCES: the certificate is not accepted; other negative errno. Except with -ECANCELED, ERROR says why, without the
 * host. Looking up the name blocks for as long as the resolver takes.
 */
int rtsp_socket_connect(const struct rtsp_socket_options *options, struct rtsp_wait *wait,
                        int64_t deadline_ns, struct rtsp_socket **out, char error[RTSP_ERROR_SIZE]);

/* Closes. NULL is allowed. */
void rtsp_socket_destroy(struct rtsp_socket *socket);

/* Bytes; 0: the camera has closed the connection; -EAGAIN: wait with rtsp_socket_poll; other negative errno. */
ssize_t rtsp_socket_read(struct rtsp_socket *socket, void *data, size_t size);
/* Has the socket wait until BYTES can be read. False: that is not possible, as with TLS, and it waits for one. */
bool rtsp_socket_wake_at(struct rtsp_socket *socket, size_t bytes);

/* Whether a read that gave fewer bytes than it had room for gave all that there are. TLS gives a record at a time. */
bool rtsp_socket_gives_all(const struct rtsp_socket *socket);
ssize_t rtsp_socket_write(struct rtsp_socket *socket, const void *data, size_t size);

/* What to wait for before reading and, if WRITING, before writing. */
struct pollfd rtsp_socket_poll(const struct rtsp_socket *socket, bool writing);

/* Both ends' addresses. 0 or negative errno. */
int rtsp_socket_local(const struct rtsp_socket *socket, struct sockaddr_storage *address);
int rtsp_socket_peer(const struct rtsp_socket *socket, struct sockaddr_storage *address);

/* What ERROR_CODE (negative errno) means for a connection, in words; static. */
const char *rtsp_socket_words(int error_code);

#endif
