/*
 * WebSocket upgrades as the client asks for them: which of them this server speaks (RFC 6455, 4.2.1), from
 * which pages it takes them, and what they ask for. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_UPGRADE_H
#define FANOUT_HTTP_UPGRADE_H

#include <libwebsockets.h>

#include "fanout/http/http_request.h"

/* The value of `stream` in the query. */
enum upgrade_stream {
    UPGRADE_STREAM_MAIN,  /* "main", as without a query */
    UPGRADE_STREAM_SUB,   /* "sub" */
    UPGRADE_STREAM_OTHER, /* a stream that no camera has */
};

struct upgrade {
    struct http_request request;
    enum upgrade_stream stream;
};

/*
 * Reads what the client asks for, in LWS_CALLBACK_HTTP_CONFIRM_UPGRADE. 0: a WebSocket that is spoken here,
 * from a page that may have it; else the HTTP status of the refusal; -1: not a WebSocket, to be dropped.
 */
int upgrade_read(struct lws *wsi, struct upgrade *upgrade);

#endif
