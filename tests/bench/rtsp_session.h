/* SPDX-License-Identifier: MIT */
/*
 * One RTSP client of bench_camera (RFC 2326): answers its requests and sends it its camera's packets,
 * interleaved or over UDP. A minimal server for benchmarks on loopback, no test of a client's tolerance:
 * tests/camera is that. A session that does not read loses whole frames, counted, never parts of one. One
 * thread.
 */
#ifndef TESTS_BENCH_RTSP_SESSION_H
#define TESTS_BENCH_RTSP_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/rtp_frame.h"

#define RTSP_REQUEST_MAX 4096
/* Unsent bytes of a session: several keyframes. */
#define RTSP_PENDING_MAX ((size_t)1024 * 1024)

enum rtsp_track_index { RTSP_VIDEO, RTSP_AUDIO, RTSP_TRACKS };

struct rtsp_track {
    bool set_up, udp;
    uint8_t channel; /* interleaved: of RTP; RTCP's is one more */
    struct sockaddr_in rtp, rtcp;
};

/* What all sessions share. */
struct rtsp_server {
    const char *sdp;
    size_t camera_count;
    bool packet_by_packet; /* a write for each packet, as most cameras do it; else for each frame */
    int rtp_socket, rtcp_socket;
    uint16_t rtp_port; /* of rtp_socket; rtcp_socket's is one more */
    uint64_t frames_sent, frames_dropped;
};

struct rtsp_session {
    int fd;
    uint64_t id;
    size_t camera;
    bool playing;
    struct rtsp_track tracks[RTSP_TRACKS];
    char request[RTSP_REQUEST_MAX + 1];
    size_t request_length;
    uint8_t *pending; /* NULL until the client once did not read */
    size_t pending_length;
    struct rtsp_session *next; /* the owner's list */
};

/*
 * A session for an accepted non-blocking socket, which it owns. NULL: out of memory (the socket is closed).
 */
struct rtsp_session *rtsp_session_create(int fd, uint64_t id);
void rtsp_session_destroy(struct rtsp_session *session);

/* Reads and answers requests. 0, or negative errno: destroy the session. */
int rtsp_session_readable(struct rtsp_session *session, const struct rtsp_server *server);

/* Sends what is pending. 0, or negative errno: destroy the session. */
int rtsp_session_writable(struct rtsp_session *session);

/* Sends FRAME on a track (REPORT: it is RTCP). 0, or negative errno: destroy the session. */
int rtsp_session_send(struct rtsp_session *session, struct rtsp_server *server, enum rtsp_track_index track,
                      struct rtp_frame *frame, bool report);

#endif
