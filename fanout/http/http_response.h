/*
 * Writes whole HTTP/1.1 responses. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_HTTP_RESPONSE_H
#define FANOUT_HTTP_HTTP_RESPONSE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

#include "fanout/http/gate.h"

struct http_response {
    int status;
    const char *type;          /* of the body; NULL: no body */
    const char *cache_control; /* NULL: "no-store" */
    const char *headers;       /* more header lines, each with CR LF; NULL: none */
    const void *body;
    size_t length;  /* of the body */
    bool head_only; /* the request was HEAD: the length is sent without the body */
    bool close;     /* the connection cannot be used again */
};

/*
 * Sends RESPONSE, content that PERMIT is for: without one the connection is closed instead. The body is copied if the socket does not take it at once. The result is what the
 * libwebsockets callback is to return: 0, or -1 to close the connection.
 */
int http_response_send(struct lws *wsi, const struct permit *permit, const struct http_response *response);

/*
 * Sends a response without content, which needs no permit: its body is the status in words, and closes the connection after it. HEADERS as above.
 */
int http_response_refuse(struct lws *wsi, int status, bool head_only, const char *headers);

#endif
