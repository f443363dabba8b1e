/* SPDX-License-Identifier: MIT */
#include "fanout/feed/past.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "fanout/feed/feed.h"
#include "fanout/feed/feed_private.h"
#include "fanout/feed/guest.h"

/* How long one viewer that looks back may be served before the others have their turn. */
#define TURN_NS (500 * NS_PER_US)
#define TURN_MAX 64

/* Jumps to the oldest keyframe in one turn: more means that the ring contradicts itself. */
#define JUMPS_MAX 2

/* ---- Where to begin ---- */

/* The keyframe for TIME_NS in READER. 0 or -EAGAIN. */
static int look_in(const ringcast_reader *reader, int64_t time_ns, ringcast_cursor *cursor,
                   ringcast_entry *entry)
{
    if (!reader || ringcast_seek_time(reader, cursor, time_ns) < 0 ||
        ringcast_peek(reader, cursor, entry) != 1) {
        return -EAGAIN;
    }
    return 0;
}

/* The same in the present ring or, for what is older than that, in the one before. *OLD says which it is. */
static int look_for(const struct feed *feed, int64_t time_ns, ringcast_cursor *cursor, ringcast_entry *entry,
                    bool *old)
{
    ringcast_cursor earlier;
    ringcast_entry first;

    *old = false;
    int result = look_in(feed->reader, time_ns, cursor, entry);
    if (feed->past.held_until_ns == 0 || (result == 0 && entry->published_ns <= time_ns) ||
        look_in(feed->old_reader, time_ns, &earlier, &first) < 0) {
        return result;
    }
    *old = true;
    *cursor = earlier;
    *entry = first;
    return 0;
}

bool past_find(const struct feed *feed, int64_t time_ns, struct past_found *found)
{
    ringcast_cursor cursor;
    ringcast_entry oldest;
    bool old;

    if (feed->past.reach_ns == 0 || look_for(feed, time_ns, &cursor, &found->first, &old) < 0 ||
        look_for(feed, INT64_MIN, &cursor, &oldest, &old) < 0) {
        return false;
    }
    found->oldest_ns = oldest.published_ns;
    return true;
}

static void go_to(struct feed *feed, struct viewer *viewer, int64_t time_ns)
{
    ringcast_entry entry;
    bool old;

    feed_leave_old_ring(feed, viewer);
    if (look_for(feed, time_ns, &viewer->cursor, &entry, &old) == 0 && old) {
        feed_enter_old_ring(feed, viewer);
    }
}

int past_begin(struct viewer *viewer, int64_t time_ns, int64_t until_ns)
{
    struct feed *feed = viewer->feed;
    struct past_found found;

    if (!past_find(feed, time_ns, &found)) {
        return -EAGAIN;
    }
    if (!viewer->past) {
        viewer->past = calloc(1, sizeof(*viewer->past));
        if (!viewer->past) {
            return -ENOMEM;
        }
        feed->past.viewers++;
        feed_move_viewer(feed, viewer, VIEWER_PAST);
    }
    if (!viewer->guest) { /* who gets something newer than he has asked for gets as much of it */
        int64_t least_ns = found.first.published_ns + (until_ns - time_ns);
        until_ns = until_ns > least_ns ? until_ns : least_ns;
    }
    *viewer->past =
        (struct past){.until_ns = until_ns, .answers_due = viewer->past->answers_due + 1, .found = found};
    viewer->last_sequence = 0; /* it knows of this gap */
    go_to(feed, viewer, time_ns);
    past_serve(viewer);
    return 0;
}

void past_end(struct viewer *viewer)
{
    viewer->past->is_over = true;
    past_serve(viewer);
}

/* ---- What it is told ---- */

static double seconds_since(int64_t time_ns)
{
    return (double)(clock_now_ns() - time_ns) / (double)NS_PER_SECOND;
}

static bool send_text(struct viewer *viewer, json_t *text)
{
    struct packet packet = {0};
    bool sent = packet_set_json(&packet, text) == 0 && viewer_send_packet(viewer, &packet, true);

    packet_finish(&packet);
    return sent;
}

bool past_refuse(struct viewer *viewer)
{
    return send_text(viewer, json_pack("{s:s, s:n, s:i}", "type", "look", "ago", "reach", 0));
}

