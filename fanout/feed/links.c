/* SPDX-License-Identifier: MIT */
/* The links of a feed's viewers: what the camera sends, which viewers seem to take less than that, and what they are asked (pace.h). */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "fanout/feed/bundle.h"
#include "fanout/feed/feed_private.h"
#include "fanout/feed/guest.h"
#include "fanout/feed/pace.h"

/* A rate is taken from a part of a group of pictures if that is as long as this. */
#define RATE_MIN_NS (1 * NS_PER_SECOND)

/* A viewer that seems to keep up is pinged every five looks at it, and at each one while it is new. */
#define PINGS_LOOKS 5u
#define NEW_S 10

/* A viewer that has acknowledged nothing for so long is asked: a slow one, and one of which nothing is known. */
#define PROBE_NS (1 * NS_PER_SECOND)
#define PROBE_EARLY_NS (40 * NS_PER_MS)

/* ---- What the camera sends ---- */

void feed_learn_rate(struct feed *feed, uint64_t position, int64_t published_ns)
{
    int64_t passed_ns = published_ns - feed->keyframe_ns;

    if (feed->rate <= 0 && feed->keyframe_position && position > feed->keyframe_position &&
        passed_ns >= RATE_MIN_NS) {
        feed->rate =
            (double)(position - feed->keyframe_position) / ((double)passed_ns / (double)NS_PER_SECOND);
    }
}

/* How far back the ring is asked for another keyframe than its newest one. */
#define RATE_BACK_NS (4 * NS_PER_SECOND)

/* The newest keyframe is the first one that this feed sees, described by ENTRY: what is in the ring before it tells the rate, too. */
static void learn_from_ring(struct feed *feed, const ringcast_cursor *keyframe, const ringcast_entry *entry)
{
    ringcast_cursor past;
    ringcast_entry first;

    if (ringcast_seek_time(feed->reader, &past, entry->published_ns - RATE_BACK_NS) == 0 &&
        past.position < keyframe->position && ringcast_peek(feed->reader, &past, &first) == 1 &&
        entry->published_ns - first.published_ns >= RATE_MIN_NS / 2) {
        feed->rate = (double)(keyframe->position - past.position) /
                     ((double)(entry->published_ns - first.published_ns) / (double)NS_PER_SECOND);
    }
}

/* What the camera sends, by its last two keyframes. */
static void note_rate(struct feed *feed)
{
    ringcast_cursor keyframe;
    ringcast_entry entry;

    if (feed->in_pass) {
        feed_learn_rate(feed, feed->cursor.position, clock_now_ns());
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
    } else if (feed->rate <= 0) {
        learn_from_ring(feed, &keyframe, &entry);
    }
    feed->keyframe_position = keyframe.position;
    feed->keyframe_ns = entry.published_ns;
    feed->keyframe_bytes = (uint32_t)entry.length;
}

double feed_rate_for(const struct feed *feed, const struct viewer *viewer)
{
    if (!viewer->keyframes) {
        return feed->rate;
    }
    return feed->keyframe_bytes / ((double)keyframes_step_ns(&feed->keyframes) / (double)NS_PER_SECOND);
}

static void limit_unsent(const struct feed *feed, struct viewer *viewer)
{
    viewer_limit_unsent(viewer, pace_unsent(feed_rate_for(feed, viewer), feed->keyframe_bytes));
}

/* ---- A viewer that is new ---- */

static bool cannot_answer(const struct viewer *viewer)
{
    return viewer->guest && guest_is_http(viewer->guest);
}

uint32_t feed_burst_of(const struct feed *feed, const struct viewer *viewer)
{
    return pace_first_burst(feed_rate_for(feed, viewer));
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
        feed_move_viewer(feed, viewer, VIEWER_PACED);
    }
}

/*
 * The kernel asks a reader that cannot be pinged for a sign of life once a second while nothing is sent to it: the answer tells its
 * window. So many unanswered ones in a row end the connection.
 */
static void keep_asking(const struct viewer *viewer)
{
    const int on = 1, seconds = 1, unanswered = 60, fd = lws_get_socket_fd(viewer->wsi);

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &unanswered, sizeof(unanswered));
}

void feed_greet(struct feed *feed, struct viewer *viewer)
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
    if (cannot_answer(viewer)) {
        keep_asking(viewer);
    }
    if (viewer->pace) {
        viewer->pace->burst = feed_burst_of(feed, viewer);
        viewer->pace->cannot_answer = cannot_answer(viewer);
    }
}

