/* SPDX-License-Identifier: MIT */
/*
 * How quickly one viewer takes what is sent to it, and how much lies between it and the fan-out. Only viewers that do not
 * seem to keep up have this; it decides when such a viewer is sent more.
 *
 * What has been written and not been read lies in three places: not sent yet, on its way, and in the reader's receive
 * buffer, or in a proxy's. The kernel counts the first two. What is in the third is known from viewers that answer pings (RFC 6455,
 * 5.5.3): they have read all that came before the ping. Of others it is taken from how much smaller the window is that the
 * reader offers than the largest one so far, which is not exact: a buffer may come to offer less although it is
 * empty. In between a viewer is taken to read on at its rate. Pure but for pace_sample_read. ringcast-fanout's only
 * thread.
 */
#ifndef FANOUT_FEED_PACE_H
#define FANOUT_FEED_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* What the kernel says of a connection (TCP_INFO). */
struct pace_sample {
    int64_t now_ns;   /* CLOCK_MONOTONIC */
    int64_t ack_ns;   /* when the last acknowledgement came */
    int64_t heard_ns; /* when the newest data came from it, which a fan-out that was held up reads later */
    int64_t rtt_ns;   /* the least round-trip time */
    uint64_t acked;   /* bytes acknowledged so far */
    uint64_t queued;  /* bytes that are not sent, or not acknowledged */
    uint32_t window;  /* bytes that the reader offers to take */
};

struct pace {
    double rate;           /* bytes a second that the viewer takes; 0: not known yet */
    uint64_t written;      /* bytes handed to the kernel so far */
    uint64_t taken;        /* bytes that the viewer has read, as far as is known */
    uint64_t taken_until;  /* `written` when `taken` last grew */
    int64_t taken_ns;      /* when it last grew, or nothing was left to take */
    uint64_t queued;       /* as in the last sample */
    uint64_t held;         /* bytes in buffers on the way at held_ns */
    int64_t held_ns;       /* CLOCK_MONOTONIC */
    int64_t rtt_ns;        /* as in the last sample, or way_ns if that is more */
    int64_t way_ns;        /* how long the answer to a ping took that nothing was before; 0: not known */
    int64_t slow_since_ns; /* 0: it is not slow now */
    int64_t calm_since_ns; /* since when it keeps up; 0: it does not */
    uint64_t asked_at;     /* `written` when the ping was sent that has not been answered */
    int64_t asked_ns;      /* when that was; 0: there is none */
    uint32_t asked;        /* its number */
    int64_t greeted_ns;    /* when the ping before everything else was sent; 0: it is answered */
    uint32_t greeting;     /* its number */
    uint32_t heard;        /* the newest number in an answer; 0: there was none */
    uint64_t still_edge;   /* up to where its window has reached since still_ns */
    uint64_t still_at;     /* `written` then */
    int64_t still_ns;      /* since then nothing was given and nothing read; 0: it is not looked at */
    bool still;            /* an acknowledgement has said so */
    uint32_t window;       /* as in the last sample */
    uint32_t window_max;   /* the largest window so far */
    uint32_t burst;        /* while it is not active: bytes that may be under way at first; 0: any number */
    uint32_t trust;        /* so often has twice the burst before got through in time */
    uint64_t weighed;      /* bytes acknowledged when it was last weighed whether it reads; 0: it was not */
    uint64_t weighed_edge; /* up to where its window reached then */
    int64_t weighed_ns;    /* when that was */
    uint64_t first_edge;   /* the same when it was weighed first */
    int64_t first_ns;      /* when that was */
    uint64_t largest;      /* what `written` grew by at most at a time */
    int64_t given_ns;      /* when it last grew */
    uint32_t doubts;       /* so often in a row its window did not follow what it was given */
    uint32_t followed;     /* so often in a row it did; after the second time it is trusted */
    uint64_t begun_at;     /* `written` when the pace began */
    int64_t begun_ns;      /* when that was */
    int64_t full_since_ns; /* while it is not active: since when there is no room; 0: there is */
    bool answers;          /* the viewer answers pings */
    bool mute;             /* it has been asked and has not answered in time, so only its windows count */
    bool cannot_answer;    /* a file over HTTP */
    bool active;           /* it is slow, and not only suspected to be */
};

/* False: the kernel does not tell. */
bool pace_sample_read(int socket, int64_t now_ns, struct pace_sample *sample);

