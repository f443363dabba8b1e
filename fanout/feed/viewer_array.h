/* SPDX-License-Identifier: MIT */
/*
 * The viewers of a feed in one dense array: what the pass needs of each viewer lies side by side, so that it
 * does not wait for the viewers' own memory. Their order has no meaning: when a viewer leaves, the last one
 * takes its place, so a walk that may lose the present viewer goes from the last to the first.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_VIEWER_ARRAY_H
#define FANOUT_FEED_VIEWER_ARRAY_H

#include "fanout/feed/viewer.h"

struct viewer_slot {
    struct viewer *viewer;
    struct lws *wsi;         /* a copy of the viewer's */
    enum viewer_state state; /* a copy of the viewer's */
    bool
        special; /* it gets something else than the fragment as it is: a guest, in a bundle, or of keyframes only */
    bool keyframes; /* a copy of the viewer's */
};

struct viewer_array {
    struct viewer_slot *list;
    unsigned count, room;
};

/* Adds VIEWER, which must not be in an array. 0 or -ENOMEM. */
int viewer_array_add(struct viewer_array *viewers, struct viewer *viewer);

/* Removes VIEWER, which must be in this array. The memory is freed with the last one. */
void viewer_array_remove(struct viewer_array *viewers, struct viewer *viewer);

/* Prefetches the connection of the slot before INDEX, which a walk reaches next. */
void viewer_array_prefetch_next(const struct viewer_array *viewers, unsigned index);

#endif
