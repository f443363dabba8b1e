/* SPDX-License-Identifier: MIT */
/*
 * Answers that are a camera's stream as a file (docs/reference/mp4.md). They begin when the stream has a keyframe for them:
 * until then, and while they go on, their connection is a viewer's. ringcast-fanout's only thread.
 */
#ifndef FANOUT_MEDIA_ROUTES_H
#define FANOUT_MEDIA_ROUTES_H

#include <stdint.h>

#include "fanout/feed/guest.h"
#include "fanout/stream.h"
#include "fanout/visit.h"

#define MEDIA_ROUTES_STREAM "/stream/"
#define MEDIA_ROUTES_SUFFIX ".mp4"

/* `/stream/NAME.mp4`. */
int media_routes_stream(const struct visit *visit);

/*
 * Answers VISIT with STREAM as a file of KIND, and as long as the query says, for whom PERMIT lets watch it. FROM_ZERO:
 * its decode times begin at 0 in any case, otherwise if the query says so. The guest is then in
 * the connection, and joins before the stack unwinds (router.h).
 */
int media_routes_begin(const struct visit *visit, struct stream *stream, enum guest_kind kind,
                       struct permit *permit, bool from_zero);

/* How a request in WSI gets a file: in chunks, if it understands them. */
enum guest_kind media_routes_file_kind(struct lws *wsi);

/*
 * Answers HEAD, without a body and without waiting for the camera: whether it has something to send is not known before. HEADERS: more
 * header lines, or NULL.
 */
int media_routes_answer_head(const struct visit *visit, const char *headers);

/*
 * Answers VISIT with STREAM to GUEST (consumed; NULL: there was no memory for it), for whom PERMIT lets watch it, if no limit is against it.
 * As media_routes_begin.
 */
int media_routes_admit(const struct visit *visit, struct stream *stream, struct guest *guest,
                       struct permit *permit, const char *headers);

/*
 * Answers a request whose guest was to be closed with CODE and REASON before it had begun. What libwebsockets' callback is to
 * return.
 */
int media_routes_refuse(struct router *router, struct lws *wsi, uint16_t code, const char *reason);

#endif
