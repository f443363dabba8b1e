/* SPDX-License-Identifier: MIT */
/*
 * Design notes. What must hold is F1 to F9 in docs/design/fanout.md; in the code it rests on this:
 *
 * - The feed's cursor is never before a viewer's own, because they meet at the feed's. After a jump to a
 *   keyframe the feed is therefore pumped first.
 * - Serving one viewer takes no other one out of the array (F6). A broken viewer is unlinked at once, and
 *   libwebsockets closes its connection later, from its loop.
 * - Nothing is written to a viewer that has an unsent tail (F3): viewer_is_blocked comes before every send.
 */
#include "fanout/feed/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/feed_private.h"
#include "fanout/feed/guest.h"
#include "fanout/feed/pace.h"

/* How long one feed may bring its viewers fragments before the others have their turn. */
#define PUMP_TURN_NS (5 * NS_PER_MS)

/* Viewers that get a fragment between two looks at the heartbeat. */
#define VIEWERS_PER_CHECK 256u

/* How soon after a viewer fell behind the memory of unsent data is looked at. */
#define MEMORY_INTERVAL_MS 100

/* Fragments that are brought to the viewers in one go before they leave a ring. */
#define DRAIN_MAX 4096

/* Feeds with news taken from epoll at once; more are reported again. */
#define EVENTS_MAX 64

/* Least time between two reports of viewers, and between two of latencies. */
#define VIEWERS_INTERVAL_MS 1000
#define LATENCY_INTERVAL_MS 2000

/* ---- The set ---- */

int feed_set_init(struct feed_set *set)
{
    *set = (struct feed_set){
        .limits = {.bytes = FEED_LIMIT_BYTES, .age_ns = FEED_LIMIT_AGE_NS, .stuck_ns = FEED_LIMIT_STUCK_NS},
        .epoll = epoll_create1(EPOLL_CLOEXEC),
    };
    return set->epoll < 0 ? -errno : 0;
}

void feed_set_run(struct feed_set *set)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(set->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        feed_pump(events[i].data.ptr); /* pumping one feed finishes no other */
    }
}

void feed_set_viewers_changed(struct feed_set *set)
{
    set->changes++;
    if (!set->viewers_due) {
        /* Never at once: the caller is in the middle of the change, and many changes make one report. */
        uint64_t passed_ms = clock_now_ms() - set->viewers_reported_ms;
        set->viewers_due = true;
        watch_timer_arm(&set->viewers_timer,
                        passed_ms < VIEWERS_INTERVAL_MS ? VIEWERS_INTERVAL_MS - (long)passed_ms : 1);
    }
}

void feed_set_latency_changed(struct feed_set *set)
{
    if (!set->latency_due) {
        set->latency_due = true;
        watch_timer_arm(&set->latency_timer, LATENCY_INTERVAL_MS);
    }
}

void feed_set_finish(struct feed_set *set)
{
    packet_finish(&set->fragment.packet);
    packet_finish(&set->past_fragment.packet);
    fragment_cache_clear(&set->cache);
}

/* ---- Viewers in and out ---- */

/* Adds the ring's eventfd to the epoll instance, takes it out, or makes it news again (epoll_ctl). */
static void change_watch(struct feed *feed, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = feed};

    if (feed->wake >= 0 && epoll_ctl(feed->set->epoll, operation, feed->wake, &event) < 0) {
        log_camera(LOG_LEVEL_ERROR, feed->name, "camera %s: cannot watch its ring: %s", feed->name,
                   strerror(errno));
    }
}

static bool is_in_pass(enum viewer_state state)
{
    return state == VIEWER_LIVE || state == VIEWER_PACED || state == VIEWER_WAITING;
}

/* One viewer more that catches up, or less. */
static void count_behind(struct feed_set *set, int change)
{
    set->behind += (unsigned)change;
    set->fell_behind += change > 0;
    if (change > 0 && set->behind == 1) {
        watch_timer_arm(&set->memory_timer, MEMORY_INTERVAL_MS);
        watch_timer_arm(&set->look_timer, FEED_LOOK_MS);
    }
}

