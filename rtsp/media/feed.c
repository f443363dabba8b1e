/* SPDX-License-Identifier: MIT */
#include "rtsp/media/feed.h"

#include <errno.h>
#include <gst/app/gstappsrc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/ntp.h"
#include "common/log/log.h"
#include "rtsp/media/sender_report.h"
#include "rtsp/stream/fragment.h"

/* How often a thread that waits looks whether it is to end. */
#define LOOK_MS 50

/* Unsent bytes in the pipeline's source. Beyond this, pictures are left out up to a keyframe for which there is room. */
#define SOURCE_BYTES_MAX (8u << 20)

/* Between two pictures of the past, so that a burst of them does not overflow the sockets of UDP clients. */
#define CATCH_UP_US 1000

/* How long the end of a ring may last before there is a new one. */
#define SUCCESSOR_MS 5000

/* Clock rates of RTP: RFC 6184, 6190 and 7587; AAC has its sampling rate (RFC 3640). */
#define RTP_VIDEO_RATE 90000
#define RTP_OPUS_RATE 48000

/* Pictures whose capture time is known by their presentation time. */
#define CAPTURES 64

struct capture {
    int64_t pts_ns, wall_ns;
};

struct feed {
    atomic_uint references;
    char *camera;
    struct init_segment declared, used;
    feed_ended ended;
    void *data;
    struct joint *joints[FEED_STREAMS];
    GstElement *sources[FEED_STREAMS];
    GThread *thread;

    GMutex lock; /* of what follows */
    GCond changed;
    struct ring_hold *next_ring; /* NULL: there is no other one */
    bool stopped, playing, needed, running;
    struct capture captures[CAPTURES];
    size_t capture_count; /* since the start */

    /* The thread's own. */
    struct ring_hold *ring;
    ringcast_cursor cursor;
    uint32_t generation;
    uint8_t *buffer;
    size_t buffer_size;
    int64_t base_ns; /* decode time of pipeline time 0 */
    bool has_base, wants_keyframe, has_sound;
    int64_t last_dts_ns;
    struct fragment fragment;
};

static uint32_t audio_rate(const struct init_segment *init)
{
    return init->audio == AUDIO_OPUS ? RTP_OPUS_RATE : init->audio_timescale;
}

struct feed *feed_create(const char *camera, struct ring_hold *ring, const struct init_segment *declared,
                         const struct init_segment *used, feed_ended ended, void *data)
{
    struct feed *feed = g_new0(struct feed, 1);

    atomic_init(&feed->references, 1);
    feed->camera = g_strdup(camera);
    feed->declared = *declared;
    feed->used = *used;
    feed->ended = ended;
    feed->data = data;
    feed->ring = ring_hold_ref(ring);
    feed->wants_keyframe = true;
    feed->joints[FEED_VIDEO] = joint_create(RTP_VIDEO_RATE);
    if (used->audio != AUDIO_NONE) {
        feed->joints[FEED_AUDIO] = joint_create(audio_rate(used));
    }
    g_mutex_init(&feed->lock);
    g_cond_init(&feed->changed);
    return feed;
}

struct feed *feed_ref(struct feed *feed)
{
    atomic_fetch_add(&feed->references, 1);
    return feed;
}

void feed_unref(struct feed *feed)
{
    if (!feed || atomic_fetch_sub(&feed->references, 1) != 1) {
        return;
    }
    for (int i = 0; i < FEED_STREAMS; i++) {
        joint_destroy(feed->joints[i]);
    }
    ring_hold_unref(feed->ring);
    ring_hold_unref(feed->next_ring);
    g_free(feed->buffer);
    g_free(feed->camera);
    g_cond_clear(&feed->changed);
    g_mutex_clear(&feed->lock);
    g_free(feed);
}

const char *feed_camera(const struct feed *feed)
{
    return feed->camera;
}

struct joint *feed_joint(struct feed *feed, int stream)
{
    return stream >= 0 && stream < FEED_STREAMS ? feed->joints[stream] : NULL;
}

/* --- Capture times -------------------------------------------------------------------------------------- */

