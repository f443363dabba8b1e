/* SPDX-License-Identifier: MIT */
/*
 * Pages of other origins that may read answers (`cors_origins`): the headers by which a browser hands an answer to them
 * (Fetch, section 3.2), and the answer to the question that it asks before some requests. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_CORS_H
#define FANOUT_HTTP_CORS_H

#include <libwebsockets.h>

#include "fanout/http/http_request.h"

/* Bytes of the header lines, with the NUL. */
#define CORS_HEADERS_SIZE (HTTP_REQUEST_HOST_SIZE + 256)

/* The header lines for the answer to REQUEST, each with CR LF; "" if nobody but the server's own pages may read answers. */
void cors_write_headers(const struct http_request *request, char lines[CORS_HEADERS_SIZE]);

/* True if REQUEST is a browser's question whether a page of one of these origins may send a request (a preflight). */
bool cors_is_preflight(struct lws *wsi, const struct http_request *request);

/* Answers it, the same for every path: what is there is not told. What the libwebsockets callback returns. */
int cors_answer_preflight(struct lws *wsi, const struct http_request *request);

#endif