void feed_move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state)
{
    feed->in_pass -= is_in_pass(viewer->state);
    feed->in_pass += is_in_pass(state);
    int change = (state == VIEWER_BEHIND) - (viewer->state == VIEWER_BEHIND);
    if (change != 0) {
        count_behind(feed->set, change);
    }
    if (viewer->state == VIEWER_PAST && state != VIEWER_PAST) {
        past_left(feed, viewer);
    } else if (state == VIEWER_PAST) {
        feed_end_pace(viewer); /* it asks for what it has room for */
    }
    viewer_enter_state(viewer, state);
    feed->viewers.list[viewer->slot].state = state;
}

/* VIEWER, whose state is VIEWER_BEHIND, watches from now on. 0 or -ENOMEM. */
static int link_viewer(struct feed *feed, struct viewer *viewer)
{
    int result = viewer_array_add(&feed->viewers, viewer);

    if (result < 0) {
        return result;
    }
    viewer->feed = feed;
    count_behind(feed->set, 1);
    if (feed->viewers.count == 1) {
        change_watch(feed, EPOLL_CTL_ADD);
    }
    feed_set_viewers_changed(feed->set);
    return 0;
}

/* One less needs the old ring; the last one has it closed. */
static void let_old_ring_go(struct feed *feed)
{
    if (--feed->in_old_ring == 0) {
        fragment_cache_clear(&feed->set->cache);
        ringcast_close(feed->old_reader);
        feed->old_reader = NULL;
        feed->init.generation = 0;
        feed->past.init.generation = 0;
    }
}

void feed_enter_old_ring(struct feed *feed, struct viewer *viewer)
{
    viewer->in_old_ring = true;
    feed->in_old_ring++;
}

void feed_leave_old_ring(struct feed *feed, struct viewer *viewer)
{
    if (viewer->in_old_ring) {
        viewer->in_old_ring = false;
        let_old_ring_go(feed);
    }
}

void feed_release_old_ring(struct feed *feed)
{
    if (feed->past.held_until_ns != 0) {
        feed->past.held_until_ns = 0;
        let_old_ring_go(feed);
    }
}

/* VIEWER watches no more and is VIEWER_NONE. */
static void unlink_watching(struct feed *feed, struct viewer *viewer)
{
    feed_leave_old_ring(feed, viewer);
    feed_end_pace(viewer);
    feed_move_viewer(feed, viewer, VIEWER_NONE);
    viewer_array_remove(&feed->viewers, viewer);
    if (feed->viewers.count == 0) {
        change_watch(feed, EPOLL_CTL_DEL);
        init_cache_clear(&feed->init);
        feed->generation = 0;
    }
    feed_set_viewers_changed(feed->set);
}

/* Takes VIEWER out and makes it VIEWER_NONE. */
static void unlink_viewer(struct feed *feed, struct viewer *viewer)
{
    if (viewer->state == VIEWER_PAUSED) {
        viewer_array_remove(&feed->paused, viewer);
        viewer_enter_state(viewer, VIEWER_NONE);
    } else {
        unlink_watching(feed, viewer);
    }
    viewer->feed = NULL;
}

void feed_drop_broken(struct feed *feed, struct viewer *viewer)
{
    unlink_viewer(feed, viewer);
    if (!guest_has_ended(viewer)) {
        viewer_cut(viewer);
    }
}

/* There was no memory to take VIEWER in: its connection is cut. */
static void give_up(struct viewer *viewer)
{
    viewer->feed = NULL;
    viewer_enter_state(viewer, VIEWER_NONE);
    if (viewer->bundle) {
        viewer_close(viewer, VIEWER_TRY_AGAIN_LATER, "no memory");
    } else {
        viewer_cut(viewer);
    }
}

static void send_state(struct feed *feed, struct viewer *viewer)
{
    if (viewer->guest) {
        return;
    }
    viewer->state_due = viewer_is_blocked(viewer);
    if (viewer->state_due && viewer->bundle) {
        viewer_want_writable(viewer); /* it may have no fragments to wait for */
    } else if (!viewer->state_due && !viewer_send_packet(viewer, &feed->state_packet, true)) {
        feed_drop_broken(feed, viewer);
    }
}

