/* SPDX-License-Identifier: MIT */
/*
 * A session with an RTSP camera (RFC 2326): from its URL to RTP and RTCP packets. Opening connects, asks for
 * the description, sets up the first playable video and the first audio and starts them; reading keeps the
 * session alive. It blocks in poll with deadlines and asks its owner at least every 250 ms whether to stop.
 * One thread. Error texts hold no credential.
 */
#ifndef INGEST_RTSP_RTSP_SESSION_H
#define INGEST_RTSP_RTSP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtsp/login_gate.h"
#include "ingest/rtsp/rtsp_auth.h"
#include "ingest/rtsp/rtsp_keepalive.h"
#include "ingest/rtsp/rtsp_wait.h"
#include "ingest/rtsp/sdp.h"

/* How long TEARDOWN may take. */
#define RTSP_CLOSE_DEADLINE_MS 300

/* With RTSP_BEST: TCP is tried when UDP stays silent for so long after PLAY. */
#define RTSP_UDP_SILENCE_MS 2000

/* Redirects in a row. */
#define RTSP_REDIRECTS_MAX 5

enum rtsp_media { RTSP_VIDEO, RTSP_AUDIO, RTSP_MEDIA_COUNT };

enum rtsp_choice {
    RTSP_TCP, /* interleaved in the connection */
    RTSP_UDP,
    RTSP_BEST,      /* UDP; TCP if the camera refuses it or no packet comes; then multicast; TCP for rtsps */
    RTSP_TCP_FIRST, /* TCP; UDP if the camera refuses it, then multicast, but not for rtsps */
};

/*
 * What one session with a camera teaches the next. Owned by the code that opens one session after the other, used by one
 * session at a time; zeroed at first. Holds no secret between sessions.
 */
struct rtsp_memory {
    struct rtsp_auth auth; /* challenges, what was refused, what has worked */
    bool udp_fails;        /* with a choice of transport: UDP was refused or stayed silent */
    bool tcp_fails;        /* with a choice of transport: TCP was refused */
    bool multicast;        /* with a choice of transport: the camera sends to a group, and nothing else */
    bool omit_options;     /* the camera does not answer OPTIONS, or ends the connection with its answer */
    unsigned control_form; /* the enum rtsp_control_form with which the camera accepted SETUP */
    struct rtsp_keepalive_memory keepalive; /* which keepalive this camera honours */
};

struct rtsp_session_options {
    const char *scheme; /* "rtsp" or "rtsps" */
    const char *authority;
    const char *path;
    const char *username; /* or NULL */
    const char *password;
    enum rtsp_choice transport;
    bool audio;                                   /* false: the camera's sound is not asked for */
    bool tls_verify;                              /* rtsp_tls.h */
    const char *tls_fingerprint;                  /* or NULL */
    bool allow_redirect;                          /* to other hosts, which then get no credentials */
    bool refuse_basic;                            /* the password is never sent with Basic authentication */
    int64_t connect_ms;                           /* for everything up to the answer to PLAY */
    bool (*plays)(const struct sdp_media *media); /* whether a media can be played */
    struct rtsp_memory *memory;                   /* NULL: nothing is remembered. Outlives the session */
    struct rtsp_wait wait;
    struct login_gate gate; /* ask and tell NULL: nothing is asked. Its context outlives the session */
};

struct rtsp_packet {
    enum rtsp_media media;
    bool rtcp;
    const uint8_t *data; /* valid until the next call */
    size_t size;
    int64_t arrival_ns;
};

struct rtsp_session;

/*
 * 0; -ECANCELED; -ENOTSUP: trying again soon will not help; -EACCES: the credentials are refused, which trying again helps
 * only if they have worked before, or the gate does not let them be tried; other negative errno. ERROR then says why.
 */
int rtsp_session_open(const struct rtsp_session_options *options, struct rtsp_session **session,
                      char error[RTSP_ERROR_SIZE]);

/* The media of this kind that was set up; NULL: none. Valid until rtsp_session_close. */
const struct sdp_media *rtsp_session_media(const struct rtsp_session *session, enum rtsp_media media);

/* Audio that the camera announces and that was not set up, because it cannot be played; NULL: there is none. */
const struct sdp_media *rtsp_session_unplayed(const struct rtsp_session *session);

/* Whether packets come over UDP, so that they may be out of order. */
bool rtsp_session_is_udp(const struct rtsp_session *session);

/* Whether the camera asked for credentials and accepted them. */
bool rtsp_session_authenticated(const struct rtsp_session *session);

/* The SSRC that the camera named for MEDIA in SETUP (RFC 2326, 12.39). False: it named none. */
bool rtsp_session_ssrc(const struct rtsp_session *session, enum rtsp_media media, uint32_t *ssrc);

/* Milliseconds without a sign of life after which the camera gives up the session, as far as is known. */
int rtsp_session_timeout_ms(const struct rtsp_session *session);

/*
 * Waits for the next packet. 1: *packet is filled; 0: the camera ended the session (ERROR says how);
 * -ETIMEDOUT: nothing until DEADLINE_NS (CLOCK_MONOTONIC), the session goes on; -ECANCELED; other negative
 * errno, ERROR then says why.
 */
int rtsp_session_read(struct rtsp_session *session, int64_t deadline_ns, struct rtsp_packet *packet,
                      char error[RTSP_ERROR_SIZE]);

/* Sends RTCP to the camera, if it takes it now. */
void rtsp_session_send_rtcp(struct rtsp_session *session, enum rtsp_media media, const void *data,
                            size_t size);

/* Sends TEARDOWN, which takes RTSP_CLOSE_DEADLINE_MS at most, and closes. NULL is allowed. */
void rtsp_session_close(struct rtsp_session *session);

#endif
