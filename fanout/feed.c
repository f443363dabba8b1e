#include "feed.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"

/* Fragments that one feed or one laggard gets in one go before the others have their turn. */
#define TURN_MAX 64

/* Jumps to a keyframe in one turn. More means that the ring contradicts itself: wait for the next publish. */
#define SEEKS_MAX 4

/* Fragments that are brought to the viewers in one go before they leave a ring. */
#define DRAIN_MAX 4096

/* Feeds with news taken from epoll at once; more are reported again. */
#define EVENTS_MAX 64

static bool is_in_pass(enum viewer_state state)
{
    return state == VIEWER_LIVE || state == VIEWER_WAITING;
}

static void move_viewer(struct feed *feed, struct viewer *viewer, enum viewer_state state)
{
    feed->in_pass -= is_in_pass(viewer->state);
    feed->in_pass += is_in_pass(state);
    viewer_enter_state(viewer, state);
}

static void change_watch(struct feed *feed, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = feed};
    if (feed->wake >= 0 && epoll_ctl(feed->set->epoll, operation, feed->wake, &event) < 0) {
        log_error("camera %s: cannot watch its ring: %s", feed->name, strerror(errno));
    }
}

static void link_viewer(struct feed *feed, struct viewer *viewer)
{
    viewer->feed = feed;
    viewer->previous = NULL;
    viewer->next = feed->viewers;
    if (feed->viewers) {
        feed->viewers->previous = viewer;
    }
    feed->viewers = viewer;
    if (feed->viewer_count++ == 0) {
        change_watch(feed, EPOLL_CTL_ADD);
    }
    feed->set->changed(feed->set->context);
}

/* One laggard less in the old ring; the last one closes it. */
static void leave_old_ring(struct feed *feed, struct viewer *viewer)
{
    if (!viewer->in_old_ring) {
        return;
    }
    viewer->in_old_ring = false;
    if (--feed->in_old_ring == 0) {
        ringcast_close(feed->old_reader);
        feed->old_reader = NULL;
        feed->init.generation = 0;
    }
}

static void unlink_viewer(struct feed *feed, struct viewer *viewer)
{
    if (viewer->previous) {
        viewer->previous->next = viewer->next;
    } else {
        feed->viewers = viewer->next;
    }
    if (viewer->next) {
        viewer->next->previous = viewer->previous;
    }
    leave_old_ring(feed, viewer);
    move_viewer(feed, viewer, VIEWER_NONE);
    viewer->feed = NULL;
    if (--feed->viewer_count == 0) {
        change_watch(feed, EPOLL_CTL_DEL);
        init_cache_clear(&feed->init);
        feed->generation = 0;
    }
    feed->set->changed(feed->set->context);
}

static void drop_broken(struct feed *feed, struct viewer *viewer)
{
    unlink_viewer(feed, viewer);
    viewer_cut(viewer);
}

static void report_damage(struct feed *feed, int status)
{
    if (status != -ESTALE && !feed->damage_reported) {
        feed->damage_reported = true;
        log_warning("camera %s: its ring is damaged: %s", feed->name,
                    status == -EILSEQ ? "not a fragment" : strerror(-status));
    }
}