void feed_set_state(struct feed *feed, json_t *state)
{
    if (packet_set_json(&feed->state_packet, state) < 0) {
        log_camera(LOG_LEVEL_ERROR, feed->name, "camera %s: out of memory for its state", feed->name);
        return;
    }
    for (unsigned i = feed->viewers.count; i-- > 0;) {
        send_state(feed, feed->viewers.list[i].viewer);
    }
    for (unsigned i = feed->paused.count; i-- > 0;) {
        send_state(feed, feed->paused.list[i].viewer);
    }
}

void feed_join(struct feed *feed, struct viewer *viewer, const struct permit *permit)
{
    if (!permit || link_viewer(feed, viewer) < 0) {
        give_up(viewer);
        return;
    }
    feed_greet(feed, viewer);
    send_state(feed, viewer);
    if (viewer->state == VIEWER_BEHIND) {
        feed_ask_for_the_way(feed, viewer);
    }
    if (viewer->state != VIEWER_BEHIND || !feed->reader) {
        return;
    }
    if (viewer->guest && viewer->guest->until_ns &&
        past_begin(viewer, viewer->guest->from_ns, viewer->guest->until_ns) == 0) {
        return;
    }
    if (feed_start_at_keyframe(feed, viewer) < 0 && !viewer->guest &&
        init_cache_load(&feed->init, feed->reader, 0) == 0 && !viewer_send_init(viewer, &feed->init)) {
        feed_drop_broken(feed, viewer);
        return;
    }
    feed_bring_on(feed, viewer);
}

void feed_abort(struct viewer *viewer)
{
    unlink_viewer(viewer->feed, viewer);
    viewer_abort(viewer);
}

void feed_leave(struct viewer *viewer)
{
    if (viewer->feed) {
        unlink_viewer(viewer->feed, viewer);
    }
}

/* Remembers where a viewer stands, so that it goes on there if no keyframe has come in the meantime. */
static void remember_place(const struct feed *feed, struct viewer *viewer)
{
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = feed->cursor.sequence;
    }
    if (viewer->state != VIEWER_BEHIND) {
        viewer->cursor = feed->cursor;
    } else if (viewer->in_old_ring) {
        viewer->cursor = (ringcast_cursor){0};
    }
}

void feed_pause(struct viewer *viewer)
{
    struct feed *feed = viewer->feed;

    if (!feed || viewer->state == VIEWER_PAUSED) {
        return;
    }
    bool looked_back = viewer->state == VIEWER_PAST;
    remember_place(feed, viewer);
    unlink_watching(feed, viewer);
    if (looked_back) { /* it is live when it resumes */
        viewer->cursor = (ringcast_cursor){0};
    }
    viewer_enter_state(viewer, VIEWER_PAUSED);
    if (viewer_array_add(&feed->paused, viewer) < 0) {
        give_up(viewer);
    }
}

/* Moves VIEWER to the newest keyframe without telling it of a gap, unless it is past that keyframe. */
static void skip_pause(struct feed *feed, struct viewer *viewer)
{
    ringcast_cursor keyframe;
    bool found = ringcast_seek_keyframe(feed->reader, &keyframe) == 0;

    if (viewer->cursor.position == 0 || !found || keyframe.position >= viewer->cursor.position) {
        viewer->cursor = keyframe;
        viewer->last_sequence = 0;
    }
}

void feed_resume(struct viewer *viewer)
{
    struct feed *feed = viewer->feed;

    if (!feed || viewer->state != VIEWER_PAUSED) {
        return;
    }
    viewer_array_remove(&feed->paused, viewer);
    viewer_enter_state(viewer, VIEWER_BEHIND);
    if (link_viewer(feed, viewer) < 0) {
        give_up(viewer);
        return;
    }
    if (feed->reader) {
        skip_pause(feed, viewer);
        feed_pump(feed);
        feed_bring_on(feed, viewer);
    }
}

static void close_viewers(struct feed *feed, const struct viewer_array *viewers, uint16_t code,
                          const char *reason)
{
    while (viewers->count) {
        struct viewer *viewer = viewers->list[viewers->count - 1].viewer;
        unlink_viewer(feed, viewer);
        viewer_close(viewer, code, reason);
    }
}

void feed_close_viewers(struct feed *feed, uint16_t code, const char *reason)
{
    close_viewers(feed, &feed->viewers, code, reason);
    close_viewers(feed, &feed->paused, code, reason);
}

