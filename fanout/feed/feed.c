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

/*
 * How long one feed may bring its viewers fragments, and one viewer that is behind may catch up, before the
 * others have their turn; and how many fragments that is at most.
 */
#define PUMP_TURN_NS (5 * NS_PER_MS)
#define CATCH_UP_TURN_NS (1 * NS_PER_MS)
#define TURN_MAX 64

/* Viewers that get a fragment between two looks at the heartbeat. */
#define VIEWERS_PER_CHECK 256u

/* How soon after a viewer fell behind the memory of unsent data is looked at. */
#define MEMORY_INTERVAL_MS 100

/* Jumps to a keyframe in one turn. More means that the ring contradicts itself: wait for the next publish. */
#define SEEKS_MAX 4

/* Fragments that are brought to the viewers in one go before they leave a ring. */
#define DRAIN_MAX 4096

/* A rate is taken from a part of a group of pictures if that is as long as this. */
#define RATE_MIN_NS (1 * NS_PER_SECOND)

/* A slow viewer's next keyframe comes when what it gets next is so old: a part of the limit that is never exceeded. */
#define JUMP_AGE(limit_ns) ((limit_ns) / 3)

/* However little the limit is, no group of pictures is cut off for a delay that a rate is not measured in. */
#define CUT_AGE_MIN_NS (1 * NS_PER_SECOND)

/* A viewer whose link is quicker than the camera by this factor catches up. */
#define GAINING 1.5

/* A viewer that seems to keep up is pinged every five looks at it, and at each one while it is new. */
#define PINGS_LOOKS 5u
#define NEW_S 10

/* A viewer that has acknowledged nothing for so long is asked: a slow one, and one of which nothing is known. */
#define PROBE_NS (1 * NS_PER_SECOND)
#define PROBE_EARLY_NS (40 * NS_PER_MS)

/* Feeds with news taken from epoll at once; more are reported again. */
#define EVENTS_MAX 64

/* Least time between two reports of viewers, and between two of latencies. */
#define VIEWERS_INTERVAL_MS 1000
#define LATENCY_INTERVAL_MS 2000

static void pump(struct feed *feed);
static void catch_up(struct feed *feed, struct viewer *viewer);
static void limit_unsent(const struct feed *feed, struct viewer *viewer);
static void keep_within_limits(struct feed *feed, struct viewer *viewer);
static int start_at_keyframe(struct feed *feed, struct viewer *viewer);

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
        pump(events[i].data.ptr); /* pumping one feed finishes no other */
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

/* VIEWER is no longer taken for slow. */
static void end_pace(struct viewer *viewer)
{
    if (!viewer->bundle) {
        free(viewer->pace);
    }
    viewer->pace = NULL;
}

/* A viewer in feed->viewers enters STATE. */
static void move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state)
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
        end_pace(viewer); /* it asks for what it has room for */
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

/* Counts VIEWER out of the old ring, if it reads that one. */
static void leave_old_ring(struct feed *feed, struct viewer *viewer)
{
    if (viewer->in_old_ring) {
        viewer->in_old_ring = false;
        let_old_ring_go(feed);
    }
}