static bool tell_looks(struct viewer *viewer)
{
    const struct past_found *found = &viewer->past->found;

    return send_text(viewer, json_pack("{s:s, s:f, s:f}", "type", "look", "ago",
                                       seconds_since(found->first.published_ns), "reach",
                                       seconds_since(found->oldest_ns)));
}

static bool tell_live(struct viewer *viewer)
{
    return viewer->guest || send_text(viewer, json_pack("{s:s}", "type", "live"));
}

/* ---- What is sent ---- */

/* It is live, at its own place or, without one, from the newest keyframe on. */
static void join_live(struct feed *feed, struct viewer *viewer)
{
    feed_leave_old_ring(feed, viewer);
    feed_move_viewer(feed, viewer, VIEWER_BEHIND);
    feed_catch_up(feed, viewer);
}

/* Gives VIEWER, which is not blocked, the answers that are due. False: the connection is broken. */
static bool give_answers(struct viewer *viewer)
{
    unsigned due = viewer->guest ? 0 : viewer->past->answers_due;

    viewer->past->answers_due = 0;
    for (; due > 0; due--) {
        if (!tell_looks(viewer)) {
            return false;
        }
    }
    return true;
}

/* What VIEWER, which is not blocked, is to know first. False: it does not look back any more, or is gone. */
static bool give_notice(struct feed *feed, struct viewer *viewer)
{
    bool is_over = viewer->past->is_over;

    if (!give_answers(viewer) || (is_over && !tell_live(viewer))) {
        feed_drop_broken(feed, viewer);
        return false;
    }
    if (is_over) {
        viewer->cursor = (ringcast_cursor){0};
        viewer->last_sequence = 0;
        join_live(feed, viewer);
    }
    return !is_over;
}

/* It has all that there is. */
static void become_live(struct feed *feed, struct viewer *viewer)
{
    struct guest *guest = viewer->guest;

    if (guest && guest->until_ns <= clock_now_ns()) {
        guest_end_clip(guest);
        feed_drop_broken(feed, viewer);
        return;
    }
    if (!tell_live(viewer)) {
        feed_drop_broken(feed, viewer);
        return;
    }
    join_live(feed, viewer);
}

/* The end of the old ring: the present one goes on, if it has not overwritten that already. */
static void enter_present_ring(struct feed *feed, struct viewer *viewer)
{
    feed_leave_old_ring(feed, viewer);
    if (!feed->reader || ringcast_continue(feed->reader, &viewer->cursor) < 0) {
        go_to(feed, viewer, INT64_MIN);
    }
}

/* What VIEWER gets next, as ringcast_peek says it. */
static int peek_next(const struct feed *feed, const struct viewer *viewer, ringcast_entry *next)
{
    const ringcast_reader *reader = feed_reader_of(feed, viewer);

    return reader ? ringcast_peek(reader, &viewer->cursor, next) : 0;
}

void past_extend(struct viewer *viewer, int64_t duration_ns)
{
    struct feed *feed = viewer->feed;
    ringcast_entry next;

    int result = peek_next(feed, viewer, &next);
    if (result < 0 && viewer->in_old_ring) {
        enter_present_ring(feed, viewer);
        result = peek_next(feed, viewer, &next);
    } else if (result < 0) { /* overtaken */
        go_to(feed, viewer, INT64_MIN);
        result = peek_next(feed, viewer, &next);
    }
    if (result == 1) { /* it has all that was published before */
        int64_t until_ns = next.published_ns + duration_ns;
        viewer->past->until_ns = until_ns > viewer->past->until_ns ? until_ns : viewer->past->until_ns;
    }
    past_serve(viewer);
}

/* FRAGMENT, which is next. False: VIEWER is gone. */
static bool send_next(struct feed *feed, struct viewer *viewer, struct fragment_buffer *fragment)
{
    const ringcast_entry *entry = &fragment->entry;
    const ringcast_reader *reader = feed_reader_of(feed, viewer);
    bool follows = viewer->last_sequence && entry->sequence == viewer->last_sequence + 1;
    uint64_t dropped = viewer->dropped;

    if (!(entry->flags & RINGCAST_KEYFRAME) && (!follows || viewer->keyframes)) {
        viewer->last_sequence = follows ? entry->sequence : viewer->last_sequence;
        return true;
    }
    /* An init segment that the ring no longer has: all up to the next keyframe cannot be shown. */
    if (init_cache_load(&feed->past.init, reader, entry->generation) < 0) {
        return true;
    }
    bool sent = viewer->keyframes ? keyframes_send(&feed->keyframes, viewer, &feed->past.init, fragment)
                                  : viewer_send_fragment(viewer, &feed->past.init, fragment);
    if (!sent) {
        feed_drop_broken(feed, viewer);
        return false;
    }
    if (viewer->dropped != dropped) {
        feed->drops++;
        feed_set_viewers_changed(feed->set);
    }
    return true;
}

