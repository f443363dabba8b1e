/* SPDX-License-Identifier: MIT */
/*
 * go2rtc's door (docs/reference/go2rtc.md): its paths under /api, and its WebSocket up to the moment at which that is a viewer in
 * a feed. Only with `go2rtc` in the configuration. ringcast-fanout's only thread.
 */
#ifndef FANOUT_GO2RTC_H
#define FANOUT_GO2RTC_H

#include "fanout/feed/viewer.h"
#include "fanout/http/upgrade.h"
#include "fanout/stream.h"
#include "fanout/visit.h"

#define GO2RTC_SOCKET_PATH "/api/ws"

/* Bytes of the longest name of a stream: a camera's, and what makes it that of its sub stream; with the NUL. */
#define GO2RTC_SOURCE_SIZE (CAMERA_NAME_MAX + sizeof("_sub"))

/* Answers to paths whose visitor the gate has let in. */
int go2rtc_about(const struct visit *visit);
int go2rtc_streams(const struct visit *visit);
int go2rtc_stream_file(const struct visit *visit);
int go2rtc_picture_file(const struct visit *visit);
int go2rtc_plain_socket(const struct visit *visit);
int go2rtc_playlist(const struct visit *visit);

/*
 * The stream that SOURCE and WANTED name, for whom VISITOR's permit stands: *PERMIT is then a reference for the camera. NULL: there is
 * none, or none for him. A camera that is really called NAME_sub comes before the sub stream of NAME.
 */
struct stream *go2rtc_find(struct router *router, const struct permit *visitor, const char *source,
                           enum upgrade_stream wanted, struct permit **permit);

/* The same for `src` and `stream` in VISIT's query. */
struct stream *go2rtc_find_asked(const struct visit *visit, struct permit **permit);

/* Makes CONNECTION, whose WebSocket is being accepted, that of a guest, who asks for its stream later. False: no memory. */
bool go2rtc_begin(struct connection *connection, struct lws *wsi, enum upgrade_stream wanted);

/*
 * VIEWER's client has said LENGTH bytes of TEXT. True: it asks for the stream, and the guest knows what it plays. What is wrong or
 * unknown has been answered.
 */
bool go2rtc_heard(struct viewer *viewer, const char *text, size_t length);

/* Finds what VIEWER's client has asked for. False: it is not there, and the client has been told. */
bool go2rtc_choose(struct router *router, struct connection *connection, struct viewer *viewer);

#endif
