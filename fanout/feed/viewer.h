/* SPDX-License-Identifier: MIT */
/*
 * One WebSocket viewer of one camera: its state and what it is sent. The struct is in libwebsockets'
 * per-connection memory and is kept small, because there are thousands of viewers. ringcast-fanout's only
 * thread. No function here blocks, and none closes a connection while the caller walks the viewers: that
 * happens later, in libwebsockets' loop.
 */
#ifndef FANOUT_FEED_VIEWER_H
#define FANOUT_FEED_VIEWER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/base/text.h"
#include "common/ring/ringcast.h"
#include "fanout/feed/fragment_buffer.h"
#include "fanout/feed/init_cache.h"

struct lws;
struct feed;
struct guest;  /* guest.h */
struct bundle; /* bundle.h */
struct pace;
struct past;

enum viewer_state {
    VIEWER_NONE,    /* not a viewer (an HTTP request), or no longer one */
    VIEWER_AT_DOOR, /* a guest that is in no feed at the moment: is sent nothing and heard for nothing */
    VIEWER_BUNDLE,  /* the socket of several viewers; in no feed itself */
    VIEWER_BEHIND,  /* has just joined, or its socket was full: reads with its own cursor */
    VIEWER_WAITING, /* at the feed's cursor, but needs a keyframe first */
    VIEWER_LIVE,    /* at the feed's cursor: gets each fragment in the pass that finds it */
    VIEWER_PACED,   /* the same, but has a pace, which is asked first */
    VIEWER_PAST,    /* looks back: reads with its own cursor, as far as it has asked (past.h) */
    VIEWER_PAUSED,  /* has asked for nothing but the camera's state */
    VIEWER_CLOSING, /* has left its feed; gets a close frame as soon as its socket takes one */
};

struct viewer {
    struct lws *wsi;
    struct feed *feed;      /* NULL in VIEWER_NONE and VIEWER_CLOSING */
    struct bundle *bundle;  /* NULL: it has its connection to itself */
    struct guest *guest;    /* NULL: it speaks ringcast's own protocol; owned by its connection */
    ringcast_cursor cursor; /* in VIEWER_BEHIND: what it reads next */
    uint64_t last_sequence; /* of the last fragment it got; 0: none; not updated in VIEWER_LIVE */
    uint64_t init_id;       /* init_cache.id of the init segment it has; 0: none */
    struct pace *pace;      /* owned, in a bundle by its socket; NULL: it keeps up */
    struct past *past;      /* owned; in VIEWER_PAST, otherwise NULL */
    uint32_t window_max;    /* the largest window that its reader has offered, in bytes */
    uint32_t
        unsent_max; /* bytes that its socket holds unsent before it counts as full; 0: as the listening socket says */
    uint64_t number;   /* unique among the viewers of the process: 1, 2, 3 and so on */
    time_t since;      /* when it joined, CLOCK_MONOTONIC seconds */
    uint64_t dropped;  /* fragments it missed because it was slow */
    double time_asked; /* if time_due: the viewer's time, which the answer repeats */
    uint64_t taken;    /* bytes that its socket had taken at stuck_since_ns */
    int64_t
        stuck_since_ns;   /* CLOCK_MONOTONIC: since when its socket takes nothing; 0: nothing waits for it */
    uint64_t traffic;     /* bytes that it had sent at traffic_since */
    time_t traffic_since; /* when the window of traffic began, CLOCK_MONOTONIC seconds */
    const char *close_reason; /* in VIEWER_CLOSING: a static text, or NULL */
    unsigned slot;            /* its index in the viewer array that it is in */
    time_t received_since;    /* start of the window of received_bytes, CLOCK_MONOTONIC seconds */
    time_t answered_in; /* the second, CLOCK_MONOTONIC, in which it got `answers` answers with the time */
    uint32_t received_bytes;
    uint16_t close_code; /* in VIEWER_CLOSING: RFC 6455, 7.4 */
    uint8_t state;       /* enum viewer_state */
    bool state_due;      /* the camera's state has changed while this viewer was not writable */
    uint8_t answers;
    uint8_t no_past_due;     /* questions for the past to be answered with no */
    bool time_due;           /* it has asked for the time while it was not writable */
    struct text_stream text; /* of the text message that it is sending */
    bool in_old_ring;        /* in VIEWER_BEHIND: its cursor is in the feed's old ring */
    bool keyframes;          /* it gets keyframes only, without sound (keyframes.h) */
};

static_assert(sizeof(struct viewer) <= 248, "thousands of viewers: keep the struct small");

/* The reason for closing a viewer that sends more than its commands need. */
#define VIEWER_SENT_TOO_MUCH "sent too much"

/* The reasons for closing a viewer that sends what RFC 6455 forbids (1007, 1002). */
#define VIEWER_NOT_UTF8 "not UTF-8"
#define VIEWER_BAD_CLOSE "bad close"

/*
 * Code (IANA: "try again later") and reason for closing the viewer that has been paused for longest when too
 * many are (connections.h).
 */