static void note_capture(struct feed *feed, int64_t pts_ns, int64_t wall_ns)
{
    g_mutex_lock(&feed->lock);
    feed->captures[feed->capture_count % CAPTURES] = (struct capture){.pts_ns = pts_ns, .wall_ns = wall_ns};
    feed->capture_count++;
    g_mutex_unlock(&feed->lock);
}

bool feed_wall_ns(struct feed *feed, int64_t pts_ns, int64_t *wall_ns)
{
    g_mutex_lock(&feed->lock);
    size_t known = feed->capture_count < CAPTURES ? feed->capture_count : CAPTURES;
    const struct capture *nearest = NULL;
    for (size_t i = 0; i < known; i++) {
        const struct capture *capture = &feed->captures[i];
        if (!nearest || llabs(capture->pts_ns - pts_ns) < llabs(nearest->pts_ns - pts_ns)) {
            nearest = capture;
        }
    }
    if (nearest) {
        *wall_ns = nearest->wall_ns + (pts_ns - nearest->pts_ns);
    }
    g_mutex_unlock(&feed->lock);
    return nearest != NULL;
}

/* --- The thread: pushing -------------------------------------------------------------------------------- */

static bool is_stopped(struct feed *feed)
{
    g_mutex_lock(&feed->lock);
    bool stopped = feed->stopped;
    g_mutex_unlock(&feed->lock);
    return stopped;
}

static int64_t to_ns(int64_t time, uint32_t timescale)
{
    return (int64_t)(((__int128)time * NS_PER_SECOND) / timescale);
}

static void push(struct feed *feed, int stream, struct span bytes, int64_t pts_ns, int64_t dts_ns,
                 int64_t duration_ns, bool delta)
{
    GstBuffer *buffer = gst_buffer_new_memdup(bytes.data, bytes.size);

    GST_BUFFER_PTS(buffer) = pts_ns > 0 ? (GstClockTime)pts_ns : 0;
    GST_BUFFER_DTS(buffer) = dts_ns > 0 ? (GstClockTime)dts_ns : 0;
    GST_BUFFER_DURATION(buffer) = (GstClockTime)duration_ns;
    if (delta) {
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    }
    gst_app_src_push_buffer(GST_APP_SRC(feed->sources[stream]), buffer);
}

static bool is_full(struct feed *feed)
{
    return gst_app_src_get_current_level_bytes(GST_APP_SRC(feed->sources[FEED_VIDEO])) > SOURCE_BYTES_MAX;
}

static void push_fragment(struct feed *feed, const ringcast_entry *entry)
{
    const struct fragment *fragment = &feed->fragment;
    const struct init_segment *init = &feed->used;
    bool keyframe = entry->flags & RINGCAST_KEYFRAME;
    int64_t dts_ns = to_ns(fragment->decode_time, init->video_timescale);

    if (!feed->has_base) {
        feed->base_ns = dts_ns;
        feed->has_base = true;
    }
    dts_ns -= feed->base_ns;
    int64_t pts_ns = to_ns(fragment->present_time, init->video_timescale) - feed->base_ns;
    if (pts_ns < 0 ||
        dts_ns < feed->last_dts_ns) { /* the ring's time never goes back, unless it is damaged */
        feed->wants_keyframe = true;
        return;
    }
    feed->last_dts_ns = dts_ns;
    note_capture(feed, pts_ns,
                 fragment->captured_ntp != 0 ? ntp_unix_ns(fragment->captured_ntp) : entry->wall_ns);
    if (keyframe) {
        joint_expect_keyframe(feed->joints[FEED_VIDEO], pts_ns);
        if (feed->joints[FEED_AUDIO]) {
            joint_trim(feed->joints[FEED_AUDIO], pts_ns);
        }
    }
    push(feed, FEED_VIDEO, fragment->picture, pts_ns, dts_ns,
         to_ns(fragment->duration, init->video_timescale), !keyframe);
    for (size_t i = 0; feed->sources[FEED_AUDIO] && i < fragment->audio_count; i++) {
        const struct audio_sample *sample = &fragment->audio[i];
        int64_t time_ns = to_ns(sample->time, init->audio_timescale) - feed->base_ns;
        if (time_ns >= 0) {
            push(feed, FEED_AUDIO, sample->bytes, time_ns, time_ns,
                 to_ns(sample->duration, init->audio_timescale), false);
            feed->has_sound = true;
        }
    }
}