bool feed_is_turn_over(struct feed_set *set, int64_t *end_ns, int64_t turn_ns)
{
    int64_t now = clock_now_ns();

    heartbeat_check(&set->heartbeat, now);
    if (*end_ns == 0) {
        *end_ns = now + turn_ns;
    }
    return now > *end_ns;
}

/* ---- The pass: a new fragment for all viewers that keep up ---- */

void feed_report_damage(struct feed *feed, int error)
{
    if (error != -ESTALE && !feed->damage_reported) {
        feed->damage_reported = true;
        log_camera(LOG_LEVEL_WARNING, feed->name, "camera %s: its ring is damaged: %s", feed->name,
                   error == -EILSEQ ? "not a fragment" : strerror(-error));
    }
}

/* The viewers in the pass miss what comes before the next keyframe. */
static void lose_place(struct feed *feed, uint64_t last_sequence)
{
    for (unsigned i = 0; i < feed->viewers.count; i++) {
        struct viewer_slot *slot = &feed->viewers.list[i];
        if (slot->state == VIEWER_LIVE || slot->state == VIEWER_PACED) {
            slot->viewer->last_sequence = last_sequence;
            feed_move_viewer(feed, slot->viewer, VIEWER_WAITING);
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
    if (viewer->bundle) {
        bundle_wait(viewer);
    } else if (viewer_is_blocked(viewer)) {
        viewer_want_writable(viewer); /* otherwise it is brought on when it has room: feed_look */
    }
}

enum viewer_state feed_keeping_up(const struct viewer *viewer)
{
    return viewer->pace ? VIEWER_PACED : VIEWER_LIVE;
}

bool feed_send_fragment(struct feed *feed, struct viewer *viewer, struct fragment_buffer *fragment)
{
    uint64_t dropped = viewer->dropped;
    bool sent = viewer->keyframes ? keyframes_send(&feed->keyframes, viewer, &feed->init, fragment)
                                  : viewer_send_fragment(viewer, &feed->init, fragment);

    if (viewer->dropped != dropped) {
        feed->drops++;
        feed_set_viewers_changed(feed->set);
    }
    return sent;
}

/* Sends the present fragment to one viewer that may be full, or may need more than the fragment. */
static bool serve(struct feed *feed, struct viewer *viewer, const ringcast_cursor *before)
{
    if (viewer_is_full(viewer)) {
        fall_behind(feed, viewer, before);
        return true;
    }
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = before->sequence;
    }
    feed_move_viewer(feed, viewer, feed_keeping_up(viewer));
    return feed_send_fragment(feed, viewer, &feed->set->fragment);
}

/* A viewer of keyframes in the pass is past the present fragment without having got it. */
static void pass_by(const struct feed *feed, struct viewer *viewer)
{
    if (viewer->state == VIEWER_PACED) {
        viewer->last_sequence = feed->set->fragment.entry.sequence;
    }
}

/* The fragment in hand has just been written: one look at the clock per fragment, however many viewers. */
static void note_latency(struct feed *feed)
{
    latency_add(&feed->latency, feed->set->fragment.entry.published_ns, clock_now_ns());
    feed->latency_due = true;
    feed_set_latency_changed(feed->set);
}

/*
 * Brings the fragment in hand, which was at BEFORE, to every viewer that is due. SAME_INIT: live viewers have
 * the init segment that it needs.
 */
static void serve_all(struct feed *feed, const ringcast_cursor *before, bool same_init)
{
    struct fragment_buffer *fragment = &feed->set->fragment;
    bool keyframe = fragment->entry.flags & RINGCAST_KEYFRAME, served = false;

    for (unsigned i = feed->viewers.count; i-- > 0;) {
        struct viewer_slot slot = feed->viewers.list[i];
        if (i % VIEWERS_PER_CHECK == VIEWERS_PER_CHECK - 1) {
            heartbeat_check(&feed->set->heartbeat, clock_now_ns());
        }
        viewer_array_prefetch_next(&feed->viewers, i);
        bool sent = true;
        if (slot.keyframes && !keyframe) {
            pass_by(feed, slot.viewer);
        } else if (slot.state == VIEWER_LIVE && same_init && !slot.special &&
                   !lws_partial_buffered(slot.wsi)) {
            sent = packet_send(&fragment->packet, slot.wsi, LWS_WRITE_BINARY);
            served = true;
        } else if (slot.state == VIEWER_LIVE || slot.state == VIEWER_PACED ||
                   (slot.state == VIEWER_WAITING && keyframe)) {
            sent = serve(feed, slot.viewer, before);
            served |= slot.viewer->state == VIEWER_LIVE || slot.viewer->state == VIEWER_PACED;
        }
        if (!sent) {
            feed_drop_broken(feed, slot.viewer);
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

    keyframes_note(&feed->keyframes, entry);
    if ((entry->flags & RINGCAST_KEYFRAME) || !same_generation) {
        int result = init_cache_load(&feed->init, feed->reader, entry->generation);
        if (result < 0) {
            feed_report_damage(feed, result);
            lose_place(feed, before->sequence);
            return;
        }
        feed->generation = entry->generation;
    }
    serve_all(feed, before, same_generation);
}

/* One fragment for all viewers in the pass. 1: there may be more; 0: not now; -EAGAIN: more after a jump. */
static int pump_one(struct feed *feed)
{
    ringcast_cursor before = feed->cursor;
    int result = fragment_buffer_read(&feed->set->fragment, feed->reader, &feed->cursor);

    switch (result) {
    case 1:
        pass_fragment(feed, &before);
        return 1;
    case 0:
    case -EPIPE:
    case -ENOMEM:
        return 0;
    default:
        feed_report_damage(feed, result);
        lose_place(feed, before.sequence);
        if (result == -EILSEQ) {
            return 1;
        }
        ringcast_seek_keyframe(feed->reader, &feed->cursor);
        return -EAGAIN;
    }
}

void feed_pump(struct feed *feed)
{
    int64_t end_ns = 0;
    int seeks = 0;

    for (int i = 0; i < TURN_MAX; i++) {
        if (!feed->in_pass || !feed->reader) {
            return;
        }
        int result = pump_one(feed);
        seeks += result < 0;
        if (result == 0 || seeks > SEEKS_MAX) {
            return;
        }
        if (feed_is_turn_over(feed->set, &end_ns, PUMP_TURN_NS)) {
            break;
        }
    }
    change_watch(feed, EPOLL_CTL_MOD); /* the eventfd is never read, so this makes it news again */
}

void feed_writable(struct viewer *viewer)
{
    struct feed *feed = viewer->feed;

    if (viewer->state_due) {
        send_state(feed, viewer);
    }
    if (viewer->bundle) {
        return; /* bundle_serve says whose turn it is */
    }
    if (viewer->state == VIEWER_PAST) {
        past_serve(viewer);
    } else if (viewer->state == VIEWER_BEHIND && feed->reader) {
        feed_catch_up(feed, viewer);
    }
}

/* ---- Keepalive ---- */

/* True if VIEWER is to be closed: its socket had something waiting all the time and took nothing. */
static bool is_stuck(const struct feed *feed, struct viewer *viewer, int64_t now)
{
    viewer_note_progress(viewer, now);
    return viewer->stuck_since_ns != 0 && now - viewer->stuck_since_ns >= feed->set->limits.stuck_ns;
}

static void close_stuck(struct feed *feed, struct viewer *viewer)
{
    log_camera(LOG_LEVEL_INFO, feed->name, "camera %s: a viewer took nothing for %.1f s and is closed",
               feed->name, (double)feed->set->limits.stuck_ns / 1e9);
    unlink_viewer(feed, viewer);
    viewer_close(viewer, LWS_CLOSE_STATUS_POLICY_VIOLATION, "took nothing for too long");
}

static void keep_alive(struct feed *feed, const struct viewer_array *viewers, unsigned phase, unsigned phases)
{
    int64_t now = clock_now_ns();

    for (unsigned i = viewers->count; i-- > 0;) {
        struct viewer *viewer = viewers->list[i].viewer;
        if (viewer->bundle) {
            continue;
        }
        if (is_stuck(feed, viewer, now)) {
            close_stuck(feed, viewer);
        } else if (!viewer_accept_traffic(viewer, now)) {
            unlink_viewer(feed, viewer);
            viewer_close(viewer, LWS_CLOSE_STATUS_POLICY_VIOLATION, VIEWER_SENT_TOO_MUCH);
        } else if (i % phases == phase && !viewer_is_blocked(viewer) && !viewer_ping(viewer)) {
            feed_drop_broken(feed, viewer);
        }
    }
}

void feed_keep_alive(struct feed *feed, unsigned phase, unsigned phases)
{
    keep_alive(feed, &feed->viewers, phase, phases);
    keep_alive(feed, &feed->paused, phase, phases);
}

/* ---- The ring ---- */

void feed_init(struct feed *feed, struct feed_set *set, const char *name)
{
    *feed = (struct feed){.set = set, .name = name, .wake = -1};
}

static void release_wake(struct feed *feed)
{
    if (feed->viewers.count) {
        change_watch(feed, EPOLL_CTL_DEL);
    }
    if (feed->wake >= 0) {
        close(feed->wake);
    }
    feed->wake = -1;
}

/* All that is in the ring, to the viewers in the pass. */
static void drain(struct feed *feed)
{
    int seeks = 0;

    for (int i = 0; i < DRAIN_MAX && feed->reader && feed->in_pass && seeks <= SEEKS_MAX; i++) {
        heartbeat_check(&feed->set->heartbeat, clock_now_ns());
        int result = pump_one(feed);
        seeks += result < 0;
        if (result == 0) {
            return;
        }
    }
}

/* Viewers that still read the ring before the old one have had their time: on to the next keyframe. */
static void give_old_ring_up(struct feed *feed)
{
    feed_release_old_ring(feed);
    for (unsigned i = 0; i < feed->viewers.count; i++) {
        struct viewer *viewer = feed->viewers.list[i].viewer;
        if (viewer->in_old_ring) {
            viewer->cursor = (ringcast_cursor){0};
            feed_leave_old_ring(feed, viewer);
        }
    }
}

/* The ring that is left becomes the old one, if a viewer has something to read in it. */
static void keep_old_ring(struct feed *feed, ringcast_reader *old)
{
    for (unsigned i = 0; i < feed->viewers.count; i++) {
        struct viewer *viewer = feed->viewers.list[i].viewer;
        if (viewer->state == VIEWER_BEHIND || viewer->state == VIEWER_PAST) {
            viewer->in_old_ring = old && viewer->last_sequence && viewer->cursor.position;
            feed->in_old_ring += viewer->in_old_ring;
            viewer_want_writable(viewer);
        }
        if (!viewer->in_old_ring) {
            viewer->cursor = (ringcast_cursor){0};
        }
    }
    for (unsigned i = 0; i < feed->paused.count; i++) {
        feed->paused.list[i].viewer->cursor = (ringcast_cursor){0};
    }
    feed->in_old_ring += past_keeps(feed);
    if (feed->in_old_ring) {
        feed->old_reader = old;
    } else {
        fragment_cache_clear(&feed->set->cache);
        ringcast_close(old);
    }
}

/* A ring begins with a keyframe, so a viewer that waits for one there misses nothing. */
static void begin_ring(struct feed *feed)
{
    feed->generation = 0;
    feed->keyframe_position = 0;
    feed->init.generation = feed->past.init.generation = 0; /* generations of another ring */
    feed->damage_reported = false;
    if (feed->in_pass && feed->reader) {
        lose_place(feed, feed->cursor.sequence);
        if (ringcast_continue(feed->reader, &feed->cursor) < 0) {
            ringcast_seek_keyframe(feed->reader, &feed->cursor);
        }
    }
}

void feed_set_ring(struct feed *feed, ringcast_reader *reader, int wake)
{
    drain(feed);
    give_old_ring_up(feed);
    keep_old_ring(feed, feed->reader);
    release_wake(feed);
    feed->reader = reader;
    feed->wake = wake;
    begin_ring(feed);
    if (feed->viewers.count) {
        change_watch(feed, EPOLL_CTL_ADD);
    }
    feed_pump(feed);
}

void feed_finish(struct feed *feed)
{
    release_wake(feed);
    past_finish(feed);
    fragment_cache_clear(&feed->set->cache);
    ringcast_close(feed->reader);
    ringcast_close(feed->old_reader);
    feed->reader = feed->old_reader = NULL;
    init_cache_clear(&feed->init);
    packet_finish(&feed->state_packet);
}
