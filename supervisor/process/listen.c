/* SPDX-License-Identifier: MIT */
#include "supervisor/process/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"

/* Connections that wait while a fan-out is replaced; the kernel cuts it to net.core.somaxconn (4096). */
#define BACKLOG 4096

static int resolve(const char *host, int port, struct addrinfo **address)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    char service[16];

    snprintf(service, sizeof(service), "%d", port);
    switch (getaddrinfo(host, service, &hints, address)) {
    case 0:
        return 0;
    case EAI_MEMORY:
        return -ENOMEM;
    default:
        return -EINVAL;
    }
}

static int write_url(const struct sockaddr *address, socklen_t length, char url[LISTEN_URL_SIZE])
{
    char host[64], service[16];

    if (getnameinfo(address, length, host, sizeof(host), service, sizeof(service),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return -EINVAL;
    }
    bool brackets = address->sa_family == AF_INET6;
    snprintf(url, LISTEN_URL_SIZE, "http://%s%s%s:%s/", brackets ? "[" : "", host, brackets ? "]" : "",
             service);
    return 0;
}

static int describe(int fd, char url[LISTEN_URL_SIZE])
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        return -errno;
    }
    return write_url((struct sockaddr *)&address, length, url);
}

bool listen_is_at(const char *url, const char *host, int port)
{
    struct addrinfo *address = NULL;
    char wanted[LISTEN_URL_SIZE] = "";

    if (resolve(host, port, &address) < 0) {
        return false;
    }
    int result = write_url(address->ai_addr, address->ai_addrlen, wanted);
    freeaddrinfo(address);
    const char *have = strstr(url, "://"), *want = strstr(wanted, "://");
    return result == 0 && have && want && strcmp(have, want) == 0;
}

void listen_set_scheme(char url[LISTEN_URL_SIZE], bool tls)
{
    char rest[LISTEN_URL_SIZE];
    const char *authority = strstr(url, "://");

    if (authority) {
        snprintf(rest, sizeof(rest), "%s", authority);
        snprintf(url, LISTEN_URL_SIZE, "%s%.88s", tls ? "https" : "http", rest);
    }
}

int listen_open(const char *host, int port, int *made, char url[LISTEN_URL_SIZE])
{
    const int on = 1;
    struct addrinfo *address = NULL;
    int fd = -1;
    int result = resolve(host, port, &address);

    if (result < 0) {
        return result;
    }
    fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        result = -errno;
    } else {
        result = describe(fd, url);
    }
    freeaddrinfo(address);
    if (result < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return result;
    }
    *made = fd;
    return 0;
}

static const char *advice(int error)
{
    switch (-error) {
    case EADDRINUSE:
        return "another program uses this port: stop it, or choose another port in `listen`";
    case EACCES:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE: choose another port in `listen`";
    case EADDRNOTAVAIL:
        return "no network interface has this address: correct `listen`";
    case EAFNOSUPPORT:
        return "this machine has no IPv6: choose an IPv4 address in `listen`";
    default:
        return "check `listen`";
    }
}

void listen_explain(int error, const char *host, int port)
{
    const char *open = strchr(host, ':') ? "[" : "", *close = *open == '\0' ? "" : "]";

    log_error("cannot listen on %s%s%s:%d: %s; %s", open, host, close, port, strerror(-error), advice(error));
}
