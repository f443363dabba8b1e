/* SPDX-License-Identifier: MIT */
/*
 * A pair of UDP ports for one media: RTP on the even one, RTCP on the next (RFC 3550, section 11). Packets come from the
 * host that the connection goes to or from the one that the camera names as their source; others are dropped. Once RTP
 * has come from one port, packets from other ports are dropped until that port is silent. Owned by one session; one thread.
 * Never blocks. The pair may be that of a multicast group instead, which all its receivers share.
 */
#ifndef INGEST_RTSP_RTSP_UDP_H
#define INGEST_RTSP_RTSP_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Bytes of the largest datagram. */
#define RTSP_UDP_PACKET_MAX 65536

#define RTSP_UDP_PORT_MAX 65535

struct rtsp_udp {
    int rtp, rtcp;                           /* descriptors, owned; -1: none */
    int port;                                /* the even one */
    struct sockaddr_storage connected;       /* the host that the connection goes to */
    struct sockaddr_storage peer, peer_rtcp; /* the host that the camera names, and the ports */
    struct sockaddr_storage sender;          /* of RTP so far; family 0: none yet */
    int64_t sender_ns;                       /* its newest packet (CLOCK_MONOTONIC) */
};

/* Before anything else. */
void rtsp_udp_init(struct rtsp_udp *udp);

/* Binds at the address LOCAL and expects packets of PEER, from any port. 0 or negative errno. */
int rtsp_udp_open(struct rtsp_udp *udp, const struct sockaddr_storage *local,
                  const struct sockaddr_storage *peer);
void rtsp_udp_finish(struct rtsp_udp *udp);

/*
 * Takes what the camera has stated: the address that it sends from (numeric; "": that of the connection) and its ports (0:
 * not stated). Sends a packet to each port, so that a firewall in between lets the camera's packets through.
 */
void rtsp_udp_aim(struct rtsp_udp *udp, const char *source, int rtp_port, int rtcp_port);

/*
 * Instead of rtsp_udp_open and rtsp_udp_aim: joins the multicast group with this numeric address at the interface that has the
 * address LOCAL, and expects packets of PEER, or of SOURCE ("": not stated). Reports go to the group, over at most TTL routers.
 * What was open is closed. 0; -EINVAL: not a multicast address, or of another family than LOCAL; other negative errno.
 */
struct rtsp_udp_group {
    const char *address;
    const char *source;
    int rtp_port, rtcp_port;
    int ttl; /* 0: of the system */
};
int rtsp_udp_join(struct rtsp_udp *udp, const struct sockaddr_storage *local,
                  const struct sockaddr_storage *peer, const struct rtsp_udp_group *group);

/* Reads one datagram from the camera and returns its size; -EAGAIN: there is none. */
ssize_t rtsp_udp_read(struct rtsp_udp *udp, bool rtcp, void *data, size_t size);

/* True once a packet of the camera waits on the RTP port; others are dropped. */
bool rtsp_udp_waiting(struct rtsp_udp *udp);

/* Sends to the camera's RTCP port, if the camera has stated it. */
void rtsp_udp_send_rtcp(struct rtsp_udp *udp, const void *data, size_t size);

#endif