/* The viewers in the pass miss what comes before the next keyframe. */
static void lose_place(struct feed *feed, uint64_t last_sequence)
{
    for (struct viewer *viewer = feed->viewers; viewer; viewer = viewer->next) {
        if (viewer->state == VIEWER_LIVE) {
            viewer->last_sequence = last_sequence;
            move_viewer(feed, viewer, VIEWER_WAITING);
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
    viewer_want_writable(viewer);
}

/* Brings the fragment in hand to one viewer. ORDINARY: it follows on the last one and needs no new init
 * segment. */
static bool serve(struct feed *feed, struct viewer *viewer, const ringcast_cursor *before, bool ordinary)
{
    struct fragment *fragment = &feed->set->fragment;
    if (viewer_is_blocked(viewer)) {
        fall_behind(feed, viewer, before);
        return true;
    }
    if (viewer->state == VIEWER_LIVE && ordinary) {
        return viewer_send_packet(viewer, &fragment->packet, false);
    }
    if (viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = before->sequence;
    }
    move_viewer(feed, viewer, VIEWER_LIVE);
    return viewer_send_fragment(viewer, &feed->init, fragment);
}

/* Brings the fragment in hand, which was at BEFORE, to every viewer that is due. */
static void pass_fragment(struct feed *feed, const ringcast_cursor *before)
{
    const ringcast_entry *entry = &feed->set->fragment.entry;
    bool keyframe = entry->flags & RINGCAST_KEYFRAME;
    bool same_generation = entry->generation == feed->generation;
    if (keyframe || !same_generation) {
        int status = init_cache_load(&feed->init, feed->reader, entry->generation);
        if (status < 0) {
            report_damage(feed, status);
            lose_place(feed, before->sequence);
            return;
        }
        feed->generation = entry->generation;
    }
    struct viewer *next;
    for (struct viewer *viewer = feed->viewers; viewer; viewer = next) {
        next = viewer->next; /* serving one viewer unlinks no other */
        bool due = viewer->state == VIEWER_LIVE || (viewer->state == VIEWER_WAITING && keyframe);
        if (due && !serve(feed, viewer, before, same_generation)) {
            drop_broken(feed, viewer);
        }
    }
}

/* One fragment for all viewers in the pass. 1: there may be more; 0: not now; -EAGAIN: more after a jump. */
static int pump_one(struct feed *feed)
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
        report_damage(feed, status);
        lose_place(feed, before.sequence);
        if (status == -EILSEQ) {
            return 1;
        }
        ringcast_seek_keyframe(feed->reader, &feed->cursor);
        return -EAGAIN;
    }
}

static void pump(struct feed *feed)
{
    int seeks = 0;
    for (int i = 0; i < TURN_MAX; i++) {
        if (!feed->in_pass || !feed->reader) {
            return;
        }
        int status = pump_one(feed);
        seeks += status < 0;
        if (status == 0 || seeks > SEEKS_MAX) {
            return;
        }
    }
    change_watch(feed, EPOLL_CTL_MOD); /* the eventfd is never read, so this makes it news again */
}

/* Puts a viewer with its own cursor on the newest keyframe. -EAGAIN: there is none; it then stands at the
 * head. */
static int start_at_keyframe(struct feed *feed, struct viewer *viewer)
{
    int status = ringcast_seek_keyframe(feed->reader, &viewer->cursor);
    pump(feed); /* the feed's cursor may not be before a viewer's own: they meet at the feed's */
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
    move_viewer(feed, viewer, complete ? VIEWER_LIVE : VIEWER_WAITING);
    return true;
}

static const ringcast_reader *reader_of(const struct feed *feed, const struct viewer *viewer)
{
    return viewer->in_old_ring ? feed->old_reader : feed->reader;
}

/* The end of the old ring, or nothing in it that could be read: on to the ring of all. */
static void follow_feed(struct feed *feed, struct viewer *viewer)
{
    leave_old_ring(feed, viewer);
    if (ringcast_continue(feed->reader, &viewer->cursor) < 0) {
        start_at_keyframe(feed, viewer);
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
        report_damage(feed, status);
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
            drop_broken(feed, viewer);
            return false;
        }
        return true;
    case 0:
    case -EPIPE:
    case -ENOMEM:
        if (!go_live(feed, viewer, true)) {
            pump(feed); /* it is ahead of the feed's cursor: bring that on until they meet */
            viewer_want_writable(viewer);
        }
        return false;
    case -EILSEQ:
        report_damage(feed, status);
        return true;
    default:
        report_damage(feed, status);
        start_at_keyframe(feed, viewer);
        return ++*seeks <= SEEKS_MAX;
    }
}

static void catch_up(struct feed *feed, struct viewer *viewer)
{
    int seeks = 0;
    for (int i = 0; i < TURN_MAX; i++) {
        if (!catch_up_one(feed, viewer, &seeks)) {
            return;
        }
    }
    viewer_want_writable(viewer);
}

static void send_state(struct feed *feed, struct viewer *viewer)
{
    viewer->state_due = viewer_is_blocked(viewer);
    if (!viewer->state_due && !viewer_send_packet(viewer, &feed->state_packet, true)) {
        drop_broken(feed, viewer);
    }
}

