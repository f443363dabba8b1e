/* SPDX-License-Identifier: MIT */
/*
 * Viewers that look back: they read what the ring still has of the last seconds, each with a cursor of its own, and only as far
 * as they have asked; so they are at no one's pace but their own, and wait without a timer. All of them share one buffer for
 * the fragment that is being sent. What is overwritten before they come to it is a gap for them, after which they go on with the
 * oldest that is left. Who comes to the newest fragment is a live viewer again.
 *
 * A ring that was replaced by one of another size is kept for as long as viewers can look back, beside its successor.
 * ringcast-fanout's only thread. Invariants F18 to F20: docs/design/fanout.md.
 */
#ifndef FANOUT_FEED_PAST_H
#define FANOUT_FEED_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ring/ringcast.h"
#include "fanout/feed/init_cache.h"

struct feed;
struct viewer;

/* What a feed has for those that look back. Zeroed: it keeps no past. */
struct past_feed {
    int64_t reach_ns;       /* how long pictures are kept; 0: nobody may look back */
    int64_t held_until_ns;  /* CLOCK_MONOTONIC: until then the old ring is kept; 0: it is not, by this */
    unsigned viewers;       /* how many look back */
    struct init_cache init; /* that their fragments need; filled while there are some */
};

/* What is found for one that wants to look back. */
struct past_found {
    ringcast_entry first; /* the keyframe that it begins with */
    int64_t oldest_ns;    /* CLOCK_MONOTONIC: when the oldest was published that can be looked at */
};

/* What a viewer has that looks back. */
struct past {
    int64_t until_ns;     /* CLOCK_MONOTONIC: it gets what was published until then; INT64_MAX: everything */
    unsigned answers_due; /* questions that it is to be told the answer to, which is that to the last one: */
    struct past_found found;
    bool is_over; /* it has asked for the present, and is to be told when it is there */
};

/* True if FEED has pictures from TIME_NS (CLOCK_MONOTONIC) or later, and viewers may look back: *FOUND tells which. */
bool past_find(const struct feed *feed, int64_t time_ns, struct past_found *found);

/*
 * VIEWER, which watches and is not paused, goes on with the newest keyframe that was published at TIME_NS or before, or
 * the oldest one that there is, and gets what was published up to UNTIL_NS. It is told so before. 0: it may be gone, too;
 * -EAGAIN: there is none, or no looking back, and it goes on as it did; -ENOMEM.
 */
int past_begin(struct viewer *viewer, int64_t time_ns, int64_t until_ns);

/* VIEWER, which looks back, may have DURATION_NS more than it has got. It may be gone or live afterwards. */
void past_extend(struct viewer *viewer, int64_t duration_ns);

/* VIEWER, which looks back, is told that it is live again, and is, from the newest keyframe on. It may be gone afterwards. */
void past_end(struct viewer *viewer);

/* Sends VIEWER, which looks back, what it may have and its socket takes, for a turn; it may be gone or live afterwards. */
void past_serve(struct viewer *viewer);

/* Tells VIEWER, which is not blocked, that it cannot look back. False: the connection is broken. */
bool past_refuse(struct viewer *viewer);

/* ---- For feed.c ---- */

/* VIEWER has left the state VIEWER_PAST. */
void past_left(struct feed *feed, struct viewer *viewer);

/* Before the present ring of FEED becomes the old one. True: it is to be kept for a while. */
bool past_keeps(struct feed *feed);

/* Lets go of the old ring if its time is over at NOW_NS. Returns when that will be; 0: there is nothing to let go of. */
int64_t past_forget(struct feed *feed, int64_t now_ns);

void past_finish(struct feed *feed);

#endif