#define VIEWER_TRY_AGAIN_LATER 1013
#define VIEWER_TOO_MANY_PAUSED "too many paused viewers"
#define VIEWER_TOO_MANY_OF_USER "too many streams of this user"

const char *viewer_strstate(enum viewer_state state);
void viewer_enter_state(struct viewer *viewer, enum viewer_state state);

/* Makes a connection the viewer NUMBER of whole streams, in VIEWER_BEHIND. GUEST: how it gets its stream (guest.h), or NULL. */
void viewer_init(struct viewer *viewer, struct lws *wsi, struct guest *guest, uint64_t number);

/* True if a tail of an earlier message still waits for the socket: nothing may be written to it now. */
bool viewer_is_blocked(const struct viewer *viewer);

/* The viewer whose socket it is: itself, or that of its bundle. */
struct viewer *viewer_socket(struct viewer *viewer);

/* Asks libwebsockets for LWS_CALLBACK_SERVER_WRITEABLE as soon as the socket is writable. */
void viewer_want_writable(struct viewer *viewer);

/*
 * These send whole messages, in order. libwebsockets keeps what the socket does not take at once, so call
 * them only for a viewer that is not blocked. False: the connection is broken.
 */
bool viewer_send_packet(struct viewer *viewer, struct packet *packet, bool text);

/* Sends text and init segment unless the viewer has them already. */
bool viewer_send_init(struct viewer *viewer, struct init_cache *init);

/* Sends the drop message, counted in `dropped`, if NEXT_SEQUENCE does not follow the viewer's last fragment. */
bool viewer_send_gap(struct viewer *viewer, uint64_t next_sequence);

/*
 * Sends a fragment that need not follow the last one and may be of another generation: where they are needed,
 * the drop message and the init segment go first. INIT holds the fragment's generation.
 */
bool viewer_send_fragment(struct viewer *viewer, struct init_cache *init, struct fragment_buffer *fragment);

/* Ends a broken connection, later, from libwebsockets' loop. */
void viewer_cut(struct viewer *viewer);

/*
 * As viewer_cut, but the kernel drops at once what the other side has not taken and resets the connection, so
 * that no close frame is sent.
 */
void viewer_abort(struct viewer *viewer);

/*
 * Begins to close a viewer that is not in a feed: it gets a close frame with CODE and REASON (a static text
 * or NULL) when its socket takes one, and is cut off after a few seconds. One in a bundle gets a message instead, and the socket stays.
 */
void viewer_close(struct viewer *viewer, uint16_t code, const char *reason);

/* True if nothing may be written to it now: viewer_is_blocked, or as much is under way as it takes in time. */
bool viewer_is_full(struct viewer *viewer);

/* Has its socket count as full when BYTES are unsent, if that is much else than now; 0: as it is. */
void viewer_limit_unsent(struct viewer *viewer, uint32_t bytes);

/* Grows when the other side reads, as far as is known; 0: the kernel does not know. */
uint64_t viewer_bytes_taken(const struct viewer *viewer);

/*
 * Updates stuck_since_ns from the bytes that the socket has taken since the last call. NOW_NS:
 * CLOCK_MONOTONIC.
 */
void viewer_note_progress(struct viewer *viewer, int64_t now_ns);

/* The same from the ping with NUMBER, not 0, which VIEWER has answered; it may be an old one. */
void viewer_note_answer(struct viewer *viewer, uint32_t number, int64_t now_ns);

/*
 * Sends a ping (RFC 6455, 5.5.2) to a viewer that is not blocked, because browsers and proxies end silent
 * connections. False: the connection is broken.
 */
bool viewer_ping(struct viewer *viewer);

/* The same with NUMBER, which comes back in a pong (5.5.3); viewer_pong_number finds it there. 0: it is not there. */
bool viewer_ask(struct viewer *viewer, uint32_t number);
bool viewer_probe(struct viewer *viewer, uint32_t number); /* viewer_ask, or viewer_ping if NUMBER is 0 */
uint32_t viewer_pong_number(const void *payload, size_t length);

/* Sets the close frame of a VIEWER_CLOSING in LWS_CALLBACK_SERVER_WRITEABLE, which then returns -1. */
void viewer_give_reason(struct viewer *viewer);

/*
 * Answers the viewer's question for the time with {"type":"time"}, now or when its socket is writable.
 * Questions that come too often are ignored. False: the connection is broken.
 */
bool viewer_tell_time(struct viewer *viewer, double asked);

/* Sends the answers that are due, if any, to a viewer that is not blocked. False: the connection is broken. */
bool viewer_send_due(struct viewer *viewer);

/*
 * Counts a received frame with LENGTH bytes of payload. False: the viewer has sent more than any client of
 * ours would.
 */
bool viewer_accept_bytes(struct viewer *viewer, size_t length);

/*
 * False: the connection has brought more bytes than any client of ours would send. That includes pings and
 * pongs, which libwebsockets handles by itself. Call it every few seconds. NOW_NS: CLOCK_MONOTONIC.
 */
bool viewer_accept_traffic(struct viewer *viewer, int64_t now_ns);

#endif
