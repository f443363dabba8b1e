#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log/log.h"
#include "fanout/feed/feed_private.h"

/* Fragments that are brought to the viewers in one go before they leave a ring. */
#define DRAIN_MAX 4096

/* Feeds with news taken from epoll at once; more are reported again. */
#define EVENTS_MAX 64

void feed_change_watch(struct feed *feed, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = feed};
    if (feed->wake >= 0 && epoll_ctl(feed->set->epoll, operation, feed->wake, &event) < 0) {
        log_camera(LOG_LEVEL_ERROR, feed->name, "camera %s: cannot watch its ring: %s", feed->name,
                   strerror(errno));
    }
}

/* VIEWER, whose state is VIEWER_BEHIND, watches from now on. 0 or -ENOMEM. */
static int link_viewer(struct feed *feed, struct viewer *viewer)
{
    int status = seats_add(&feed->seats, viewer);
    if (status < 0) {
        return status;
    }
    viewer->feed = feed;
    if (feed->seats.count == 1) {
        feed_change_watch(feed, EPOLL_CTL_ADD);
    }
    feed->set->changed(feed->set->context);
    return 0;
}

void feed_leave_old_ring(struct feed *feed, struct viewer *viewer)
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

/* VIEWER watches no more and is VIEWER_NONE. */
static void unlink_watching(struct feed *feed, struct viewer *viewer)
{
    feed_leave_old_ring(feed, viewer);
    feed_move_viewer(feed, viewer, VIEWER_NONE);
    seats_remove(&feed->seats, viewer);
    if (feed->seats.count == 0) {
        feed_change_watch(feed, EPOLL_CTL_DEL);
        init_cache_clear(&feed->init);
        feed->generation = 0;
    }
    feed->set->changed(feed->set->context);
}

void feed_unlink_viewer(struct feed *feed, struct viewer *viewer)
{
    if (viewer->state == VIEWER_PAUSED) {
        seats_remove(&feed->paused, viewer);
        viewer_enter_state(viewer, VIEWER_NONE);
    } else {
        unlink_watching(feed, viewer);
    }
    viewer->feed = NULL;
}

void feed_drop_broken(struct feed *feed, struct viewer *viewer)
{
    feed_unlink_viewer(feed, viewer);
    viewer_cut(viewer);
}

static void send_state(struct feed *feed, struct viewer *viewer)
{
    viewer->state_due = viewer_is_blocked(viewer);
    if (!viewer->state_due && !viewer_send_packet(viewer, &feed->state_packet, true)) {
        feed_drop_broken(feed, viewer);
    }
}

int feed_set_init(struct feed_set *set, void (*changed)(void *context), void (*measured)(void *context),
                  void *context)
{
    *set = (struct feed_set){
        .limits = {.bytes = FEED_LIMIT_BYTES, .age_ns = FEED_LIMIT_AGE_NS, .stuck_ns = FEED_LIMIT_STUCK_NS},
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .changed = changed,
        .measured = measured,
        .context = context,
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
    if (feed->seats.count) {
        feed_change_watch(feed, EPOLL_CTL_DEL);
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
        int status = feed_pump_one(feed);
        seeks += status < 0;
        if (status == 0) {
            return;
        }
    }
}

/* Laggards of the ring before the old one have had their time: on to the next keyframe. */
static void give_old_ring_up(struct feed *feed)
{
    for (unsigned i = 0; i < feed->seats.count; i++) {
        struct viewer *viewer = feed->seats.list[i].viewer;
        if (viewer->in_old_ring) {
            viewer->cursor = (ringcast_cursor){0};
            feed_leave_old_ring(feed, viewer);
        }
    }
}

/* The ring that is left becomes the old one, if a laggard has something to read in it. */
static void keep_for_laggards(struct feed *feed, ringcast_reader *old)
{
    for (unsigned i = 0; i < feed->seats.count; i++) {
        struct viewer *viewer = feed->seats.list[i].viewer;
        if (viewer->state == VIEWER_BEHIND) {
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
        feed_lose_place(feed, feed->cursor.sequence);
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
    if (feed->seats.count) {
        feed_change_watch(feed, EPOLL_CTL_ADD);
    }
    feed_pump(feed);
}

void feed_set_state(struct feed *feed, json_t *state)
{
    if (packet_set_json(&feed->state_packet, state) < 0) {
        log_camera(LOG_LEVEL_ERROR, feed->name, "camera %s: out of memory for its state", feed->name);
        return;
    }
    for (unsigned i = feed->seats.count; i-- > 0;) {
        send_state(feed, feed->seats.list[i].viewer);
    }
    for (unsigned i = feed->paused.count; i-- > 0;) {
        send_state(feed, feed->paused.list[i].viewer);
    }
}

void feed_join(struct feed *feed, struct viewer *viewer)
{
    if (link_viewer(feed, viewer) < 0) {
        viewer_enter_state(viewer, VIEWER_NONE);
        viewer_cut(viewer);
        return;
    }
    send_state(feed, viewer);
    if (viewer->state != VIEWER_BEHIND || !feed->reader) {
        return;
    }
    if (feed_start_at_keyframe(feed, viewer) < 0 && init_cache_load(&feed->init, feed->reader, 0) == 0 &&
        !viewer_send_init(viewer, &feed->init)) {
        feed_drop_broken(feed, viewer);
        return;
    }
    feed_catch_up(feed, viewer);
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
    remember_place(feed, viewer);
    unlink_watching(feed, viewer);
    viewer_enter_state(viewer, VIEWER_PAUSED);
    if (seats_add(&feed->paused, viewer) < 0) {
        viewer->feed = NULL;
        viewer_enter_state(viewer, VIEWER_NONE);
        viewer_cut(viewer);
    }
}

/* On to the newest keyframe, which is no gap that anybody caused, unless the viewer is past it. */
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
    seats_remove(&feed->paused, viewer);
    viewer_enter_state(viewer, VIEWER_BEHIND);
    if (link_viewer(feed, viewer) < 0) {
        viewer->feed = NULL;
        viewer_enter_state(viewer, VIEWER_NONE);
        viewer_cut(viewer);
        return;
    }
    if (feed->reader) {
        skip_pause(feed, viewer);
        feed_pump(feed); /* the feed's cursor may not be before a viewer's own: they meet at the feed's */
        feed_catch_up(feed, viewer);
    }
}

void feed_leave(struct viewer *viewer)
{
    if (viewer->feed) {
        feed_unlink_viewer(viewer->feed, viewer);
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
            feed_start_at_keyframe(feed, viewer);
        }
        feed_catch_up(feed, viewer);
    }
}

static void close_viewers(struct feed *feed, const struct seats *seats, uint16_t code, const char *reason)
{
    while (seats->count) {
        struct viewer *viewer = seats->list[seats->count - 1].viewer;
        feed_unlink_viewer(feed, viewer);
        viewer_close(viewer, code, reason);
    }
}

void feed_close_viewers(struct feed *feed, uint16_t code, const char *reason)
{
    close_viewers(feed, &feed->seats, code, reason);
    close_viewers(feed, &feed->paused, code, reason);
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
