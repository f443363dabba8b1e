/* SPDX-License-Identifier: MIT */
/*
 * The Transport header (RFC 2326, section 12.39): what was asked for, and what the camera answers. Pure functions without
 * allocation; any process, any thread.
 */
#ifndef INGEST_RTSP_RTSP_TRANSPORT_H
#define INGEST_RTSP_RTSP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a numeric address with its NUL, as <netinet/in.h> has it for IPv6, and a zone. */
#define RTSP_SOURCE_SIZE 64

struct rtsp_transport {
    bool tcp;       /* interleaved */
    bool datagrams; /* it names ports or UDP, and nothing of TCP */
    bool multicast;
    int rtp_channel, rtcp_channel;
    int server_rtp_port, server_rtcp_port;
    char source[RTSP_SOURCE_SIZE]; /* "": not given */
    char group[RTSP_SOURCE_SIZE];  /* the destination of multicast; "": not given */
    int group_rtp_port, group_rtcp_port;
    int ttl; /* of multicast; 0: not given */
    bool has_ssrc;
    uint32_t ssrc;
};

/*
 * Takes the camera's answer apart. *transport holds what was asked for, and keeps it where the answer says nothing.
 * 0; -EBADMSG: an impossible channel or port.
 */
int rtsp_transport_parse(const char *value, struct rtsp_transport *transport);

/* The session's id from a Session header and its timeout in seconds (60 if it is not said). 0; -EMSGSIZE: the
 * id does not fit; -EBADMSG: there is none. */
int rtsp_session_parse(const char *value, char *id, size_t size, int *timeout_s);

#endif