/* True if BYTES under way are much for a viewer who is sent RATE bytes a second (0: not known) over a way of RTT_NS. */
bool pace_is_much(double rate, uint64_t bytes, int64_t rtt_ns);

/*
 * Bytes that may be under way to a viewer of which nothing is known yet, and which is sent RATE bytes a second (0: not known).
 * Never 0. Each time that so many got through in time, twice as many may be. One that answers no pings gets a fragment now and then
 * beyond it, since its window is old news while nothing is sent, and the rest when its window has followed those.
 */
uint32_t pace_first_burst(double rate);

/* Bytes that such a viewer's socket is to hold unsent; 0: not known. */
uint32_t pace_unsent(double rate, uint32_t keyframe);

/* What is in a ping that asks whether a viewer keeps up: the time. Never 0. */
uint32_t pace_time_number(int64_t now_ns);

/*
 * By how many milliseconds the answer to the ping with NUMBER, which came at HEARD_NS, is later than any way explains that takes
 * RTT_NS; 0: it is not late.
 */
uint32_t pace_late_ms(uint32_t number, int64_t rtt_ns, int64_t heard_ns);

/* True if a reader whose largest window so far was WINDOW_MAX has more unread than any change of its buffer explains. */
bool pace_is_filled(uint32_t window, uint32_t window_max);

/* Begins with SAMPLE; the largest window so far was WINDOW_MAX. */
void pace_begin(struct pace *pace, const struct pace_sample *sample, uint32_t window_max);

/* The viewer answers pings, and late ones: LATE bytes of what has been written came in the meantime. It is slow from now on. */
void pace_convict(struct pace *pace, uint64_t late, int64_t now_ns);

/* Takes what is known now. */
void pace_note(struct pace *pace, const struct pace_sample *sample);

/*
 * The number of a ping that is to be sent before anything else: its answer says how long the way there and back is, also where a
 * proxy is in between, of which the kernel knows only the near side. 0: none.
 */
uint32_t pace_greet(struct pace *pace, int64_t now_ns);

/* The number of the ping that is to be sent now, after all that has been written; 0: none. */
uint32_t pace_ask(struct pace *pace, int64_t now_ns);

/*
 * True if the answer to the ping with NUMBER, which need not be the last one that was asked, shows that the viewer has read on: it had
 * answered none that is so new. Its kernel may say nothing for long, while it has a full buffer to read.
 */
bool pace_has_read_on(struct pace *pace, uint32_t number);

/*
 * What is in a ping to a viewer that has acknowledged nothing for long; 0: it has no number. An answer to it counts for the ping that
 * pace_ask has given, too: a client need answer only the newest of several pings (RFC 6455, 5.5.3), and some forget the newer one.
 */
uint32_t pace_probe(const struct pace *pace, int64_t now_ns);

/* At HEARD_NS came the viewer's answer to the ping with NUMBER: it has read what was before all older ones. */
void pace_answered(struct pace *pace, uint32_t number, int64_t heard_ns);

/* Bytes between the fan-out and what the viewer has read, as far as can be said at NOW_NS. */
uint64_t pace_backlog(const struct pace *pace, int64_t now_ns);

/* How long the viewer takes for BYTES more than its backlog. */
int64_t pace_duration_ns(const struct pace *pace, uint64_t bytes, int64_t now_ns);

/*
 * True if more may be sent: what is under way is little enough to be fresh, and enough to keep the link busy; or, while the
 * pace is not active, no more than its burst.
 */
bool pace_has_room(const struct pace *pace, int64_t now_ns);

/* True if it is not known to be slow and its last answer came in time: if it is behind, it is far away. */
bool pace_is_in_time(const struct pace *pace);

/*
 * True if a new viewer may be slow: it has answered no ping promptly, and has not watched for long. Its windows alone do not
 * acquit it, since a reader may take much into a buffer of its own.
 */
bool pace_is_unproven(const struct pace *pace, int64_t now_ns);

/* True if it is slow for so long that its rate is not that of a connection which has just begun. */
bool pace_is_known(const struct pace *pace, int64_t now_ns);

/*
 * The viewer is slow now, or it is not. Returns what to do: 1: from now on it is sent things as it takes them; -1: it
 * keeps up, forget it; 0: nothing.
 */
int pace_judge(struct pace *pace, bool slow, int64_t now_ns);

#endif
