/* SPDX-License-Identifier: MIT */
/*
 * Where the decode times of another node lie in this node's ring: the same distance for all of a timeline, so that nothing is rounded twice and
 * sound and picture keep together. The first fragment lies where its capture was by this node's CLOCK_MONOTONIC. Times in ns since the ring's
 * epoch. Owned by the publisher; pure functions.
 */
#ifndef INGEST_REMOTE_REMOTE_TIMELINE_H
#define INGEST_REMOTE_REMOTE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct remote_timeline {
    bool placed;       /* what follows is of a fragment */
    int64_t offset_ns; /* from the other node's decode times to this node's */
    int64_t lead_ns;   /* of the decode time before the capture, when it was placed */
    int64_t last_ns;   /* the last decode time, placed */
};

struct remote_moment {
    int64_t media_ns;   /* decode time on the other node, 0 to REMOTE_NS_MAX */
    int64_t capture_ns; /* when it was captured */
    int64_t end_ns;     /* of the ring's timeline: nothing new may lie before */
    bool first;         /* of another timeline */
};

/*
 * Places a fragment: then OFFSET_NS is valid for all its tracks. 1: it does not follow the last one; 0: it does, or nothing was before; -ERANGE: its
 * time cannot be true.
 */
int remote_timeline_place(struct remote_timeline *timeline, const struct remote_moment *moment);

#endif