/* VIEWER watches no more and is VIEWER_NONE. */
static void unlink_watching(struct feed *feed, struct viewer *viewer)
{
    leave_old_ring(feed, viewer);
    end_pace(viewer);
    move_viewer(feed, viewer, VIEWER_NONE);
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

/* Takes out a viewer whose connection is broken, and has libwebsockets close that; or a guest that ends in order. */
static void drop_broken(struct feed *feed, struct viewer *viewer)
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
        drop_broken(feed, viewer);
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

/* What the camera has sent from its newest keyframe up to POSITION, which was published at PUBLISHED_NS, if that says enough. */
static void learn_rate(struct feed *feed, uint64_t position, int64_t published_ns)
{
    int64_t passed_ns = published_ns - feed->keyframe_ns;

    if (feed->rate <= 0 && feed->keyframe_position && position > feed->keyframe_position &&
        passed_ns >= RATE_MIN_NS) {
        feed->rate =
            (double)(position - feed->keyframe_position) / ((double)passed_ns / (double)NS_PER_SECOND);
    }
}

/* What the camera sends, by its last two keyframes. */
static void note_rate(struct feed *feed)
{
    ringcast_cursor keyframe;
    ringcast_entry entry;

    if (feed->in_pass) {
        learn_rate(feed, feed->cursor.position, clock_now_ns());
    }

    if (!feed->reader || ringcast_seek_keyframe(feed->reader, &keyframe) < 0 ||
        keyframe.position == feed->keyframe_position || ringcast_peek(feed->reader, &keyframe, &entry) != 1) {
        return;
    }
    int64_t passed_ns = entry.published_ns - feed->keyframe_ns;
    if (feed->keyframe_position && keyframe.position > feed->keyframe_position && passed_ns > 0) {
        double rate = (double)(keyframe.position - feed->keyframe_position) /
                      ((double)passed_ns / (double)NS_PER_SECOND);
        feed->rate = feed->rate > 0 ? (feed->rate + rate) / 2 : rate;
    }
    feed->keyframe_position = keyframe.position;
    feed->keyframe_ns = entry.published_ns;
    feed->keyframe_bytes = (uint32_t)entry.length;
}

/* Bytes a second that VIEWER is sent while it keeps up; 0: not known yet. */
static double rate_for(const struct feed *feed, const struct viewer *viewer)
{
    if (!viewer->keyframes) {
        return feed->rate;
    }
    return feed->keyframe_bytes / ((double)keyframes_step_ns(&feed->keyframes) / (double)NS_PER_SECOND);
}

static void limit_unsent(const struct feed *feed, struct viewer *viewer)
{
    viewer_limit_unsent(viewer, pace_unsent(rate_for(feed, viewer), feed->keyframe_bytes));
}

static bool cannot_answer(const struct viewer *viewer)
{
    return viewer->guest && guest_is_http(viewer->guest);
}

static uint32_t burst_of(const struct feed *feed, const struct viewer *viewer)
{
    return cannot_answer(viewer) ? pace_file_burst(rate_for(feed, viewer), feed->keyframe_bytes)
                                 : pace_first_burst(rate_for(feed, viewer));
}

/* VIEWER has much under way: it may be slow. */
static void suspect(struct feed *feed, struct viewer *viewer, const struct pace_sample *sample)
{
    viewer->pace = malloc(sizeof(*viewer->pace));
    if (!viewer->pace) {
        return;
    }
    pace_begin(viewer->pace, sample, viewer->window_max);
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = feed->cursor.sequence;
        move_viewer(feed, viewer, VIEWER_PACED);
    }
}

/*
 * Before anything is sent to VIEWER, while its receive buffer is empty. Of a stream of a low rate even a receive buffer takes
 * many seconds, and an old keyframe with all that follows it would fill it.
 */
static void greet(struct feed *feed, struct viewer *viewer)
{
    struct pace_sample sample;

    note_rate(feed);
    if (viewer->bundle) {
        bundle_greet(viewer);
        return;
    }
    limit_unsent(feed, viewer);
    if (!pace_sample_read(lws_get_socket_fd(viewer->wsi), clock_now_ns(), &sample)) {
        return;
    }
    viewer->window_max = sample.window;
    suspect(feed, viewer, &sample);
    if (viewer->pace) {
        viewer->pace->burst = burst_of(feed, viewer);
        viewer->pace->cannot_answer = cannot_answer(viewer);
    }
}

/* The ping that tells how long the way to VIEWER is. */
static void ask_for_the_way(struct feed *feed, struct viewer *viewer)
{
    bool asks = viewer->pace && !viewer->bundle && !viewer_is_blocked(viewer);
    uint32_t number = asks ? pace_greet(viewer->pace, clock_now_ns()) : 0;

    if (number && !viewer_ask(viewer, number)) {
        drop_broken(feed, viewer);
    }
}

