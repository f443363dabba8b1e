/* SPDX-License-Identifier: MIT */
/* Viewers of a feed with a cursor of their own: they are brought on until they meet the feed's, or go on with a newer keyframe. */
#include <errno.h>

#include "common/base/clock.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/feed_private.h"
#include "fanout/feed/guest.h"
#include "fanout/feed/pace.h"

/* How long one viewer that is behind may catch up before the others have their turn. */
#define CATCH_UP_TURN_NS (1 * NS_PER_MS)

/* A slow viewer's next keyframe comes when what it gets next is so old: a part of the limit that is never exceeded. */
#define JUMP_AGE(limit_ns) ((limit_ns) / 3)

/* However little the limit is, no group of pictures is cut off for a delay that a rate is not measured in. */
#define CUT_AGE_MIN_NS (1 * NS_PER_SECOND)

/* A viewer whose link is quicker than the camera by this factor catches up. */
#define GAINING 1.5

/* ---- Its place ---- */

const ringcast_reader *feed_reader_of(const struct feed *feed, const struct viewer *viewer)
{
    return viewer->in_old_ring ? feed->old_reader : feed->reader;
}

int feed_start_at_keyframe(struct feed *feed, struct viewer *viewer)
{
    int result = ringcast_seek_keyframe(feed->reader, &viewer->cursor);

    feed_pump(feed);
    return result;
}

/* True once VIEWER has met the feed's cursor. AT_HEAD: its ring has nothing more for it. */
static bool go_live(struct feed *feed, struct viewer *viewer, bool at_head)
{
    if (feed->in_pass == 0 && at_head) {
        feed->cursor = viewer->cursor;
        feed->generation = 0; /* the next pass looks which init segment each viewer has */
    } else if (feed->in_pass == 0 || viewer->in_old_ring ||
               viewer->cursor.position != feed->cursor.position) {
        return false;
    }
    bool complete = viewer->last_sequence && viewer->last_sequence == viewer->cursor.sequence;
    feed_move_viewer(feed, viewer, complete ? feed_keeping_up(viewer) : VIEWER_WAITING);
    return true;
}

/* VIEWER has read the old ring to its end, or cannot read it: it goes on in the present one. */
static void follow_feed(struct feed *feed, struct viewer *viewer)
{
    feed_leave_old_ring(feed, viewer);
    if (ringcast_continue(feed->reader, &viewer->cursor) < 0) {
        feed_start_at_keyframe(feed, viewer);
    }
}

/* ---- One fragment ---- */

static bool is_slow(const struct viewer *viewer)
{
    return viewer->pace && viewer->pace->active;
}

/* Bytes a second that its link must get through beside VIEWER's stream and with it; 0: not known. */
static double rate_through(const struct feed *feed, const struct viewer *viewer)
{
    return viewer->bundle ? bundle_rate(viewer->bundle) : feed->rate;
}

/* What the link gets through until BYTES of VIEWER's stream have got through. */
static uint64_t all_with(const struct feed *feed, const struct viewer *viewer, uint64_t bytes)
{
    double own = feed_rate_for(feed, viewer), all = rate_through(feed, viewer);

    return viewer->bundle && own > 0 && all > own ? (uint64_t)((double)bytes * (all / own)) : bytes;
}

/*
 * True if FRAGMENT would reach a slow viewer too late, and all that follows it, too: then nothing comes until the next
 * keyframe, which finds the way free.
 */
static bool is_hopeless(const struct feed *feed, const struct viewer *viewer,
                        const struct fragment_buffer *fragment)
{
    const int64_t least_ns = CUT_AGE_MIN_NS, age_max_ns = feed->set->limits.age_ns, now_ns = clock_now_ns();
    const int64_t limit_ns = age_max_ns > least_ns ? age_max_ns : least_ns;
    const uint64_t head = feed->in_pass ? feed->cursor.position : 0;

    if (!is_slow(viewer) || !pace_is_known(viewer->pace, now_ns) ||
        (feed->rate > 0 && viewer->pace->rate > rate_through(feed, viewer) * GAINING)) {
        return false;
    }
    uint64_t ahead =
        head > viewer->cursor.position && !viewer->in_old_ring ? head - viewer->cursor.position : 0;
    int64_t age_ns = now_ns - fragment->entry.published_ns + pace_duration_ns(viewer->pace, 0, now_ns);
    bool catches_up =
        feed->in_pass && pace_duration_ns(viewer->pace, all_with(feed, viewer, ahead), now_ns) <= limit_ns;

    return age_ns > limit_ns && !catches_up;
}

/* FRAGMENT for a viewer with its own cursor. False: the connection is broken. */
static bool serve_behind(struct feed *feed, struct viewer *viewer, struct fragment_buffer *fragment)
{
    const ringcast_entry *entry = &fragment->entry;
    bool follows = viewer->last_sequence && entry->sequence == viewer->last_sequence + 1;

    if (!(entry->flags & RINGCAST_KEYFRAME)) {
        if (viewer->keyframes) {
            viewer->last_sequence = follows ? entry->sequence : viewer->last_sequence;
            return true;
        }
        if (!follows || is_hopeless(feed, viewer, fragment)) {
            return true;
        }
    }
    if (viewer->guest && !guest_may_begin(viewer->guest, entry)) {
        return true;
    }
    int result = init_cache_load(&feed->init, feed_reader_of(feed, viewer), entry->generation);
    if (result < 0) { /* then the viewer misses everything up to the next keyframe */
        feed_report_damage(feed, result);
        return true;
    }
    if (feed->rate <= 0 && !viewer->in_old_ring) {
        feed_learn_rate(feed, viewer->cursor.position, entry->published_ns);
        if (viewer->pace && viewer->pace->burst) {
            viewer->pace->burst = feed_burst_of(feed, viewer);
        }
    }
    return feed_send_fragment(feed, viewer, fragment);
}

