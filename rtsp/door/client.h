/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: GstRTSPClient with a writer of ringcast's own, which sees to it that each client begins with the newest keyframe, and
 * says so in RTP-Info (RFC 2326, 12.33). It is counted as a viewer while it plays.
 *
 * A client lives in a thread of its own (GstRTSPThreadPool), so one that waits for a camera or a password delays no other one. Functions may be
 * called from any thread unless they say otherwise.
 */
#ifndef RTSP_DOOR_CLIENT_H
#define RTSP_DOOR_CLIENT_H

#include <gst/rtsp-server/rtsp-server.h>
#include <stdbool.h>

#include "rtsp/media/feed.h"

/* Whoever lets clients in: it judges each request, and learns of who plays. */
struct client_handlers {
    /* A client's thread: answers the request of CONTEXT itself and returns false, or lets it go on. */
    bool (*allows)(void *owner, GstRTSPContext *context);
    /* A client's thread: makes a medium ready for the URL of CONTEXT. GST_RTSP_STS_OK, or the answer. */
    GstRTSPStatusCode (*prepares)(void *owner, GstRTSPContext *context);
    /* Any thread: CLIENT has begun to play (FEED is borrowed), or has ended. */
    void (*changed)(void *owner);
    void *owner;
};

/* A server whose clients are such. It listens nowhere: connections are handed to it. */
GstRTSPServer *client_server_new(const struct client_handlers *handlers);

/* Writes the answer CODE, with HEADERS (name, value, name, value … NULL, by gst_rtsp_message_add_header_by_name). The client's thread. */
void client_answer(GstRTSPContext *context, GstRTSPStatusCode code, const char *const *headers);

/* Ends the connection soon. */
void client_end(GstRTSPClient *client);

/* The camera that CLIENT plays, to be freed with g_free; NULL: none. */
char *client_camera(GstRTSPClient *client);

/* Whether CLIENT has something of FEED: it plays it, or prepares to. */
bool client_has(GstRTSPClient *client, const struct feed *feed);

/* What the door notes about a client; freed with it. Under the door's own lock. */
void client_set_data(GstRTSPClient *client, void *data, GDestroyNotify free_data);
void *client_data(GstRTSPClient *client);

#endif
