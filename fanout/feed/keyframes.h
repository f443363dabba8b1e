/* SPDX-License-Identifier: MIT */
/*
 * Viewers of keyframes only: a wall's small tiles, which a machine could not decode all pictures of. The fragments between are left
 * out, and so is the sound, of which only scraps would come. A keyframe lasts until the next one: its duration in the
 * fragment is changed while it is sent to such a viewer, and changed back, so that nobody has a copy. As nobody knows when the
 * next one comes, it is the longest distance between the last ones; a little too long does no harm to a player, and too
 * short is a gap. Part of a feed; ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_KEYFRAMES_H
#define FANOUT_FEED_KEYFRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/feed/fragment_buffer.h"
#include "fanout/feed/init_cache.h"

struct viewer;

/* Of so many distances the longest counts. */
#define KEYFRAMES_STEPS 4u

/* How far apart the keyframes of a stream are. All zero: nothing is known yet. */
struct keyframes {
    uint64_t sequence;   /* of the last fragment that was seen */
    int64_t decode_time; /* of the last keyframe … */
    uint32_t timescale; /* … in units of this a second; 0: none was seen, or fragments after it are missing */
    int64_t steps[KEYFRAMES_STEPS]; /* nanoseconds; 0: not known */
    unsigned next;                  /* the place of the next step */
};

/* A fragment has come: all of them are noted, in their order. One that does not follow the last one begins anew; what is known stays. */
void keyframes_note(struct keyframes *keyframes, const ringcast_entry *entry);

/* How long a keyframe lasts, in nanoseconds; never 0. */
int64_t keyframes_step_ns(const struct keyframes *keyframes);

/*
 * Sends FRAGMENT, a keyframe, as viewer_send_fragment does: with an init segment of the picture alone, and lasting until the next one.
 * False: the connection is broken.
 */
bool keyframes_send(const struct keyframes *keyframes, struct viewer *viewer, struct init_cache *init,
                    struct fragment_buffer *fragment);

#endif
