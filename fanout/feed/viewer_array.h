/*
 * The viewers of a feed in one dense array: what the pass over them needs of each lies side by side, so that
 * it waits for no viewer's own memory. Order means nothing: the last one takes the place of one that leaves,
 * and whoever may lose the viewer at hand walks from the last to the first. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_VIEWER_ARRAY_H
#define FANOUT_FEED_VIEWER_ARRAY_H

#include "fanout/feed/viewer.h"

struct seat {
    struct viewer *viewer;
    struct lws *wsi;         /* the viewer's */
    enum viewer_state state; /* the viewer's */
};

struct seats {
    struct seat *list;
    unsigned count, room;
};

/* Takes VIEWER in; it must be in no seats. 0 or -ENOMEM. */
int seats_add(struct seats *seats, struct viewer *viewer);

/* Takes VIEWER, which is in these seats, out. Memory is given back with the last one. */
void seats_remove(struct seats *seats, struct viewer *viewer);

/* Asks for the memory of the seat before number INDEX, which a walk comes to next. */
void seats_prefetch_next(const struct seats *seats, unsigned index);

#endif