void feed_ask_for_the_way(struct feed *feed, struct viewer *viewer)
{
    bool asks = viewer->pace && !viewer->bundle && !viewer_is_blocked(viewer);
    uint32_t number = asks ? pace_greet(viewer->pace, clock_now_ns()) : 0;

    if (number && !viewer_ask(viewer, number)) {
        feed_drop_broken(feed, viewer);
    }
}

/* ---- Viewers that do not keep up ---- */

void feed_end_pace(struct viewer *viewer)
{
    if (!viewer->bundle) {
        free(viewer->pace);
    }
    viewer->pace = NULL;
}

void feed_set_pace(struct viewer *viewer, struct pace *pace)
{
    struct feed *feed = viewer->feed;

    viewer->pace = pace;
    if (pace && viewer->state == VIEWER_LIVE) {
        viewer->last_sequence = feed->cursor.sequence;
        feed_move_viewer(feed, viewer, VIEWER_PACED);
    } else if (!pace && viewer->state == VIEWER_PACED) {
        feed_move_viewer(feed, viewer, VIEWER_LIVE);
    }
}

double feed_rate(const struct viewer *viewer)
{
    return viewer->feed ? feed_rate_for(viewer->feed, viewer) : 0;
}

uint32_t feed_keyframe_bytes(const struct viewer *viewer)
{
    return viewer->feed ? viewer->feed->keyframe_bytes : 0;
}

static void acquit(struct feed *feed, struct viewer *viewer)
{
    feed_end_pace(viewer);
    if (viewer->state == VIEWER_PACED) {
        feed_move_viewer(feed, viewer, VIEWER_LIVE);
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
            feed_bring_on(feed, viewer);
        }
        return true;
    }
    int64_t silent_ns = viewer->pace->active ? PROBE_NS : PROBE_EARLY_NS;
    return sample->now_ns - sample->ack_ns < silent_ns ||
           viewer_probe(viewer, pace_probe(viewer->pace, sample->now_ns));
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
        bool much = pace_is_much(feed_rate_for(feed, viewer), sample.queued, sample.rtt_ns) ||
                    pace_is_filled(sample.window, viewer->window_max);
        if (viewer->state != VIEWER_WAITING && much) {
            suspect(feed, viewer, &sample);
        } else if (is_to_be_asked(viewer, round) && !viewer_ask(viewer, pace_time_number(sample.now_ns))) {
            feed_drop_broken(feed, viewer);
        }
        return;
    }
    pace->burst = pace->burst ? feed_burst_of(feed, viewer) : 0;
    pace_note(pace, &sample);
    uint64_t backlog = pace->active ? pace_backlog(pace, sample.now_ns) : sample.queued;
    bool much = pace_is_much(feed_rate_for(feed, viewer), backlog, sample.rtt_ns) ||
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
        feed_drop_broken(feed, viewer);
    }
}

/* SAMPLE was taken when VIEWER had answered the ping that had NUMBER, a time, in it. */
static void convict_if_late(struct feed *feed, struct viewer *viewer, uint32_t number,
                            const struct pace_sample *sample)
{
    uint32_t late_ms = pace_late_ms(number, sample->rtt_ns, sample->heard_ns);

    if (late_ms == 0) {
        return;
    }
    suspect(feed, viewer, sample);
    if (viewer->pace) {
        pace_convict(viewer->pace, (uint64_t)(feed_rate_for(feed, viewer) * late_ms / 1000), sample->now_ns);
    }
}

void feed_answered(struct viewer *viewer, uint32_t number)
{
    struct feed *feed = viewer->feed;
    struct pace_sample sample;

    if (!feed || number == 0 || !pace_sample_read(lws_get_socket_fd(viewer->wsi), clock_now_ns(), &sample)) {
        return;
    }
    if (!viewer->pace && viewer->state == VIEWER_LIVE) {
        convict_if_late(feed, viewer, number, &sample);
    } else if (viewer->pace) {
        viewer_note_answer(viewer, number, sample.now_ns);
        pace_answered(viewer->pace, number, sample.heard_ns);
        if (viewer->state == VIEWER_BEHIND && feed->reader) {
            feed_bring_on(feed, viewer);
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
