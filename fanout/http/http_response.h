/* SPDX-License-Identifier: MIT */
/*
 * Writes whole HTTP/1.1 responses, with the headers that every one has: what pages may do with it, who may show and read it,
 * and that it is to be asked for over https. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_HTTP_RESPONSE_H
#define FANOUT_HTTP_HTTP_RESPONSE_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

#include "fanout/http/gate.h"
#include "fanout/http/http_request.h"

struct http_response {
    int status;
    const char *type;          /* of the body; NULL: no body */
    const char *cache_control; /* NULL: "no-store" */
    const char *headers;       /* more header lines, each with CR LF; NULL: none */
    const void *body;
    size_t length; /* of the body */
    bool close;    /* the connection cannot be used again; nor after a request that is the last one */
    bool open;     /* nothing is said of the length; there is no body here */
};

/* STATUS in words (RFC 9110, 15; RFC 6585). */
const char *http_response_reason(int status);

/*
 * Answers REQUEST with RESPONSE, content that PERMIT is for: without one the connection is closed instead. To HEAD the length
 * is sent without the body. The body is copied if the socket does not take it at once. The result is what the libwebsockets
 * callback is to return: 0, or -1 to close the connection.
 */
int http_response_send(struct lws *wsi, const struct http_request *request, const struct permit *permit,
                       const struct http_response *response);

/*
 * Sends the head alone; the caller sends the body in pieces, of which the last is LWS_WRITE_HTTP_FINAL, and then completes the
 * transaction, or closes the connection if the request is the last one. 0, or -1 to close the connection. Not for HEAD.
 */
int http_response_begin(struct lws *wsi, const struct http_request *request, const struct permit *permit,
                        const struct http_response *response);

/*
 * The head of RESPONSE, which is open, without the empty line at its end, for content that PERMIT is for. malloc'ed; NULL: no memory,
 * or no permit.
 */
char *http_response_head(const struct http_request *request, const struct permit *permit,
                         const struct http_response *response);

/*
 * Answers REQUEST without content, which needs no permit: the body is the status in words, and the connection is closed
 * after it. HEADERS as above.
 */
int http_response_refuse(struct lws *wsi, const struct http_request *request, int status,
                         const char *headers);

/* The same with TEXT, which tells no more than the request itself and the configuration's rules for HTTP. */
int http_response_explain(struct lws *wsi, const struct http_request *request, int status, const char *text);

#endif
