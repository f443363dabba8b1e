/* SPDX-License-Identifier: MIT */
/*
 * Reads a request for a WebSocket: whether this server speaks it (RFC 6455, 4.2.1), whether it comes from a
 * page that may have it, and which stream it asks for. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_UPGRADE_H
#define FANOUT_HTTP_UPGRADE_H

#include <libwebsockets.h>

#include "fanout/http/http_request.h"

/* The value of `stream` in the query. */
enum upgrade_stream {
    UPGRADE_STREAM_MAIN,  /* "main", or no query */
    UPGRADE_STREAM_SUB,   /* "sub" */
    UPGRADE_STREAM_OTHER, /* a stream that no camera has */
};

struct upgrade {
    struct http_request request;
    enum upgrade_stream stream;
    bool bundle; /* it speaks SUBPROTOCOL_BUNDLE */
    bool
        keyframes; /* the query has `frames=key`; with another value than that or `all`, `stream` is UPGRADE_STREAM_OTHER */
};

/* Which stream the query of any request asks for. */
enum upgrade_stream upgrade_read_stream(struct lws *wsi);

/* Which stream VALUE asks for; NULL: nothing was said. */
enum upgrade_stream upgrade_stream_of(const char *value);

/* Whether VALUE ("key", "all", NULL for nothing) asks for keyframes only. False: it is something else. */
bool upgrade_frames_of(const char *value, bool *keyframes);

/*
 * Reads the request by POLICY, in LWS_CALLBACK_HTTP_CONFIRM_UPGRADE. 0: a WebSocket that this server speaks, from a
 * page that may have it. Above 0: the HTTP status to refuse it with, 403 for what would be 0 but for its foreign page. -1: not a WebSocket; drop the
 * connection.
 */
int upgrade_read(struct lws *wsi, const struct policy *policy, struct upgrade *upgrade);

#endif
