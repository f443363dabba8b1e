/* SPDX-License-Identifier: MIT */
/*
 * The description of what a camera sends (SDP, RFC 8866, with the RTSP attributes of RFC 2326, appendix C), read as
 * leniently as cameras write it. Pure functions without allocation; any process,
 * any thread.
 */
#ifndef INGEST_RTSP_SDP_H
#define INGEST_RTSP_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a whole description: cameras send 300 to 2000, but some put whole pictures among their parameter sets. */
#define SDP_SIZE_MAX 1048576

/* Medias that are kept: video, audio, metadata, backchannel, and as many again. Further ones are left out. */
#define SDP_MEDIA_MAX 8

/* Bytes with their NUL. A longer text is left out as if it were not there, and never cut. */
#define SDP_ENCODING_SIZE 32
#define SDP_FMTP_SIZE 4096 /* the parameter sets of H.265 in base64 take 200 to 600 */
#define SDP_CONTROL_SIZE 2048
#define SDP_ADDRESS_SIZE 64

enum sdp_kind { SDP_VIDEO, SDP_AUDIO, SDP_OTHER };

/* As written; a media without a direction has the session's. In ONVIF, sendonly audio is a backchannel. */
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

/*
 * One m= line with its attributes, and one of its payload types: see sdp_parse. Some cameras write a format's
 * parameters under another payload type; a format without parameters gets those that belong to none.
 */
struct sdp_media {
    enum sdp_kind kind;
    bool secure; /* SRTP: the protocol is RTP/SAVP or RTP/SAVPF, or there are keys for it (RFC 4567, 4568) */
    uint8_t payload_type; /* 0…127 */
    char encoding
        [SDP_ENCODING_SIZE]; /* as written, so compare without case; filled in for static types; "": unknown */
    uint32_t clock_rate;     /* Hz; 0: unknown */
    uint32_t channels;       /* audio: 1 if not written; else 0 */
    char fmtp[SDP_FMTP_SIZE];       /* "a=1; b=2", without the payload type; several lines joined; or "" */
    char control[SDP_CONTROL_SIZE]; /* "*", absolute or relative URL; or "" */
    enum sdp_direction direction;
    char address[SDP_ADDRESS_SIZE]; /* of its or the session's c= line, without what follows a '/'; or "" */
    uint32_t port;                  /* of the m= line; 0: none */
    uint32_t bandwidth_kbit;        /* b=AS; 0: unknown */
    double frame_rate;              /* a=framerate, pictures a second; 0: unknown */
    /* Whether it takes these requests for a keyframe (RFC 4585, 6.3.1; RFC 5104, 4.3.1), for any payload type. */
    bool pli, fir;
};

/* About 50 kB: not for the stack. */
struct sdp {
    char control[SDP_CONTROL_SIZE]; /* of the session; or "" */
    struct sdp_media medias[SDP_MEDIA_MAX];
    size_t media_count;
};

/* Whether MEDIA can be played with its payload type. */
typedef bool (*sdp_plays)(const struct sdp_media *media);

/*
 * TEXT need not end in NUL. Lines that it does not understand are skipped. Of each m= line's payload types it
 * keeps the first that PLAYS accepts; else the first that is described by an rtpmap or is static (RFC 3551,
 * section 6); else the first. PLAYS may be NULL. 0; -EMSGSIZE: more than SDP_SIZE_MAX; -EBADMSG: no media.
 */
int sdp_parse(const char *text, size_t size, sdp_plays plays, struct sdp *sdp);

/*
 * The value of parameter NAME (without case) of an fmtp text: *length bytes within FMTP, not ended by NUL.
 * Values may hold '=' (base64). NULL: there is no such parameter. A name without '=' has an empty value.
 * Cameras that separate parameters by blanks or commas are understood, too: the value then goes on to the next ';'.
 * To find a further one of the same name, search behind the value.
 */
const char *sdp_fmtp_find(const char *fmtp, const char *name, size_t *length);

#endif
