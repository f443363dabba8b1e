/* SPDX-License-Identifier: MIT */
/*
 * The cameras' streams as RTSP knows them: which there are, whether they can be had, and the factories of their media. ringcastd's messages change
 * them (main thread), and clients ask for them (each in a thread of its own).
 */
#ifndef RTSP_DOOR_STREAMS_H
#define RTSP_DOOR_STREAMS_H

#include <gst/rtsp-server/rtsp-server.h>
#include <stdbool.h>

#include "rtsp/media/feed.h"

/* How long a client waits for the first keyframe of a camera that is away or asleep. */
#define STREAMS_WAIT_MS 10000

struct streams;

struct streams_handlers {
    void (*wanted)(void *owner, const char *name); /* a client's thread: wake this camera */
    void (*ended)(void *owner, struct feed *feed); /* the feed's thread: its clients are to go */
    void *owner;
};

/* MOUNTS is referenced, and gets the factories. UDP_FIRST and UDP_LAST bound the ports; 0: any. */
struct streams *streams_create(const struct streams_handlers *handlers);
/* No client may be left. */
void streams_destroy(struct streams *streams);

/* Where the factories are. The streams'. */
GstRTSPMountPoints *streams_mounts(const struct streams *streams);

/* Media that are made from now on have UDP ports from FIRST to LAST; 0: any. */
void streams_set_ports(struct streams *streams, unsigned first, unsigned last);

/* Stream NAME ("front", "front/sub") has the ring of FD, which stays the caller's; also: it has another one now. 0 or negative errno. */
int streams_set_ring(struct streams *streams, const char *name, int fd);
/* LIVE: pictures come. */
void streams_set_live(struct streams *streams, const char *name, bool live);
void streams_remove(struct streams *streams, const char *name);

/* The name of the stream that URL means, to be freed with g_free; there need not be one. */
char *streams_name(const GstRTSPUrl *url);

/* The path of URL as the streams' factories have it, however URL is encoded; to be freed with g_free. */
char *streams_path(const GstRTSPUrl *url);

bool streams_has(struct streams *streams, const char *name);

/*
 * Waits until NAME can be played, STREAMS_WAIT_MS at most, and sees to it that there is a factory for what it sends now. GST_RTSP_STS_OK;
 * GST_RTSP_STS_NOT_FOUND; GST_RTSP_STS_SERVICE_UNAVAILABLE.
 */
GstRTSPStatusCode streams_prepare(struct streams *streams, const char *name);

/* No waiting ends later than now: the program ends. */
void streams_stop(struct streams *streams);

#endif
