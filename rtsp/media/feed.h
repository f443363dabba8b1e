/* SPDX-License-Identifier: MIT */
/*
 * A camera's ring as access units for a pipeline: a thread reads the ring and pushes into the two sources of a medium. One
 * for each medium, however many clients it has. Counted: the medium holds it, and each client that plays.
 *
 * It begins with the newest keyframe, waits until somebody plays, and goes on with the keyframe that is the newest then.
 * Times are the ring's: decode and presentation time, whatever the time of arrival.
 */
#ifndef RTSP_MEDIA_FEED_H
#define RTSP_MEDIA_FEED_H

#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

#include "rtsp/media/joint.h"
#include "rtsp/stream/init_segment.h"
#include "rtsp/stream/ring_hold.h"

/* Streams of a medium, by their number in its SDP. */
enum { FEED_VIDEO, FEED_AUDIO, FEED_STREAMS };

struct feed;

/* The stream has changed so that its medium cannot go on, or has ended. Called once, from the feed's thread. */
typedef void (*feed_ended)(void *data, struct feed *feed, const char *reason);

/*
 * RING is borrowed. DECLARED is what the ring's newest init segment says, and USED what the medium has of it. CAMERA is for
 * the log. The caller gets the only reference. ENDED may be NULL.
 */
struct feed *feed_create(const char *camera, struct ring_hold *ring, const struct init_segment *declared,
                         const struct init_segment *used, feed_ended ended, void *data);
struct feed *feed_ref(struct feed *feed);
/* NULL is allowed. Not from the feed's thread, and not for the last time before feed_stop. */
void feed_unref(struct feed *feed);

/* Starts the thread. The sources are borrowed; AUDIO is NULL if the medium has no sound. */
void feed_start(struct feed *feed, GstElement *video, GstElement *audio);
/* The thread is to end, which is not waited for. */
void feed_finish(struct feed *feed);
/* Ends the thread and waits for it. May be called again. */
void feed_stop(struct feed *feed);

/* True from feed_start until its end, by itself or by feed_stop. */
bool feed_runs(struct feed *feed);

/* Somebody plays: the feed goes on behind the first pictures. */
void feed_play(struct feed *feed);

/* The camera has another ring now, which carries on where the old one ends. */
void feed_set_ring(struct feed *feed, struct ring_hold *ring);

const char *feed_camera(const struct feed *feed);

/* NULL: the medium has no such stream. The feed's. */
struct joint *feed_joint(struct feed *feed, int stream);

/* When the picture or sound of PTS_NS was captured: CLOCK_REALTIME. False: nothing was pushed yet. */
bool feed_wall_ns(struct feed *feed, int64_t pts_ns, int64_t *wall_ns);

#endif
