/* SPDX-License-Identifier: MIT */
#include "ctl/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define HANDSHAKE_SIZE 8

/* REQ and REP, SUB and PUB: what is sent, and what is expected in return. */
static const char handshakes[][2][HANDSHAKE_SIZE] = {
    [PROBE_REQUESTER] = {{0, 'S', 'P', 0, 0, 0x30, 0, 0}, {0, 'S', 'P', 0, 0, 0x31, 0, 0}},
    [PROBE_SUBSCRIBER] = {{0, 'S', 'P', 0, 0, 0x21, 0, 0}, {0, 'S', 'P', 0, 0, 0x20, 0, 0}},
};

static int set_timeouts(int fd, int timeout_ms)
{
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0) {
        return -errno;
    }
    return 0;
}

static int failure(ssize_t transferred)
{
    if (transferred >= 0 || errno == EPIPE) {
        return -ECONNRESET;
    }
    return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int exchange(int fd, enum probe_role role)
{
    char answer[HANDSHAKE_SIZE];

    ssize_t sent = send(fd, handshakes[role][0], HANDSHAKE_SIZE, MSG_NOSIGNAL);
    if (sent != HANDSHAKE_SIZE) {
        return failure(sent);
    }
    ssize_t received = recv(fd, answer, sizeof(answer), MSG_WAITALL);
    if (received != HANDSHAKE_SIZE) {
        return failure(received);
    }
    return memcmp(answer, handshakes[role][1], HANDSHAKE_SIZE) == 0 ? 0 : -EPROTO;
}

int probe_socket(const char *path, enum probe_role role, int timeout_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int result = set_timeouts(fd, timeout_ms);
    if (result == 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        result = errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    if (result == 0) {
        result = exchange(fd, role);
    }
    close(fd);
    return result;
}
