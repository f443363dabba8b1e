/* SPDX-License-Identifier: MIT */
/*
 * Requests that belong to another address are sent there (308, RFC 9110, section 15.4.9). ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_REDIRECT_H
#define FANOUT_HTTP_REDIRECT_H

#include <libwebsockets.h>

#include "fanout/http/http_request.h"

/*
 * From plain HTTP on a port that speaks TLS to the same address with https. Or 400 if its Host (RFC 9110, section 7.2) or
 * path cannot be part of one. What the libwebsockets callback returns.
 */
int redirect_to_https(struct lws *wsi, const struct http_request *request);

/*
 * From the base path to the same with a slash behind it, against which the wall's relative addresses work. What the
 * libwebsockets callback returns.
 */
int redirect_to_base(struct lws *wsi, const struct http_request *request);

#endif
