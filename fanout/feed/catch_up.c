#include <errno.h>
#include <time.h>

#include "fanout/feed/feed_private.h"

int feed_start_at_keyframe(struct feed *feed, struct viewer *viewer)
{
    int status = ringcast_seek_keyframe(feed->reader, &viewer->cursor);
    feed_pump(feed); /* the feed's cursor may not be before a viewer's own: they meet at the feed's */
    return status;
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
    feed_move_viewer(feed, viewer, complete ? VIEWER_LIVE : VIEWER_WAITING);
    return true;
}

static const ringcast_reader *reader_of(const struct feed *feed, const struct viewer *viewer)
{
    return viewer->in_old_ring ? feed->old_reader : feed->reader;
}

/* The end of the old ring, or nothing in it that could be read: on to the ring of all. */
static void follow_feed(struct feed *feed, struct viewer *viewer)
{
    feed_leave_old_ring(feed, viewer);
    if (ringcast_continue(feed->reader, &viewer->cursor) < 0) {
        feed_start_at_keyframe(feed, viewer);
    }
}

/* The fragment in hand for a viewer with its own cursor. False: broken connection. */
static bool serve_laggard(struct feed *feed, struct viewer *viewer)
{
    struct fragment *fragment = &feed->set->fragment;
    const ringcast_entry *entry = &fragment->entry;
    bool follows = viewer->last_sequence && entry->sequence == viewer->last_sequence + 1;
    if (!follows && !(entry->flags & RINGCAST_KEYFRAME)) {
        return true;
    }
    int status = init_cache_load(&feed->init, reader_of(feed, viewer), entry->generation);
    if (status < 0) { /* then what follows is a gap for it until the next keyframe */
        feed_report_damage(feed, status);
        return true;
    }
    return viewer_send_fragment(viewer, &feed->init, fragment);
}

/* One step of catching up. True: go on. */
static bool catch_up_one(struct feed *feed, struct viewer *viewer, int *seeks)
{
    if (viewer_is_blocked(viewer) || go_live(feed, viewer, false)) {
        return false; /* libwebsockets calls back when a tail has gone */
    }
    int status = fragment_read(&feed->set->fragment, reader_of(feed, viewer), &viewer->cursor);
    if (viewer->in_old_ring && status != 1 && status != -ENOMEM && status != -EILSEQ) {
        follow_feed(feed, viewer);
        return true;
    }
    switch (status) {
    case 1:
        if (!serve_laggard(feed, viewer)) {
            feed_drop_broken(feed, viewer);
            return false;
        }
        return true;
    case 0:
    case -EPIPE:
    case -ENOMEM:
        if (!go_live(feed, viewer, true)) {
            feed_pump(feed); /* it is ahead of the feed's cursor: bring that on until they meet */
            viewer_want_writable(viewer);
        }
        return false;
    case -EILSEQ:
        feed_report_damage(feed, status);
        return true;
    default:
        feed_report_damage(feed, status);
        feed_start_at_keyframe(feed, viewer);
        return ++*seeks <= SEEKS_MAX;
    }
}

/* True if what VIEWER would get next is too old, or too much lies between it and what is new. */
static bool is_beyond_limits(const struct feed *feed, const struct viewer *viewer,
                             const ringcast_cursor *keyframe)
{
    const struct feed_limits *limits = &feed->set->limits;
    uint64_t head = feed->in_pass ? feed->cursor.position : keyframe->position;
    ringcast_entry entry;
    struct timespec now;
    if (!viewer->in_old_ring && head - viewer->cursor.position > limits->bytes) {
        return true;
    }
    if (ringcast_peek(reader_of(feed, viewer), &viewer->cursor, &entry) != 1) {
        return false; /* reading says what is wrong with it, if anything is */
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    return now_ns - limits->age_ns > entry.published_ns;
}

/*
 * A laggard that is too slow goes on with the newest keyframe, if that is ahead of it; the gap is told then.
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

void feed_catch_up(struct feed *feed, struct viewer *viewer)
{
    int seeks = 0;
    if (!viewer_is_blocked(viewer)) {
        keep_within_limits(feed, viewer);
    }
    for (int i = 0; i < TURN_MAX; i++) {
        if (!catch_up_one(feed, viewer, &seeks)) {
            return;
        }
    }
    viewer_want_writable(viewer);
}
