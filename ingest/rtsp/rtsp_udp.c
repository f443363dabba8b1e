/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

/* Attempts at finding an even port whose successor is free, too. */
#define PAIR_ATTEMPTS 64

/* Bytes: a keyframe of some MB may come between two reads; the kernel gives as much as it allows. */
#define RECEIVE_BUFFER_BYTES 4194304

/* Nanoseconds of silence after which RTP may come from another port: the camera has begun again. */
#define SENDER_SILENCE_NS (NS_PER_SECOND / 2)

/* Foreign packets dropped in one call. */
#define STRANGERS_AT_ONCE 64

/* RTP version 2, no payload: opens a firewall's way and means nothing to a camera. */
static const unsigned char opener[12] = {0x80};

/* An empty receiver report (RFC 3550, 6.4.2), for the RTCP port. */
static const unsigned char empty_report[8] = {0x80, 201, 0, 1};

static void set_port(struct sockaddr_storage *address, int port)
{
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
    }
}

static int get_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    }
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static socklen_t size_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family) {
        return false;
    }
    if (a->ss_family == AF_INET6) {
        return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
    }
    return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

void rtsp_udp_init(struct rtsp_udp *udp)
{
    *udp = (struct rtsp_udp){.rtp = -1, .rtcp = -1};
}

static int open_socket(int family)
{
    const int buffer = RECEIVE_BUFFER_BYTES;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    return fd;
}

/* Binds to PORT (0: any) and says which it is. A descriptor or negative errno. */
static int bind_port(const struct sockaddr_storage *local, int port, int *bound)
{
    struct sockaddr_storage address = *local;
    socklen_t size = sizeof(address);
    int fd = open_socket(local->ss_family);

    if (fd < 0) {
        return fd;
    }
    set_port(&address, port);
    if (bind(fd, (struct sockaddr *)&address, size_of(&address)) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    *bound = get_port(&address);
    return fd;
}

int rtsp_udp_open(struct rtsp_udp *udp, const struct sockaddr_storage *local,
                  const struct sockaddr_storage *peer)
{
    int result = -EADDRINUSE;

    udp->peer = udp->peer_rtcp = udp->connected = *peer;
    set_port(&udp->peer, 0);
    set_port(&udp->peer_rtcp, 0);
    for (int i = 0; i < PAIR_ATTEMPTS; i++) {
        int next = 0;
        udp->rtp = bind_port(local, 0, &udp->port);
        if (udp->rtp < 0) {
            return udp->rtp;
        }
        result = udp->port % 2 == 0 ? bind_port(local, udp->port + 1, &next) : -EADDRINUSE;
        if (result >= 0) {
            udp->rtcp = result;
            return 0;
        }
        close(udp->rtp);
        udp->rtp = -1;
    }
    return result;
}

void rtsp_udp_finish(struct rtsp_udp *udp)
{
    if (udp->rtp >= 0) {
        close(udp->rtp);
    }
    if (udp->rtcp >= 0) {
        close(udp->rtcp);
    }
    udp->rtp = udp->rtcp = -1;
}

static void take_source(struct rtsp_udp *udp, const char *source)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (udp->peer.ss_family == AF_INET && inet_pton(AF_INET, source, &v4.sin_addr) == 1 &&
        v4.sin_addr.s_addr != htonl(INADDR_ANY)) {
        memcpy(&udp->peer, &v4, sizeof(v4));
        memcpy(&udp->peer_rtcp, &v4, sizeof(v4));
    } else if (udp->peer.ss_family == AF_INET6 && inet_pton(AF_INET6, source, &v6.sin6_addr) == 1 &&
               !IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) {
        memcpy(&udp->peer, &v6, sizeof(v6));
        memcpy(&udp->peer_rtcp, &v6, sizeof(v6));
    }
}

static void send_to(int fd, const struct sockaddr_storage *peer, const void *data, size_t size)
{
    if (get_port(peer) == 0) {
        return;
    }
    /* Lost like any datagram if it cannot be sent. */
    if (sendto(fd, data, size, MSG_NOSIGNAL, (const struct sockaddr *)peer, size_of(peer)) < 0) {
        return;
    }
}

void rtsp_udp_aim(struct rtsp_udp *udp, const char *source, int rtp_port, int rtcp_port)
{
    take_source(udp, source);
    set_port(&udp->peer, rtp_port);
    set_port(&udp->peer_rtcp, rtcp_port);
    send_to(udp->rtp, &udp->peer, opener, sizeof(opener));
    send_to(udp->rtcp, &udp->peer_rtcp, empty_report, sizeof(empty_report));
}

/* The group's address, at no port yet. 0 or -EINVAL. */
static int read_group(const char *text, int family, struct sockaddr_storage *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    memset(address, 0, sizeof(*address));
    if (family == AF_INET && inet_pton(AF_INET, text, &v4.sin_addr) == 1 &&
        IN_MULTICAST(ntohl(v4.sin_addr.s_addr))) {
        memcpy(address, &v4, sizeof(v4));
        return 0;
    }
    if (family == AF_INET6 && inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 &&
        IN6_IS_ADDR_MULTICAST(&v6.sin6_addr)) {
        memcpy(address, &v6, sizeof(v6));
        return 0;
    }
    return -EINVAL;
}

