/* SPDX-License-Identifier: MIT */
/*
 * What goes out on a client's connection: answers, and the packets of a client that has its streams interleaved (RFC 2326, 10.12). It
 * takes the place of GstRTSPWatch's writing, which would make all clients of a camera wait for the slowest.
 *
 * A client that does not read has WRITER_BACKLOG_MAX bytes waiting at most, beside the group of pictures that it joined with. Then all of its
 * packets are left out up to the next keyframe. If nothing at all was taken for WRITER_STUCK_MS, the connection ends.
 *
 * writer_send is called by one thread at a time, as GstRTSPClient does; everything else may come from other threads.
 */
#ifndef RTSP_DOOR_WRITER_H
#define RTSP_DOOR_WRITER_H

#include <gio/gio.h>
#include <gst/rtsp/rtsp.h>
#include <stdbool.h>

#include "rtsp/media/feed.h"

#define WRITER_BACKLOG_MAX (4u << 20)
#define WRITER_STUCK_MS 10000

/* Answers that wait for a client which asks and does not read. */
#define WRITER_ANSWERS_MAX (256u << 10)

struct writer;

/*
 * FAILED, from any thread, with locks held: the connection is to be ended soon. FREE_DATA frees DATA when nothing calls FAILED any more. SOCKET
 * and CONTEXT, which is that of the client's thread, are referenced.
 */
struct writer *writer_create(GSocket *socket, GMainContext *context, void (*failed)(void *data), void *data,
                             GDestroyNotify free_data);
void writer_destroy(struct writer *writer);

/* Packets on CHANNEL and CHANNEL + 1 are those of STREAM of FEED from now on, beginning with the newest keyframe. FEED is referenced. */
void writer_join(struct writer *writer, unsigned channel, struct feed *feed, int stream);
/* No packet is sent any more until the next writer_join. */
void writer_leave(struct writer *writer);

/* Sends a report on each stream of which packets are sent; writer_send does it by itself with the first one. */
void writer_report(struct writer *writer);

/* MESSAGES are answers and requests, or packets of one channel. False: the connection is at its end. */
bool writer_send(struct writer *writer, GstRTSPMessage *messages, unsigned count);

/* Packets that were left out because the client was too slow. */
uint64_t writer_skipped(struct writer *writer);

#endif