void feed_join(struct feed *feed, struct viewer *viewer, const struct permit *permit)
{
    if (!permit || link_viewer(feed, viewer) < 0) {
        give_up(viewer);
        return;
    }
    greet(feed, viewer);
    send_state(feed, viewer);
    if (viewer->state == VIEWER_BEHIND) {
        ask_for_the_way(feed, viewer);
    }
    if (viewer->state != VIEWER_BEHIND || !feed->reader) {
        return;
    }
    if (viewer->guest && viewer->guest->until_ns &&
        past_begin(viewer, viewer->guest->from_ns, viewer->guest->until_ns) == 0) {
        return;
    }
    if (start_at_keyframe(feed, viewer) < 0 && !viewer->guest &&
        init_cache_load(&feed->init, feed->reader, 0) == 0 && !viewer_send_init(viewer, &feed->init)) {
        drop_broken(feed, viewer);
        return;
    }
    catch_up(feed, viewer);
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
        pump(feed);
        catch_up(feed, viewer);
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

/*
 * Between two fragments of a turn that may take TURN_NS from its first fragment on. *end_ns is 0 before that.
 * Gives a sign of life if it is time to.
 */
static bool is_turn_over(struct feed_set *set, int64_t *end_ns, int64_t turn_ns)
{
    int64_t now = clock_now_ns();

    heartbeat_check(&set->heartbeat, now);
    if (*end_ns == 0) {
        *end_ns = now + turn_ns;
    }
    return now > *end_ns;
}

/* ---- The pass: a new fragment for all viewers that keep up ---- */

/* The log says it once per ring. -ESTALE, a place that was overwritten, is not damage. */
static void report_damage(struct feed *feed, int error)
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
            move_viewer(feed, slot->viewer, VIEWER_WAITING);
        }
    }
}

static void fall_behind(struct feed *feed, struct viewer *viewer, const ringcast_cursor *before)
{
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = before->sequence;
    }
    viewer->cursor = *before;
    move_viewer(feed, viewer, VIEWER_BEHIND);
    if (viewer->bundle) {
        bundle_wait(viewer);
    } else if (viewer_is_blocked(viewer)) {
        viewer_want_writable(viewer); /* otherwise it is brought on when it has room: feed_look */
    }
}

/* The state of a viewer that is at the feed's cursor and misses nothing. */
static enum viewer_state keeping_up(const struct viewer *viewer)
{
    return viewer->pace ? VIEWER_PACED : VIEWER_LIVE;
}

/* Sends FRAGMENT as viewer_send_fragment does, and counts the gap if there was one. */
static bool send_fragment(struct feed *feed, struct viewer *viewer, struct fragment_buffer *fragment)
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
    move_viewer(feed, viewer, keeping_up(viewer));
    return send_fragment(feed, viewer, &feed->set->fragment);
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
            drop_broken(feed, slot.viewer);
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
            report_damage(feed, result);
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
        report_damage(feed, result);
        lose_place(feed, before.sequence);
        if (result == -EILSEQ) {
            return 1;
        }
        ringcast_seek_keyframe(feed->reader, &feed->cursor);
        return -EAGAIN;
    }
}

/* All new fragments, up to a turn. */
static void pump(struct feed *feed)
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
        if (is_turn_over(feed->set, &end_ns, PUMP_TURN_NS)) {
            break;
        }
    }
    change_watch(feed, EPOLL_CTL_MOD); /* the eventfd is never read, so this makes it news again */
}

/* ---- Catching up: a viewer with a cursor of its own ---- */

static const ringcast_reader *reader_of(const struct feed *feed, const struct viewer *viewer)
{
    return viewer->in_old_ring ? feed->old_reader : feed->reader;
}

/* Puts VIEWER's own cursor on the newest keyframe. -EAGAIN: there is none; the cursor is at the head. */
static int start_at_keyframe(struct feed *feed, struct viewer *viewer)
{
    int result = ringcast_seek_keyframe(feed->reader, &viewer->cursor);

    pump(feed);
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
    move_viewer(feed, viewer, complete ? keeping_up(viewer) : VIEWER_WAITING);
    return true;
}

/* VIEWER has read the old ring to its end, or cannot read it: it goes on in the present one. */
static void follow_feed(struct feed *feed, struct viewer *viewer)
{
    leave_old_ring(feed, viewer);
    if (ringcast_continue(feed->reader, &viewer->cursor) < 0) {
        start_at_keyframe(feed, viewer);
    }
}

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
    double own = rate_for(feed, viewer), all = rate_through(feed, viewer);

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
    int result = init_cache_load(&feed->init, reader_of(feed, viewer), entry->generation);
    if (result < 0) { /* then the viewer misses everything up to the next keyframe */
        report_damage(feed, result);
        return true;
    }
    if (feed->rate <= 0 && !viewer->in_old_ring) {
        learn_rate(feed, viewer->cursor.position, entry->published_ns);
        if (viewer->pace && viewer->pace->burst) {
            viewer->pace->burst = burst_of(feed, viewer);
        }
    }
    return send_fragment(feed, viewer, fragment);
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
    int result = fragment_cache_read(&feed->set->cache, reader_of(feed, viewer), &viewer->cursor, &fragment);
    if (viewer->in_old_ring && result != 1 && result != -ENOMEM && result != -EILSEQ) {
        follow_feed(feed, viewer);
        return true;
    }
    switch (result) {
    case 1:
        if (!serve_behind(feed, viewer, fragment)) {
            drop_broken(feed, viewer);
            return false;
        }
        return true;
    case 0:
    case -EPIPE:
    case -ENOMEM:
        if (!go_live(feed, viewer, true)) {
            pump(feed); /* the viewer is ahead of the feed's cursor: bring that on until they meet */
            viewer_want_writable(viewer);
        }
        return false;
    case -EILSEQ:
        report_damage(feed, result);
        return true;
    default:
        report_damage(feed, result);
        start_at_keyframe(feed, viewer);
        return ++*seeks <= SEEKS_MAX;
    }
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
    if (ringcast_peek(reader_of(feed, viewer), &viewer->cursor, &entry) != 1) {
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
        leave_old_ring(feed, viewer);
        start_at_keyframe(feed, viewer);
    }
}

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
        drop_broken(feed, viewer);
    }
}

