#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "common/log/log.h"
#include "fanout/feed/feed_private.h"

static bool is_in_pass(enum viewer_state state)
{
    return state == VIEWER_LIVE || state == VIEWER_WAITING;
}

void feed_move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state)
{
    feed->in_pass -= is_in_pass(viewer->state);
    feed->in_pass += is_in_pass(state);
    viewer_enter_state(viewer, state);
    feed->seats.list[viewer->seat].state = state;
}

void feed_report_damage(struct feed *feed, int status)
{
    if (status != -ESTALE && !feed->damage_reported) {
        feed->damage_reported = true;
        log_camera(LOG_LEVEL_WARNING, feed->name, "camera %s: its ring is damaged: %s", feed->name,
                   status == -EILSEQ ? "not a fragment" : strerror(-status));
    }
}

void feed_lose_place(struct feed *feed, uint64_t last_sequence)
{
    for (unsigned i = 0; i < feed->seats.count; i++) {
        struct seat *seat = &feed->seats.list[i];
        if (seat->state == VIEWER_LIVE) {
            seat->viewer->last_sequence = last_sequence;
            feed_move_viewer(feed, seat->viewer, VIEWER_WAITING);
        }
    }
}

static void fall_behind(struct feed *feed, struct viewer *viewer, const ringcast_cursor *before)
{
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = before->sequence;
    }
    viewer->cursor = *before;
    feed_move_viewer(feed, viewer, VIEWER_BEHIND);
    viewer_want_writable(viewer);
}

/* Brings the fragment in hand to one viewer that does not merely go on: it may need more, or be blocked. */
static bool serve(struct feed *feed, struct viewer *viewer, const ringcast_cursor *before)
{
    if (viewer_is_blocked(viewer)) {
        fall_behind(feed, viewer, before);
        return true;
    }
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = before->sequence;
    }
    feed_move_viewer(feed, viewer, VIEWER_LIVE);
    return viewer_send_fragment(viewer, &feed->init, &feed->set->fragment);
}

/*
 * The fragment in hand has just been written. One look at the clock per fragment, however many the viewers.
 */
static void note_latency(struct feed *feed)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    latency_add(&feed->latency, feed->set->fragment.entry.published_ns,
                now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
    if (!feed->latency_due) {
        feed->latency_due = true;
        feed->set->measured(feed->set->context);
    }
}

/* Brings the fragment in hand, which was at BEFORE, to every viewer that is due. SAME_INIT: live viewers have
 * the init segment that it needs. */
static void serve_all(struct feed *feed, const ringcast_cursor *before, bool same_init)
{
    struct fragment *fragment = &feed->set->fragment;
    bool keyframe = fragment->entry.flags & RINGCAST_KEYFRAME, served = false;
    for (unsigned i = feed->seats.count; i-- > 0;) { /* serving one viewer takes out no other */
        struct seat seat = feed->seats.list[i];
        seats_prefetch_next(&feed->seats, i);
        bool sent = true;
        if (seat.state == VIEWER_LIVE && same_init && !lws_partial_buffered(seat.wsi)) {
            sent = packet_send(&fragment->packet, seat.wsi, LWS_WRITE_BINARY);
            served = true;
        } else if (seat.state == VIEWER_LIVE || (seat.state == VIEWER_WAITING && keyframe)) {
            sent = serve(feed, seat.viewer, before);
            served |= seat.viewer->state == VIEWER_LIVE;
        }
        if (!sent) {
            feed_drop_broken(feed, seat.viewer);
        }
    }
    if (served) {
        note_latency(feed);
    }
}

static void pass_fragment(struct feed *feed, const ringcast_cursor *before)
{
    const ringcast_entry *entry = &feed->set->fragment.entry;
    bool same_generation = entry->generation == feed->generation;
    if ((entry->flags & RINGCAST_KEYFRAME) || !same_generation) {
        int status = init_cache_load(&feed->init, feed->reader, entry->generation);
        if (status < 0) {
            feed_report_damage(feed, status);
            feed_lose_place(feed, before->sequence);
            return;
        }
        feed->generation = entry->generation;
    }
    serve_all(feed, before, same_generation);
}

int feed_pump_one(struct feed *feed)
{
    ringcast_cursor before = feed->cursor;
    int status = fragment_read(&feed->set->fragment, feed->reader, &feed->cursor);
    switch (status) {
    case 1:
        pass_fragment(feed, &before);
        return 1;
    case 0:
    case -EPIPE:
    case -ENOMEM:
        return 0;
    default:
        feed_report_damage(feed, status);
        feed_lose_place(feed, before.sequence);
        if (status == -EILSEQ) {
            return 1;
        }
        ringcast_seek_keyframe(feed->reader, &feed->cursor);
        return -EAGAIN;
    }
}

void feed_pump(struct feed *feed)
{
    int seeks = 0;
    for (int i = 0; i < TURN_MAX; i++) {
        if (!feed->in_pass || !feed->reader) {
            return;
        }
        int status = feed_pump_one(feed);
        seeks += status < 0;
        if (status == 0 || seeks > SEEKS_MAX) {
            return;
        }
    }
    feed_change_watch(feed, EPOLL_CTL_MOD); /* the eventfd is never read, so this makes it news again */
}
