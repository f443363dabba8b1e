/*
 * What rtsp_open.c and rtsp_session.c share: the session while it is opened and read. Nobody else's.
 */
#ifndef INGEST_RTSP_RTSP_SESSION_PRIVATE_H
#define INGEST_RTSP_RTSP_SESSION_PRIVATE_H

#include "ingest/rtsp/rtsp_connection.h"
#include "ingest/rtsp/rtsp_session.h"
#include "ingest/rtsp/rtsp_udp.h"

/* What is under way while packets come. */
enum rtsp_pending { RTSP_PENDING_NONE, RTSP_PENDING_PLAY, RTSP_PENDING_KEEPALIVE };

struct rtsp_stream {
    const struct sdp_media *media; /* within the session's sdp; NULL: not set up */
    int rtp_channel, rtcp_channel; /* TCP */
    struct rtsp_udp udp;
    bool rtp_readable, rtcp_readable; /* UDP: the sockets may have something */
};

struct rtsp_session {
    struct rtsp_session_options options; /* what it points to is there while it is opened only */
    struct rtsp_wait wait;
    char *name;     /* host[:port] as configured, owned */
    char *username; /* secrets, owned; or NULL */
    char *password;
    struct rtsp_talk talk;
    struct sdp sdp;
    struct rtsp_stream streams[RTSP_MEDIA_COUNT];
    const struct sdp_media *unplayed; /* within SDP, see media_choice.h */
    bool udp;
    bool authenticated;
    char base[RTSP_URL_SIZE];      /* what relative controls are relative to */
    char aggregate[RTSP_URL_SIZE]; /* PLAY, keepalive and TEARDOWN go there */
    bool has_get_parameter;
    int timeout_s; /* of the session, as the camera says */
    enum rtsp_pending pending;
    int64_t pending_ns;   /* since when */
    int64_t keepalive_ns; /* when the next is due */
    int64_t deadline_ns;  /* of opening */
    uint8_t *datagram;    /* UDP: owned, RTSP_UDP_PACKET_MAX bytes */
};

/* When the next keepalive is due. */
void rtsp_session_rest(struct rtsp_session *session);

/* TEARDOWN, for which it takes RTSP_CLOSE_DEADLINE_MS at most; the connection stays. */
void rtsp_session_goodbye(struct rtsp_session *session);

#endif