/* Brings a viewer in VIEWER_BEHIND on as far as its socket takes it, up to a turn. */
static void catch_up(struct feed *feed, struct viewer *viewer)
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
        if (is_turn_over(feed->set, &end_ns, CATCH_UP_TURN_NS)) {
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
        start_at_keyframe(feed, viewer);
    } else {
        keep_within_limits(feed, viewer);
    }
    catch_up_one(feed, viewer, &seeks);
    return viewer->state != VIEWER_BEHIND || viewer->cursor.position != before.position;
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

/* ---- For past.c ---- */

void feed_move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state)
{
    move_viewer(feed, viewer, state);
}

void feed_drop_broken(struct feed *feed, struct viewer *viewer)
{
    drop_broken(feed, viewer);
}

void feed_report_damage(struct feed *feed, int error)
{
    report_damage(feed, error);
}

void feed_catch_up(struct feed *feed, struct viewer *viewer)
{
    if (!feed->reader) {
        return;
    }
    if (viewer->last_sequence == 0) {
        start_at_keyframe(feed, viewer);
    }
    catch_up(feed, viewer);
}

const ringcast_reader *feed_reader_of(const struct feed *feed, const struct viewer *viewer)
{
    return reader_of(feed, viewer);
}

void feed_enter_old_ring(struct feed *feed, struct viewer *viewer)
{
    viewer->in_old_ring = true;
    feed->in_old_ring++;
}

void feed_leave_old_ring(struct feed *feed, struct viewer *viewer)
{
    leave_old_ring(feed, viewer);
}

void feed_release_old_ring(struct feed *feed)
{
    if (feed->past.held_until_ns != 0) {
        feed->past.held_until_ns = 0;
        let_old_ring_go(feed);
    }
}

/* ---- Viewers that do not keep up ---- */

void feed_set_pace(struct viewer *viewer, struct pace *pace)
{
    struct feed *feed = viewer->feed;

    viewer->pace = pace;
    if (pace && viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = feed->cursor.sequence;
        move_viewer(feed, viewer, VIEWER_PACED);
    } else if (!pace && viewer->state == VIEWER_PACED) {
        move_viewer(feed, viewer, VIEWER_LIVE);
    }
}

double feed_rate(const struct viewer *viewer)
{
    return viewer->feed ? rate_for(viewer->feed, viewer) : 0;
}

uint32_t feed_keyframe_bytes(const struct viewer *viewer)
{
    return viewer->feed ? viewer->feed->keyframe_bytes : 0;
}

static void acquit(struct feed *feed, struct viewer *viewer)
{
    end_pace(viewer);
    if (viewer->state == VIEWER_PACED) {
        move_viewer(feed, viewer, VIEWER_LIVE);
    }
}

/* A viewer that is behind goes on, if it can. False: the connection is broken. */
static bool bring_on(struct feed *feed, struct viewer *viewer, const struct pace_sample *sample)
{
    if (viewer_is_blocked(viewer)) {
        return true;
    }
    if (pace_has_room(viewer->pace, sample->now_ns)) {
        if (feed->reader) {
            catch_up(feed, viewer);
        }
        return true;
    }
    int64_t silent_ns = viewer->pace->active ? PROBE_NS : PROBE_EARLY_NS;
    return sample->now_ns - sample->ack_ns < silent_ns || viewer_ping(viewer);
}

