/* SPDX-License-Identifier: MIT */
/*
 * The medium of a camera's stream: sources that the feed fills, and a payloader for each, shared by all clients. A factory is
 * for one init segment; when the stream changes, there is another factory. Any thread.
 */
#ifndef RTSP_MEDIA_FACTORY_H
#define RTSP_MEDIA_FACTORY_H

#include <gst/rtsp-server/rtsp-server.h>

#include "rtsp/media/feed.h"

/* What a factory makes media of; all but the pool is copied or referenced. */
struct factory_stream {
    const char *camera;
    struct ring_hold *ring;
    const struct init_segment *declared, *used; /* feed_create */
    GstRTSPAddressPool *ports;                  /* of UDP; NULL: any */
    feed_ended ended;
    void *data;
};

/* A new reference. */
GstRTSPMediaFactory *factory_create(const struct factory_stream *stream);

/* The camera has another ring, which carries on where the old one ends. */
void factory_set_ring(GstRTSPMediaFactory *factory, struct ring_hold *ring);

/* True if FEED is that of the newest medium; if there is a medium now. */
bool factory_has_feed(GstRTSPMediaFactory *factory, const struct feed *feed);
bool factory_is_used(GstRTSPMediaFactory *factory);

/* True if its medium ends or has ended: what is asked for now needs another factory. */
bool factory_is_over(GstRTSPMediaFactory *factory);

/* The feed of MEDIA, which one of these factories has made. NULL: it has none. Borrowed: MEDIA holds it. */
struct feed *factory_feed(GstRTSPMedia *media);

/* Makes the elements once, so that no file has to be opened and no type registered later. False: a plugin is missing; which one is logged. */
bool factory_prepare(void);

#endif
