/* SPDX-License-Identifier: MIT */
/* What the files of a feed need of each other, and nobody else. ringcast-fanout's only thread. */
#ifndef FANOUT_FEED_FEED_PRIVATE_H
#define FANOUT_FEED_FEED_PRIVATE_H

#include "fanout/feed/feed.h"

/* Fragments that one turn brings to viewers at most. */
#define TURN_MAX 64

/* Jumps to a keyframe in one turn. More means that the ring contradicts itself: wait for the next publish. */
#define SEEKS_MAX 4

/* ---- feed.c: viewers in and out, the pass, the ring ---- */

/* VIEWER, which watches, enters STATE. */
void feed_move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state);

/* Takes out a viewer whose connection is broken, and has libwebsockets close that; or a guest that ends in order. */
void feed_drop_broken(struct feed *feed, struct viewer *viewer);

/* Tells the log of ERROR in the ring, once per ring. -ESTALE, a place that was overwritten, is not damage. */
void feed_report_damage(struct feed *feed, int error);

/* All new fragments for the viewers in the pass, up to a turn. */
void feed_pump(struct feed *feed);

/* Sends FRAGMENT as viewer_send_fragment does, and counts the gap if there was one. */
bool feed_send_fragment(struct feed *feed, struct viewer *viewer, struct fragment_buffer *fragment);

/* The state of a viewer that is at the feed's cursor and misses nothing. */
enum viewer_state feed_keeping_up(const struct viewer *viewer);

/*
 * Between two fragments of a turn that may take TURN_NS from its first fragment on. *end_ns is 0 before that.
 * Gives a sign of life if it is time to.
 */
bool feed_is_turn_over(struct feed_set *set, int64_t *end_ns, int64_t turn_ns);

/* VIEWER begins to read the old ring, or does not any more; who is not in it may leave it, too. */
void feed_enter_old_ring(struct feed *feed, struct viewer *viewer);
void feed_leave_old_ring(struct feed *feed, struct viewer *viewer);

/* The old ring is kept for nobody but those that read it. */
void feed_release_old_ring(struct feed *feed);

/* ---- catch_up.c: viewers with a cursor of their own ---- */

/* The ring that VIEWER's own cursor is in. */
const ringcast_reader *feed_reader_of(const struct feed *feed, const struct viewer *viewer);

/* Puts VIEWER's own cursor on the newest keyframe. -EAGAIN: there is none; the cursor is at the head. */
int feed_start_at_keyframe(struct feed *feed, struct viewer *viewer);

/* Brings VIEWER, which is VIEWER_BEHIND in a feed that has a ring, on as far as its socket takes it, up to a turn. */
void feed_bring_on(struct feed *feed, struct viewer *viewer);

/* The same of any feed, from the newest keyframe on if VIEWER has no place. */
void feed_catch_up(struct feed *feed, struct viewer *viewer);

/* ---- links.c: who keeps up ---- */

/* What the camera has sent from its newest keyframe up to POSITION, which was published at PUBLISHED_NS, if that says enough. */
void feed_learn_rate(struct feed *feed, uint64_t position, int64_t published_ns);

/* Bytes that may be under way to a VIEWER of which nothing is known. */
uint32_t feed_burst_of(const struct feed *feed, const struct viewer *viewer);

/*
 * Before anything is sent to VIEWER, while its receive buffer is empty. Of a stream of a low rate even a receive buffer takes
 * many seconds, and an old keyframe with all that follows it would fill it.
 */
void feed_greet(struct feed *feed, struct viewer *viewer);

/* The ping that tells how long the way to VIEWER is. */
void feed_ask_for_the_way(struct feed *feed, struct viewer *viewer);

/* Bytes a second that VIEWER is sent while it keeps up; 0: not known yet. */
double feed_rate_for(const struct feed *feed, const struct viewer *viewer);

/* VIEWER is no longer taken for slow. */
void feed_end_pace(struct viewer *viewer);

#endif
