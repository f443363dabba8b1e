/*
 * One WebSocket viewer of one camera: its state and what is sent to it. The struct lies in libwebsockets'
 * per-connection memory and is kept small: there are thousands. ringcast-fanout's only thread; nothing here
 * blocks and nothing here closes a connection while the caller walks the viewers: that happens later, from
 * libwebsockets' loop.
 */
#ifndef FANOUT_FEED_VIEWER_H
#define FANOUT_FEED_VIEWER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/ring/ringcast.h"
#include "fanout/feed/fragment_buffer.h"
#include "fanout/feed/init_cache.h"

struct lws;
struct feed;

enum viewer_state {
    VIEWER_NONE,    /* not a viewer (an HTTP request), or no longer one */
    VIEWER_BEHIND,  /* just joined, or did not accept something: reads with its own cursor */
    VIEWER_WAITING, /* at the feed's cursor, but needs a keyframe before anything else */
    VIEWER_LIVE,    /* at the feed's cursor: served in the pass that sees a fragment */
    VIEWER_PAUSED,  /* asked to get nothing but what the camera's state is */
    VIEWER_CLOSING, /* left its feed; gets a close frame as soon as its socket takes one */
};

struct viewer {
    struct lws *wsi;
    struct feed *feed;        /* NULL in VIEWER_NONE and VIEWER_CLOSING */
    ringcast_cursor cursor;   /* in VIEWER_BEHIND: what it reads next */
    uint64_t last_sequence;   /* the last fragment it got, 0 before the first; not kept up in VIEWER_LIVE */
    uint64_t init_id;         /* init_cache.id of the init segment it has, 0: none */
    uint64_t number;          /* 1, 2, 3 …: each viewer of the process has another one */
    time_t since;             /* when it came, CLOCK_MONOTONIC seconds */
    uint64_t dropped;         /* fragments it missed by being slow */
    double time_asked;        /* if time_due: what the answer to its question for the time repeats */
    uint64_t taken;           /* bytes that its socket had taken when … */
    int64_t stuck_since_ns;   /* … it was first seen waiting for it; CLOCK_MONOTONIC, 0: it does not wait */
    uint64_t traffic;         /* bytes that had come … */
    time_t traffic_since;     /* … when this window began, CLOCK_MONOTONIC seconds */
    const char *close_reason; /* in VIEWER_CLOSING: a static text, or NULL */
    unsigned slot;            /* its number among the feed's viewers */
    time_t received_since;    /* start of the window of received_bytes, CLOCK_MONOTONIC seconds */
    time_t answered_in;       /* the second in which it was told the time `answers` times, CLOCK_MONOTONIC */
    uint32_t received_bytes;
    uint16_t close_code; /* in VIEWER_CLOSING: RFC 6455, 7.4 */
    uint8_t state;       /* enum viewer_state */
    bool state_due;      /* the camera's state changed while this viewer was not writable */
    uint8_t answers;
    bool time_due;    /* it asked for the time while it was not writable */
    bool in_old_ring; /* in VIEWER_BEHIND: its cursor is in the feed's old ring */
};

static_assert(sizeof(struct viewer) <= 216, "thousands of viewers: keep the struct small");

/* Why a viewer that sends more than it has to say is closed. */
#define VIEWER_SENT_TOO_MUCH "sent too much"

/* Code (IANA: "try again later") and reason for the viewer that is paused for longest, of too many (connections.h). */
#define VIEWER_TRY_AGAIN_LATER 1013
#define VIEWER_TOO_MANY_PAUSED "too many paused viewers"

const char *viewer_strstate(enum viewer_state state);
void viewer_enter_state(struct viewer *viewer, enum viewer_state state);

/* Makes a connection that was just upgraded viewer NUMBER, in VIEWER_BEHIND. */
void viewer_init(struct viewer *viewer, struct lws *wsi, uint64_t number);

/* True if a tail of an earlier message still waits for the socket: nothing may be written to it now. */
bool viewer_is_blocked(const struct viewer *viewer);

/* Asks libwebsockets to say when the socket is writable. */
void viewer_want_writable(struct viewer *viewer);

/*
 * These send whole messages, in order; what the socket does not take at once libwebsockets keeps, so call
 * them for a viewer that is not blocked only. False: the connection is broken.
 */
bool viewer_send_packet(struct viewer *viewer, struct packet *packet, bool text);

/* Sends text and init segment unless the viewer has these very bytes already. */
bool viewer_send_init(struct viewer *viewer, struct init_cache *init);

/*
 * Sends a fragment that may not follow on the last one, or may be of another generation: the drop message and
 * the init segment first where they are due. INIT holds the fragment's generation.
 */
bool viewer_send_fragment(struct viewer *viewer, struct init_cache *init, struct fragment_buffer *fragment);

/* Ends a connection that is broken, from libwebsockets' loop. */
void viewer_cut(struct viewer *viewer);

/*
 * As viewer_cut, but the kernel drops at once what the other side has not taken, and resets the connection:
 * no close frame could pass it.
 */
void viewer_abort(struct viewer *viewer);

/*
 * Begins to close: no feed any more, close frame with CODE and REASON (a static text or NULL) when the socket
 * takes it, cut off after a few seconds.
 */
void viewer_close(struct viewer *viewer, uint16_t code, const char *reason);

/* Bytes that the other side has acknowledged so far; 0 if the kernel does not say. */
uint64_t viewer_bytes_taken(const struct viewer *viewer);

/*
 * Keeps up stuck_since_ns: 0 if the viewer does not wait for its socket, else since when that has taken
 * nothing, as far as it was looked at. NOW_NS: CLOCK_MONOTONIC.
 */
void viewer_note_progress(struct viewer *viewer, int64_t now_ns);

/* Sends a ping (RFC 6455, 5.5.2) to a viewer that is not blocked: browsers and proxies end silent
 * connections. False: the connection is broken. */
bool viewer_ping(struct viewer *viewer);

/* In LWS_CALLBACK_SERVER_WRITEABLE of a VIEWER_CLOSING: names the reason; the callback then returns -1. */
void viewer_give_reason(struct viewer *viewer);

/* It asked for the time: answers {"type":"time"} at once or when the socket takes it; ignored if asked too
 * often. False: the connection is broken. */
bool viewer_tell_time(struct viewer *viewer, double asked);

/* Sends the answer that is due, if any, to a viewer that is not blocked. False: the connection is broken. */
bool viewer_send_due_time(struct viewer *viewer);

/*
 * Counts LENGTH received bytes of a frame's payload, and the frame. False: more than any client of ours would
 * send.
 */
bool viewer_accept_bytes(struct viewer *viewer, size_t length);

/*
 * False if its connection has brought more bytes than any client of ours would send, of whatever frames: pings
 * and pongs are libwebsockets' own business. To be called every few seconds. NOW_NS: CLOCK_MONOTONIC.
 */
bool viewer_accept_traffic(struct viewer *viewer, int64_t now_ns);

#endif
