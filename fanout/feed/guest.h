/* SPDX-License-Identifier: MIT */
/*
 * A viewer that does not speak ringcast's own protocol: an MP4 file over HTTP that goes on and on, one picture as a file, or
 * go2rtc's WebSocket protocol. It is in a feed like all viewers, and the same limits hold for it; what differs is what
 * is written. It gets nothing but whole boxes: an init segment, then fragments from a keyframe on, of which a slow one
 * misses some. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_GUEST_H
#define FANOUT_FEED_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fanout/feed/fragment_buffer.h"
#include "fanout/feed/init_cache.h"

struct viewer;

enum guest_kind {
    GUEST_FILE,    /* a file that ends with its connection (HTTP/1.0) */
    GUEST_CHUNKED, /* a file in chunks (RFC 9112, 7.1) */
    GUEST_PICTURE, /* a file of one keyframe without sound, whose length is said */
    GUEST_GO2RTC,  /* a WebSocket */
};

/* Why a guest ends, beside the reasons of all viewers; static texts with close codes (RFC 6455, 7.4). */
#define GUEST_DONE 1000
#define GUEST_CHANGED 1012
#define GUEST_AWAY 1013
#define GUEST_IS_AWAY "the camera sends nothing"

struct guest {
    TAILQ_ENTRY(guest) link; /* used by guest_list.c */
    struct viewer *viewer;   /* NULL: it is none yet */
    enum guest_kind kind;
    bool begun;        /* it has its first init segment */
    bool ending;       /* it is to be closed with `code` and `reason` */
    bool is_out;       /* it leaves its feed, and may ask again */
    uint8_t wanted;    /* of a GUEST_GO2RTC: enum upgrade_stream, used by go2rtc.c */
    bool has_asked;    /* of a GUEST_GO2RTC: for its stream, which it has not got yet */
    bool from_zero;    /* its decode times begin at 0 */
    bool picture_only; /* it does not get the camera's sound */
    bool sound_hidden; /* it does not get the sound of the present fragments */
    uint16_t code;
    const char *reason;
    unsigned codecs;               /* of a GUEST_GO2RTC: what its client plays (codec_choice.h) */
    unsigned chosen;               /* of a GUEST_GO2RTC: what it was promised */
    uint64_t video_key, sound_key; /* tracks of the init segment that it has (tracks.h) */
    int64_t not_before_ns;         /* CLOCK_MONOTONIC: older fragments are not for it to begin with */
    int64_t begun_ns;              /* CLOCK_MONOTONIC */
    int64_t begun_at;              /* decode time of its first fragment, in the track's timescale */
    uint64_t shift;                /* with `from_zero`: decode times are earlier by that, … */
    uint32_t shift_timescale;      /* … in units of this a second */
    int64_t duration_ns;           /* of the file; 0: as long as the client reads */
    int64_t from_ns,
        until_ns; /* of a clip, CLOCK_MONOTONIC: when its pictures were published; 0: it is none */
    int64_t since_ns, due_ns; /* CLOCK_MONOTONIC: used by guest_list.c */
    char *source;             /* of a GUEST_GO2RTC: what it asked for; owned */
    char *head;               /* of the HTTP answer, but for what tells its length; owned */
};

/* NULL: out of memory. */
struct guest *guest_new(enum guest_kind kind);

/* NULL is allowed. */
void guest_free(struct guest *guest);

/* True if it is one over plain HTTP. */
bool guest_is_http(const struct guest *guest);

/* False: VIEWER's guest cannot begin with FRAGMENT. True for all that have begun. */
bool guest_may_begin(const struct guest *guest, const ringcast_entry *entry);

/*
 * Sends FRAGMENT, after the init segment in INIT where that is needed, to a guest that is not blocked. False: the connection is
 * broken, or the guest is to leave its feed (guest_has_ended).
 */
bool guest_send_fragment(struct viewer *viewer, struct init_cache *init, struct fragment_buffer *fragment);

/* Ends a clip in order when it leaves its feed. */
void guest_end_clip(struct guest *guest);

/* True if the guest has left or ends in order; it is then closed here, if it has to be. It must not be in a feed. */
bool guest_has_ended(struct viewer *viewer);

/* A GUEST_GO2RTC joins a feed, not for the first time perhaps. IS_STREAMING: what its ring has is new. */
void guest_begin_again(struct guest *guest, bool is_streaming);

/*
 * Sends {"type":"error"} with TEXT, which answers a request of TYPE, to a GUEST_GO2RTC that is not blocked. False: the connection is
 * broken.
 */
bool guest_send_error(struct viewer *viewer, const char *type, const char *text);

/* Writes the end of the file to a guest over HTTP that is not blocked and has begun. */
void guest_finish_file(struct viewer *viewer);

#endif
