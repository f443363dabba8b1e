/* SPDX-License-Identifier: MIT */
/*
 * /api/login, /api/logout, /api/session (docs/reference/http.md): how a browser logs in and out and asks who it is.
 * ringcast-fanout's only thread. Each function returns what the libwebsockets callback is to return.
 */
#ifndef FANOUT_HTTP_SESSION_REQUESTS_H
#define FANOUT_HTTP_SESSION_REQUESTS_H

#include <libwebsockets.h>

#include "fanout/http/gate.h"
#include "fanout/http/http_request.h"
#include "fanout/http/post_body.h"

/*
 * Answers a POST of /api/login with BODY (NULL: none). PERMIT is for what is public. The answer waits for ringcast-password;
 * this is called again when the gate has its answer.
 */
int session_requests_log_in(struct gate *gate, struct lws *wsi, const struct http_request *request,
                            const struct permit *permit, const struct post_body *body);

int session_requests_log_out(struct gate *gate, struct lws *wsi, const struct http_request *request,
                             const struct permit *permit);

/* Tells the visitor of PERMIT about himself. */
int session_requests_describe(const struct gate *gate, struct lws *wsi, const struct http_request *request,
                              const struct permit *permit);

#endif
