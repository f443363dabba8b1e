/* SPDX-License-Identifier: MIT */
/* What past.c needs of feed.c, and nobody else: the states of a feed's viewers, and its old ring. ringcast-fanout's only thread. */
#ifndef FANOUT_FEED_FEED_PRIVATE_H
#define FANOUT_FEED_FEED_PRIVATE_H

#include "fanout/feed/feed.h"

/* VIEWER, which watches, enters STATE. */
void feed_move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state);

/* Takes out a viewer whose connection is broken, or a guest that ends in order. */
void feed_drop_broken(struct feed *feed, struct viewer *viewer);

/* Tells the log of ERROR in the ring, once per ring. */
void feed_report_damage(struct feed *feed, int error);

/* Brings VIEWER, which is VIEWER_BEHIND, on to the feed's cursor, from the newest keyframe if it has no place. */
void feed_catch_up(struct feed *feed, struct viewer *viewer);

/* The ring that VIEWER's own cursor is in. */
const ringcast_reader *feed_reader_of(const struct feed *feed, const struct viewer *viewer);

/* VIEWER begins to read the old ring, or does not any more; who is not in it may leave it, too. */
void feed_enter_old_ring(struct feed *feed, struct viewer *viewer);
void feed_leave_old_ring(struct feed *feed, struct viewer *viewer);

/* The old ring is kept for nobody but those that read it. */
void feed_release_old_ring(struct feed *feed);

#endif