/* --- The thread: reading -------------------------------------------------------------------------------- */

static void end(struct feed *feed, const char *reason)
{
    g_mutex_lock(&feed->lock);
    feed->running = false;
    g_mutex_unlock(&feed->lock);
    for (int i = 0; i < FEED_STREAMS; i++) {
        if (feed->sources[i]) {
            gst_app_src_end_of_stream(GST_APP_SRC(feed->sources[i])); /* a BYE for UDP clients */
        }
    }
    if (feed->ended) {
        feed->ended(feed->data, feed, reason);
    }
}

/* False: a decoder cannot go on with generation NUMBER. */
static bool follow_generation(struct feed *feed, uint32_t number)
{
    ringcast_generation generation;
    struct init_segment *init = g_new(struct init_segment, 1);
    uint8_t *bytes = g_malloc(RINGCAST_INIT_MAX);
    int result =
        ringcast_init_segment(ring_hold_reader(feed->ring), number, bytes, RINGCAST_INIT_MAX, &generation);
    bool same = true;

    if (result == 0) {
        same = init_segment_read(init, bytes, generation.init_length) == 0 &&
               init_segment_same(init, &feed->declared);
        feed->generation = number;
    } else {
        feed->wants_keyframe = true; /* gone already: a newer one follows */
    }
    g_free(bytes);
    g_free(init);
    return same;
}

/* False: the medium has ended. */
static bool take(struct feed *feed, const ringcast_entry *entry)
{
    if (entry->generation != feed->generation && !follow_generation(feed, entry->generation)) {
        end(feed, "its stream has changed");
        return false;
    }
    if (is_full(feed)) {
        feed->wants_keyframe = true;
        return true;
    }
    if ((feed->wants_keyframe && !(entry->flags & RINGCAST_KEYFRAME)) ||
        entry->generation != feed->generation) {
        return true;
    }
    if (fragment_read(&feed->fragment, &feed->used, feed->buffer, entry->length) < 0) {
        feed->wants_keyframe = true;
        return true;
    }
    feed->wants_keyframe = false;
    push_fragment(feed, entry);
    return true;
}

/* Waits for the ring that takes the place of the one that has ended. False: there is none. */
static bool change_ring(struct feed *feed)
{
    int64_t until = g_get_monotonic_time() + SUCCESSOR_MS * NS_PER_MS / NS_PER_US;
    struct ring_hold *next = NULL;

    g_mutex_lock(&feed->lock);
    while (!feed->stopped && !feed->next_ring && g_cond_wait_until(&feed->changed, &feed->lock, until)) {
    }
    if (feed->next_ring) {
        next = feed->next_ring;
        feed->next_ring = NULL;
    }
    g_mutex_unlock(&feed->lock);
    if (!next) {
        return false;
    }
    ring_hold_unref(feed->ring);
    feed->ring = next;
    if (ringcast_continue(ring_hold_reader(next), &feed->cursor) == -ESTALE) {
        ringcast_seek_keyframe(ring_hold_reader(next), &feed->cursor);
        feed->wants_keyframe = true;
    }
    return true;
}

/* Reads the next fragment. 1: *ENTRY; 0: there is none now; negative: the camera's ring has ended. */
static int read_next(struct feed *feed, ringcast_entry *entry)
{
    const ringcast_reader *reader = ring_hold_reader(feed->ring);
    int result = ringcast_read(reader, &feed->cursor, feed->buffer, feed->buffer_size, entry);

    if (result == -ENOSPC) {
        feed->buffer_size = entry->length;
        feed->buffer = g_realloc(feed->buffer, entry->length);
        result = ringcast_read(reader, &feed->cursor, feed->buffer, feed->buffer_size, entry);
    }
    if (result == -ESTALE || result == -EBADMSG || result == -ENOSPC) {
        ringcast_seek_keyframe(reader, &feed->cursor);
        feed->wants_keyframe = true;
        return 0;
    }
    return result == -EPIPE && change_ring(feed) ? 0 : result;
}