/* Joins the group for packets that come in at the interface of LOCAL, through which packets to the group go out, too. */
static int join(int fd, const struct sockaddr_storage *local, const struct sockaddr_storage *group, int ttl)
{
    if (local->ss_family == AF_INET6) {
        const struct ipv6_mreq request = {
            .ipv6mr_multiaddr = ((const struct sockaddr_in6 *)group)->sin6_addr,
            .ipv6mr_interface = ((const struct sockaddr_in6 *)local)->sin6_scope_id,
        };
        setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &request.ipv6mr_interface,
                   sizeof(request.ipv6mr_interface));
        if (ttl > 0) {
            setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof(ttl));
        }
        return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) == 0 ? 0 : -errno;
    }
    const struct ip_mreq request = {
        .imr_multiaddr = ((const struct sockaddr_in *)group)->sin_addr,
        .imr_interface = ((const struct sockaddr_in *)local)->sin_addr,
    };
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request.imr_interface, sizeof(request.imr_interface));
    if (ttl > 0) {
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
    }
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) == 0 ? 0 : -errno;
}

/* A socket that gets what is sent to the group at PORT, and nothing else: it is bound to the group's address. Others may have
 * the same. A descriptor or negative errno. */
static int open_member(const struct sockaddr_storage *local, const struct sockaddr_storage *group, int port,
                       int ttl)
{
    struct sockaddr_storage address = *group;
    const int shared = 1;
    int fd = open_socket(local->ss_family);

    if (fd < 0) {
        return fd;
    }
    set_port(&address, port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &shared, sizeof(shared));
    int result =
        bind(fd, (struct sockaddr *)&address, size_of(&address)) == 0 ? join(fd, local, group, ttl) : -errno;
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int rtsp_udp_join(struct rtsp_udp *udp, const struct sockaddr_storage *local,
                  const struct sockaddr_storage *peer, const struct rtsp_udp_group *group)
{
    struct sockaddr_storage address;
    int result = group->rtp_port > 0 ? read_group(group->address, local->ss_family, &address) : -EINVAL;

    rtsp_udp_finish(udp);
    if (result < 0) {
        return result;
    }
    udp->port = group->rtp_port;
    udp->connected = udp->peer = *peer;
    take_source(udp, group->source);
    udp->peer_rtcp = address;
    set_port(&udp->peer_rtcp, group->rtcp_port);
    udp->rtp = open_member(local, &address, group->rtp_port, group->ttl);
    if (udp->rtp < 0) {
        return udp->rtp;
    }
    udp->rtcp = open_member(local, &address, group->rtcp_port, group->ttl);
    result = udp->rtcp;
    if (result < 0) {
        rtsp_udp_finish(udp);
        return result;
    }
    return 0;
}

/* Whether a packet that came FROM there is the camera's: from its host, and from the port of its stream. */
static bool is_camera(struct rtsp_udp *udp, const struct sockaddr_storage *from, bool rtp)
{
    if (!same_host(from, &udp->peer) && !same_host(from, &udp->connected)) {
        return false;
    }
    if (!rtp) {
        return true;
    }
    int64_t now = clock_now_ns();
    bool same = same_host(from, &udp->sender) && get_port(from) == get_port(&udp->sender);
    if (!same && udp->sender.ss_family != 0 && now - udp->sender_ns < SENDER_SILENCE_NS) {
        return false;
    }
    if (!same) {
        udp->sender = *from;
    }
    udp->sender_ns = now;
    return true;
}

/* Reads one datagram of the camera. An error that an earlier packet of ours has caused is skipped. */
static ssize_t receive(struct rtsp_udp *udp, int fd, void *data, size_t size, int flags)
{
    for (int i = 0; i < STRANGERS_AT_ONCE; i++) {
        struct sockaddr_storage from;
        socklen_t from_size = sizeof(from);
        memset(&from, 0, sizeof(from));
        ssize_t got = recvfrom(fd, data, size, flags, (struct sockaddr *)&from, &from_size);
        if (got < 0 && (errno == EINTR || errno == ECONNREFUSED)) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (is_camera(udp, &from, fd == udp->rtp)) {
            return got;
        }
        if (flags & MSG_PEEK && recv(fd, data, size, 0) < 0) {
            return -errno;
        }
    }
    return -EAGAIN;
}

ssize_t rtsp_udp_read(struct rtsp_udp *udp, bool rtcp, void *data, size_t size)
{
    return receive(udp, rtcp ? udp->rtcp : udp->rtp, data, size, 0);
}

bool rtsp_udp_waiting(struct rtsp_udp *udp)
{
    unsigned char byte;

    return receive(udp, udp->rtp, &byte, sizeof(byte), MSG_PEEK) >= 0;
}

void rtsp_udp_send_rtcp(struct rtsp_udp *udp, const void *data, size_t size)
{
    send_to(udp->rtcp, &udp->peer_rtcp, data, size);
}
