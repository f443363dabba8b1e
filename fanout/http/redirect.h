/*
 * A plain HTTP request on a port that speaks TLS is sent to the same address with https (RFC 9110, section 15.4.9).
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_REDIRECT_H
#define FANOUT_HTTP_REDIRECT_H

#include <libwebsockets.h>

#include "fanout/http/http_request.h"

/*
 * Answers REQUEST with 308 and its https address, or with 400 if its Host (RFC 9110, section 7.2) or path cannot be part
 * of one. What the libwebsockets callback returns.
 */
int redirect_to_https(struct lws *wsi, const struct http_request *request);

#endif