/* True if the first pictures are in the pipeline, which is enough to know the stream by. */
static bool has_begun(const struct feed *feed)
{
    return feed->has_base && (feed->has_sound || !feed->sources[FEED_AUDIO]);
}

/* Waits until somebody plays. Returns true if the feed goes on with another keyframe. */
static bool hold(struct feed *feed)
{
    ringcast_cursor newest;

    g_mutex_lock(&feed->lock);
    while (!feed->stopped && !feed->playing) {
        g_cond_wait(&feed->changed, &feed->lock);
    }
    g_mutex_unlock(&feed->lock);
    if (ringcast_seek_keyframe(ring_hold_reader(feed->ring), &newest) < 0 ||
        newest.position <= feed->cursor.position) {
        return false;
    }
    feed->cursor = newest;
    feed->wants_keyframe = true;
    return true;
}

static void wait_for_pipeline(struct feed *feed)
{
    g_mutex_lock(&feed->lock);
    while (!feed->stopped && !feed->needed) {
        g_cond_wait(&feed->changed, &feed->lock);
    }
    g_mutex_unlock(&feed->lock);
}

static gpointer run(gpointer data)
{
    struct feed *feed = data;
    ringcast_entry entry;
    bool held = false, behind = true;

    wait_for_pipeline(feed);
    ringcast_seek_keyframe(ring_hold_reader(feed->ring), &feed->cursor);
    while (!is_stopped(feed)) {
        if (!held && has_begun(feed)) {
            hold(feed);
            held = true;
            continue;
        }
        int result = read_next(feed, &entry);
        if (result < 0) {
            end(feed, "it has ended");
            break;
        }
        if (result == 1 && !take(feed, &entry)) {
            break;
        }
        if (result == 0) {
            behind = false;
            ringcast_wait(ring_hold_reader(feed->ring), &feed->cursor, LOOK_MS);
        } else if (behind && held) {
            g_usleep(CATCH_UP_US);
        }
    }
    return NULL;
}

/* --- Start and end -------------------------------------------------------------------------------------- */

static void on_need_data(GstAppSrc *source, guint length, gpointer data)
{
    struct feed *feed = data;

    (void)source, (void)length;
    if (!feed->needed) {
        g_mutex_lock(&feed->lock);
        feed->needed = true;
        g_cond_signal(&feed->changed);
        g_mutex_unlock(&feed->lock);
    }
}

void feed_start(struct feed *feed, GstElement *video, GstElement *audio)
{
    GstAppSrcCallbacks callbacks = {.need_data = on_need_data};

    feed->sources[FEED_VIDEO] = gst_object_ref(video);
    feed->sources[FEED_AUDIO] = audio ? gst_object_ref(audio) : NULL;
    gst_app_src_set_callbacks(GST_APP_SRC(video), &callbacks, feed, NULL);
    feed->running = true;
    feed->thread = g_thread_new("feed", run, feed);
}

bool feed_runs(struct feed *feed)
{
    g_mutex_lock(&feed->lock);
    bool runs = feed->running && !feed->stopped;
    g_mutex_unlock(&feed->lock);
    return runs;
}

void feed_finish(struct feed *feed)
{
    g_mutex_lock(&feed->lock);
    feed->stopped = true;
    g_cond_broadcast(&feed->changed);
    g_mutex_unlock(&feed->lock);
}

void feed_stop(struct feed *feed)
{
    feed_finish(feed);
    if (feed->thread) {
        g_thread_join(feed->thread);
        feed->thread = NULL;
    }
    for (int i = 0; i < FEED_STREAMS; i++) {
        g_clear_pointer(&feed->sources[i], gst_object_unref);
    }
}

void feed_play(struct feed *feed)
{
    g_mutex_lock(&feed->lock);
    feed->playing = true;
    g_cond_broadcast(&feed->changed);
    g_mutex_unlock(&feed->lock);
}

void feed_set_ring(struct feed *feed, struct ring_hold *ring)
{
    g_mutex_lock(&feed->lock);
    ring_hold_unref(feed->next_ring);
    feed->next_ring = ring_hold_ref(ring);
    g_cond_broadcast(&feed->changed);
    g_mutex_unlock(&feed->lock);
}
