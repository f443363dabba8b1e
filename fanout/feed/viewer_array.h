/*
 * The viewers of a feed in one dense array: what the pass over them needs of each lies side by side, so that
 * it waits for no viewer's own memory. Order means nothing: the last one takes the place of one that leaves,
 * and whoever may lose the viewer at hand walks from the last to the first. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_VIEWER_ARRAY_H
#define FANOUT_FEED_VIEWER_ARRAY_H

#include "fanout/feed/viewer.h"

struct viewer_slot {
    struct viewer *viewer;
    struct lws *wsi;         /* the viewer's */
    enum viewer_state state; /* the viewer's */
};

struct viewer_array {
    struct viewer_slot *list;
    unsigned count, room;
};

/* Takes VIEWER in; it must be in no viewers. 0 or -ENOMEM. */
int viewer_array_add(struct viewer_array *viewers, struct viewer *viewer);

/* Takes VIEWER, which is in these viewers, out. Memory is given back with the last one. */
void viewer_array_remove(struct viewer_array *viewers, struct viewer *viewer);

/* Asks for the memory of the slot before number INDEX, which a walk comes to next. */
void viewer_array_prefetch_next(const struct viewer_array *viewers, unsigned index);

#endif