/* True if VIEWER, which seems to keep up, is to be asked whether it does. */
static bool is_to_be_asked(const struct viewer *viewer, unsigned round)
{
    return viewer->state == VIEWER_LIVE && !viewer_is_blocked(viewer) &&
           ((round + viewer->slot) % PINGS_LOOKS == 0 || clock_coarse_s() - viewer->since < NEW_S);
}

static void look_at(struct feed *feed, struct viewer *viewer, unsigned round)
{
    struct pace_sample sample;

    if (viewer->state == VIEWER_PAST) {
        return;
    }

    limit_unsent(feed, viewer);
    if (!pace_sample_read(lws_get_socket_fd(viewer->wsi), clock_now_ns(), &sample)) {
        return;
    }
    struct pace *pace = viewer->pace;
    if (!pace) {
        viewer->window_max = sample.window > viewer->window_max ? sample.window : viewer->window_max;
        bool much = pace_is_much(rate_for(feed, viewer), sample.queued, sample.rtt_ns) ||
                    pace_is_filled(sample.window, viewer->window_max);
        if (viewer->state != VIEWER_WAITING && much) {
            suspect(feed, viewer, &sample);
        } else if (is_to_be_asked(viewer, round) && !viewer_ask(viewer, pace_time_number(sample.now_ns))) {
            drop_broken(feed, viewer);
        }
        return;
    }
    pace->burst = pace->burst ? burst_of(feed, viewer) : 0;
    pace_note(pace, &sample);
    uint64_t backlog = pace->active ? pace_backlog(pace, sample.now_ns) : sample.queued;
    bool much = pace_is_much(rate_for(feed, viewer), backlog, sample.rtt_ns) ||
                (!pace->answers && pace_is_filled(sample.window, pace->window_max));
    bool behind = viewer->state == VIEWER_BEHIND && !pace_is_in_time(pace);
    int verdict = pace_judge(pace, much || behind, sample.now_ns);
    if (verdict < 0 && viewer->state != VIEWER_BEHIND && !pace_is_unproven(pace, sample.now_ns)) {
        acquit(feed, viewer);
        return;
    }
    uint32_t number = viewer_is_blocked(viewer) ? 0 : pace_ask(pace, sample.now_ns);
    if ((number && !viewer_ask(viewer, number)) ||
        (viewer->state == VIEWER_BEHIND && !bring_on(feed, viewer, &sample))) {
        drop_broken(feed, viewer);
    }
}

/* VIEWER has answered the ping that had NUMBER, a time, in it. */
static void convict_if_late(struct feed *feed, struct viewer *viewer, uint32_t number)
{
    struct pace_sample sample;
    const int64_t now_ns = clock_now_ns();

    if (!pace_sample_read(lws_get_socket_fd(viewer->wsi), now_ns, &sample)) {
        return;
    }
    uint32_t late_ms = pace_late_ms(number, sample.rtt_ns, now_ns);
    if (late_ms == 0) {
        return;
    }
    suspect(feed, viewer, &sample);
    if (viewer->pace) {
        pace_convict(viewer->pace, (uint64_t)(rate_for(feed, viewer) * late_ms / 1000), now_ns);
    }
}

void feed_answered(struct viewer *viewer, uint32_t number)
{
    struct feed *feed = viewer->feed;

    if (feed && !viewer->pace && viewer->state == VIEWER_LIVE && number != 0) {
        convict_if_late(feed, viewer, number);
    } else if (feed && viewer->pace && number != 0) {
        pace_answered(viewer->pace, number, clock_now_ns());
        if (viewer->state == VIEWER_BEHIND && feed->reader) {
            catch_up(feed, viewer);
        }
    }
}

void feed_look(struct feed *feed, unsigned look, unsigned phases)
{
    const unsigned phase = look % phases, round = look / phases;

    if (feed->viewers.count == 0) {
        return;
    }
    note_rate(feed);
    for (unsigned i = feed->viewers.count; i-- > 0;) {
        const struct viewer_slot *slot = &feed->viewers.list[i];
        if (slot->viewer->bundle) {
            continue; /* bundle_look */
        }
        if (slot->state == VIEWER_BEHIND || slot->state == VIEWER_PACED || i % phases == phase) {
            look_at(feed, slot->viewer, round);
        }
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
            drop_broken(feed, viewer);
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
            leave_old_ring(feed, viewer);
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
    pump(feed);
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