/* True if VIEWER's next fragment is too old, or too much lies between it and what is new. */
static bool is_beyond_limits(const struct feed *feed, const struct viewer *viewer,
                             const ringcast_cursor *keyframe)
{
    const struct feed_limits *limits = &feed->set->limits;
    uint64_t head = feed->in_pass ? feed->cursor.position : keyframe->position;
    ringcast_entry entry;

    if (!viewer->in_old_ring && head - viewer->cursor.position > limits->bytes) {
        return true;
    }
    if (ringcast_peek(feed_reader_of(feed, viewer), &viewer->cursor, &entry) != 1) {
        return false; /* reading says what is wrong with it, if anything is */
    }
    const int64_t now_ns = clock_now_ns(), age_ns = now_ns - entry.published_ns;
    if (is_slow(viewer)) {
        return age_ns + pace_duration_ns(viewer->pace, 0, now_ns) > JUMP_AGE(limits->age_ns);
    }
    return age_ns > limits->age_ns;
}

/*
 * A viewer that is too slow goes on with the newest keyframe, if that is ahead of it; it then gets a message
 * about the gap.
 */
static void keep_within_limits(struct feed *feed, struct viewer *viewer)
{
    ringcast_cursor keyframe;

    if (viewer->last_sequence == 0 || ringcast_seek_keyframe(feed->reader, &keyframe) < 0) {
        return;
    }
    bool ahead = viewer->in_old_ring || keyframe.position > viewer->cursor.position;
    if (ahead && is_beyond_limits(feed, viewer, &keyframe)) {
        feed_leave_old_ring(feed, viewer);
        feed_start_at_keyframe(feed, viewer);
    }
}

/* One step of catching up. True: go on. */
static bool catch_up_one(struct feed *feed, struct viewer *viewer, int *seeks)
{
    if (viewer_is_full(viewer) || go_live(feed, viewer, false)) {
        return false; /* libwebsockets calls back when a tail has gone, feed_look when there is room */
    }
    if (is_slow(viewer)) {
        keep_within_limits(feed, viewer);
    }
    struct fragment_buffer *fragment;
    int result =
        fragment_cache_read(&feed->set->cache, feed_reader_of(feed, viewer), &viewer->cursor, &fragment);
    if (viewer->in_old_ring && result != 1 && result != -ENOMEM && result != -EILSEQ) {
        follow_feed(feed, viewer);
        return true;
    }
    switch (result) {
    case 1:
        if (!serve_behind(feed, viewer, fragment)) {
            feed_drop_broken(feed, viewer);
            return false;
        }
        return true;
    case 0:
    case -EPIPE:
    case -ENOMEM:
        if (!go_live(feed, viewer, true)) {
            feed_pump(feed); /* the viewer is ahead of the feed's cursor: bring that on until they meet */
            viewer_want_writable(viewer);
        }
        return false;
    case -EILSEQ:
        feed_report_damage(feed, result);
        return true;
    default:
        feed_report_damage(feed, result);
        feed_start_at_keyframe(feed, viewer);
        return ++*seeks <= SEEKS_MAX;
    }
}

/* ---- A turn ---- */

/* A member of a bundle waits for its turn, unless it has come to the end. */
static void queue_up(struct viewer *viewer)
{
    if (viewer->bundle && viewer->state == VIEWER_BEHIND) {
        bundle_wait(viewer);
    }
}

/* A ping right behind a first burst: the answer says how soon that has been read. */
static void ask_early(struct feed *feed, struct viewer *viewer)
{
    struct pace *pace = viewer->pace;
    bool early = (viewer->state == VIEWER_BEHIND || viewer->state == VIEWER_PACED) && pace && !pace->active &&
                 !viewer->bundle;
    uint32_t number = early && !viewer_is_blocked(viewer) ? pace_ask(pace, clock_now_ns()) : 0;

    if (number && !viewer_ask(viewer, number)) {
        feed_drop_broken(feed, viewer);
    }
}

void feed_bring_on(struct feed *feed, struct viewer *viewer)
{
    int64_t end_ns = 0;
    int seeks = 0;

    if (!viewer_is_blocked(viewer)) {
        keep_within_limits(feed, viewer);
    }
    for (int i = 0; i < TURN_MAX; i++) {
        if (!catch_up_one(feed, viewer, &seeks)) {
            ask_early(feed, viewer);
            queue_up(viewer);
            return;
        }
        if (feed_is_turn_over(feed->set, &end_ns, CATCH_UP_TURN_NS)) {
            break;
        }
    }
    viewer_want_writable(viewer);
    queue_up(viewer);
}

bool feed_step(struct viewer *viewer)
{
    struct feed *feed = viewer->feed;
    const ringcast_cursor before = viewer->cursor;
    int seeks = 0;

    if (!feed || viewer->state != VIEWER_BEHIND || !feed->reader) {
        return false;
    }
    if (viewer->last_sequence == 0) {
        feed_start_at_keyframe(feed, viewer);
    } else {
        keep_within_limits(feed, viewer);
    }
    catch_up_one(feed, viewer, &seeks);
    return viewer->state != VIEWER_BEHIND || viewer->cursor.position != before.position;
}

void feed_catch_up(struct feed *feed, struct viewer *viewer)
{
    if (!feed->reader) {
        return;
    }
    if (viewer->last_sequence == 0) {
        feed_start_at_keyframe(feed, viewer);
    }
    feed_bring_on(feed, viewer);
}