enum step { STEP_DONE, STEP_MORE, STEP_JUMPED };

/* Up to one fragment. STEP_DONE: there is nothing to be done at present, or VIEWER does not look back any more. */
static enum step serve_one(struct feed *feed, struct viewer *viewer)
{
    const ringcast_reader *reader = feed_reader_of(feed, viewer);
    struct fragment_buffer *fragment = &feed->set->past_fragment;
    ringcast_entry next;

    if (viewer_is_blocked(viewer) || !give_notice(feed, viewer) || viewer_is_blocked(viewer)) {
        return STEP_DONE; /* libwebsockets calls back when a tail has gone */
    }
    int result = peek_next(feed, viewer, &next);
    if (result == 1 && next.published_ns > viewer->past->until_ns) {
        if (viewer->guest) {
            guest_end_clip(viewer->guest);
            feed_drop_broken(feed, viewer);
        }
        return STEP_DONE;
    }
    result = result == 1 ? fragment_buffer_read(fragment, reader, &viewer->cursor) : result;
    if (viewer->in_old_ring && result != 1 && result != -EILSEQ && result != -ENOMEM) {
        enter_present_ring(feed, viewer);
        return STEP_JUMPED;
    }
    switch (result) {
    case 1:
        return send_next(feed, viewer, fragment) ? STEP_MORE : STEP_DONE;
    case 0:
    case -EPIPE:
        become_live(feed, viewer);
        return STEP_DONE;
    case -ENOMEM:
        return STEP_DONE;
    case -EILSEQ:
        feed_report_damage(feed, result);
        return STEP_MORE;
    default:
        feed_report_damage(feed, result);
        go_to(feed, viewer, INT64_MIN);
        return STEP_JUMPED;
    }
}

void past_serve(struct viewer *viewer)
{
    struct feed *feed = viewer->feed;
    int64_t end_ns = clock_now_ns() + TURN_NS;
    int jumps = 0;

    for (int i = 0; i < TURN_MAX && jumps <= JUMPS_MAX; i++) {
        enum step step = serve_one(feed, viewer);
        if (step == STEP_DONE) {
            return;
        }
        jumps += step == STEP_JUMPED;
        int64_t now_ns = clock_now_ns();
        heartbeat_check(&feed->set->heartbeat, now_ns);
        if (now_ns > end_ns) {
            break;
        }
    }
    viewer_want_writable(viewer);
}

/* ---- For feed.c ---- */

void past_left(struct feed *feed, struct viewer *viewer)
{
    free(viewer->past);
    viewer->past = NULL;
    if (--feed->past.viewers == 0) {
        init_cache_clear(&feed->past.init);
    }
}

bool past_keeps(struct feed *feed)
{
    ringcast_cursor cursor;

    if (feed->past.reach_ns == 0 || !feed->reader || ringcast_seek_keyframe(feed->reader, &cursor) < 0) {
        return false;
    }
    const int64_t until_ns = clock_now_ns() + feed->past.reach_ns;
    feed->past.held_until_ns = until_ns;
    if (feed->set->past_due_ns == 0 || until_ns < feed->set->past_due_ns) {
        feed->set->past_due_ns = until_ns;
        watch_timer_arm(&feed->set->past_timer, (long)(feed->past.reach_ns / NS_PER_MS) + 1);
    }
    return true;
}

int64_t past_forget(struct feed *feed, int64_t now_ns)
{
    if (feed->past.held_until_ns != 0 && feed->past.held_until_ns <= now_ns) {
        feed_release_old_ring(feed);
    }
    return feed->past.held_until_ns;
}

void past_finish(struct feed *feed)
{
    init_cache_clear(&feed->past.init);
}
