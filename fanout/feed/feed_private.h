/*
 * What feed.c, feed_pass.c and catch_up.c share; nobody else includes it. ringcast-fanout's only thread.
 */
#ifndef FANOUT_FEED_FEED_PRIVATE_H
#define FANOUT_FEED_FEED_PRIVATE_H

#include "fanout/feed/feed.h"

/* Fragments that one feed or one laggard gets in one go before the others have their turn. */
#define TURN_MAX 64

/* Jumps to a keyframe in one turn. More means that the ring contradicts itself: wait for the next publish. */
#define SEEKS_MAX 4

/* Tells the epoll instance of the ring's eventfd (epoll_ctl). */
void feed_change_watch(struct feed *feed, int operation);

/* A watching viewer of the feed enters STATE. */
void feed_move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state);

/* Takes a viewer out whose connection is broken, and ends that. */
void feed_drop_broken(struct feed *feed, struct viewer *viewer);

/* Takes VIEWER out and makes it VIEWER_NONE. */
void feed_unlink_viewer(struct feed *feed, struct viewer *viewer);

/* One laggard less in the old ring, if it was there; the last one closes it. */
void feed_leave_old_ring(struct feed *feed, struct viewer *viewer);

/* The log is told once per ring; -ESTALE is no damage. */
void feed_report_damage(struct feed *feed, int status);

/* The viewers in the pass miss what comes before the next keyframe. */
void feed_lose_place(struct feed *feed, uint64_t last_sequence);

/* One fragment for all viewers in the pass. 1: there may be more; 0: not now; -EAGAIN: more after a jump. */
int feed_pump_one(struct feed *feed);

/* All new fragments, up to a turn. */
void feed_pump(struct feed *feed);

/* Puts a viewer with its own cursor on the newest keyframe. -EAGAIN: there is none; it then stands at the
 * head. */
int feed_start_at_keyframe(struct feed *feed, struct viewer *viewer);

/* Brings a viewer in VIEWER_BEHIND on as far as its socket takes it, up to a turn. */
void feed_catch_up(struct feed *feed, struct viewer *viewer);

#endif
