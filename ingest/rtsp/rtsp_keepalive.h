/* SPDX-License-Identifier: MIT */
/*
 * What keeps an RTSP session alive: which request is sent, and when (RFC 2326, sections 10.8 and 12.37). Some cameras
 * refuse a method, others answer it and end the session all the same; what one session shows of this is kept for the
 * next session with the same camera. Times are CLOCK_MONOTONIC in nanoseconds and come from the caller: nothing here
 * reads a clock or sends anything. One thread.
 */
#ifndef INGEST_RTSP_RTSP_KEEPALIVE_H
#define INGEST_RTSP_RTSP_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

/* The longest time between two keepalives, whatever time-out the camera names: firewalls forget sooner. */
#define RTSP_KEEPALIVE_MAX_MS 30000

/* The methods, in the order in which they are tried. */
enum rtsp_keepalive_method {
    RTSP_KEEPALIVE_GET_PARAMETER,
    RTSP_KEEPALIVE_OPTIONS,
    RTSP_KEEPALIVE_SET_PARAMETER,
    RTSP_KEEPALIVE_COUNT,
};

/* What the sessions with one camera have shown; zeroed at first. It outlives them. */
struct rtsp_keepalive_memory {
    unsigned failed; /* bit 1 << method: the camera refused it, or ended a session in spite of it */
    bool proven;     /* a session outlived several time-outs with `method` */
    enum rtsp_keepalive_method method; /* if proven */
    int64_t life_ms;                   /* of the last session that the camera ended; 0: none */
    int lifetime_ms; /* how long the camera keeps a session without keepalives, as observed; 0: unknown */
};

/* One session's. The first three are the caller's to set, before rtsp_keepalive_begin. */
struct rtsp_keepalive {
    struct rtsp_keepalive_memory *memory; /* borrowed */
    bool has_get_parameter;               /* the camera lists it in its answer to OPTIONS */
    int timeout_s;                        /* as the camera named it in SETUP */
    enum rtsp_keepalive_method method;    /* in use */
    unsigned sent;                        /* requests */
    int64_t begun_ns;                     /* when the session began to play; 0: not yet */
    int64_t due_ns;                       /* when the next request is to be sent */
};

/* The session plays from NOW_NS on: chooses the method and the time of the first request. */
void rtsp_keepalive_begin(struct rtsp_keepalive *keepalive, int64_t now_ns);

/*
 * Moves the first request, which is due after NOW_NS, by CHANCE to within the last third of its interval. So the sessions with one
 * camera that began together do not send together, and learn from each other's log-ins (login_gate.h).
 */
void rtsp_keepalive_spread(struct rtsp_keepalive *keepalive, int64_t now_ns, unsigned chance);

/* Milliseconds without a sign of life after which the camera gives the session up, as far as is known. */
int rtsp_keepalive_timeout_ms(const struct rtsp_keepalive *keepalive);

/* The request to send now, a method's name. The next one is due an interval after NOW_NS. */
const char *rtsp_keepalive_take(struct rtsp_keepalive *keepalive, int64_t now_ns);

/* No request can be sent now: the next one is due an interval after NOW_NS. */
void rtsp_keepalive_put_off(struct rtsp_keepalive *keepalive, int64_t now_ns);

/* The camera refused the request with STATUS: another method is due at once, unless each of them has failed. */
void rtsp_keepalive_refused(struct rtsp_keepalive *keepalive, int status, int64_t now_ns);

/*
 * The camera ended the session at END_NS; memory learns from how long it lived. To be called once, and not for a session
 * that was closed from this side. A session that never played teaches nothing.
 */
void rtsp_keepalive_ended(struct rtsp_keepalive *keepalive, int64_t end_ns);

#endif
