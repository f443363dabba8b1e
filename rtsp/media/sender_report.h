/* SPDX-License-Identifier: MIT */
/*
 * Sender reports (RFC 3550, 6.4.1) that say when pictures were captured, as the camera's own reports did, and not when they were sent. They are
 * ringcast's own: rtpsession would report the time of sending, and the same to all clients, so that a new one waited for its first report. Any
 * thread.
 */
#ifndef RTSP_MEDIA_SENDER_REPORT_H
#define RTSP_MEDIA_SENDER_REPORT_H

#include <gst/gst.h>

#include "rtsp/media/feed.h"

/*
 * A report on STREAM of FEED, with its SDES, for the present moment: NTP and RTP time are those of the newest packet, moved on by the time that has
 * passed since. NULL: no packet has passed.
 */
GstBuffer *sender_report_make(struct feed *feed, int stream);

#endif