int feed_set_init(struct feed_set *set, void (*changed)(void *context), void *context)
{
    *set = (struct feed_set){.epoll = epoll_create1(EPOLL_CLOEXEC), .changed = changed, .context = context};
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

void feed_set_finish(struct feed_set *set)
{
    packet_finish(&set->fragment.packet);
}

void feed_init(struct feed *feed, struct feed_set *set, const char *name)
{
    *feed = (struct feed){.set = set, .name = name, .wake = -1};
}

static void release_wake(struct feed *feed)
{
    if (feed->viewer_count) {
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
        int status = pump_one(feed);
        seeks += status < 0;
        if (status == 0) {
            return;
        }
    }
}

/* Laggards of the ring before the old one have had their time: on to the next keyframe. */
static void give_old_ring_up(struct feed *feed)
{
    for (struct viewer *viewer = feed->viewers; viewer; viewer = viewer->next) {
        if (viewer->in_old_ring) {
            viewer->cursor = (ringcast_cursor){0};
            leave_old_ring(feed, viewer);
        }
    }
}

/* The ring that is left becomes the old one, if a laggard has something to read in it. */
static void keep_for_laggards(struct feed *feed, ringcast_reader *old)
{
    for (struct viewer *viewer = feed->viewers; viewer; viewer = viewer->next) {
        if (viewer->state == VIEWER_BEHIND) {
            viewer->in_old_ring = old && viewer->last_sequence && viewer->cursor.position;
            feed->in_old_ring += viewer->in_old_ring;
            viewer_want_writable(viewer);
        }
        if (!viewer->in_old_ring) {
            viewer->cursor = (ringcast_cursor){0};
        }
    }
    if (feed->in_old_ring) {
        feed->old_reader = old;
    } else {
        ringcast_close(old);
    }
}

/* What a ring begins with is a keyframe, so to wait for one there is to miss nothing. */
static void begin_ring(struct feed *feed)
{
    feed->generation = 0;
    feed->init.generation = 0; /* generations of another ring */
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
    keep_for_laggards(feed, feed->reader);
    release_wake(feed);
    feed->reader = reader;
    feed->wake = wake;
    begin_ring(feed);
    if (feed->viewer_count) {
        change_watch(feed, EPOLL_CTL_ADD);
    }
    pump(feed);
}

void feed_set_state(struct feed *feed, json_t *state)
{
    if (packet_set_json(&feed->state_packet, state) < 0) {
        log_error("camera %s: out of memory for its state", feed->name);
        return;
    }
    struct viewer *next;
    for (struct viewer *viewer = feed->viewers; viewer; viewer = next) {
        next = viewer->next;
        send_state(feed, viewer);
    }
}

void feed_join(struct feed *feed, struct viewer *viewer)
{
    link_viewer(feed, viewer);
    send_state(feed, viewer);
    if (viewer->state != VIEWER_BEHIND || !feed->reader) {
        return;
    }
    if (start_at_keyframe(feed, viewer) < 0 && init_cache_load(&feed->init, feed->reader, 0) == 0 &&
        !viewer_send_init(viewer, &feed->init)) {
        drop_broken(feed, viewer);
        return;
    }
    catch_up(feed, viewer);
}

void feed_leave(struct viewer *viewer)
{
    if (viewer->feed) {
        unlink_viewer(viewer->feed, viewer);
    }
}

void feed_writable(struct viewer *viewer)
{
    struct feed *feed = viewer->feed;
    if (viewer->state_due) {
        send_state(feed, viewer);
    }
    if (viewer->state == VIEWER_BEHIND && feed->reader) {
        if (viewer->last_sequence == 0) {
            start_at_keyframe(feed, viewer);
        }
        catch_up(feed, viewer);
    }
}

void feed_close_viewers(struct feed *feed, uint16_t code)
{
    while (feed->viewers) {
        struct viewer *viewer = feed->viewers;
        unlink_viewer(feed, viewer);
        viewer_close(viewer, code);
    }
}

void feed_finish(struct feed *feed)
{
    release_wake(feed);
    ringcast_close(feed->reader);
    ringcast_close(feed->old_reader);
    feed->reader = feed->old_reader = NULL;
    init_cache_clear(&feed->init);
    packet_finish(&feed->state_packet);
}
