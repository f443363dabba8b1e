/* SPDX-License-Identifier: MIT */
/*
 * The answer to a page that may not ask: it says which two values differ and which setting would let it in, because most
 * often a proxy in between is the reason and not an attacker. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_FOREIGN_PAGE_H
#define FANOUT_HTTP_FOREIGN_PAGE_H

#include <libwebsockets.h>

#include "fanout/http/http_request.h"

/* Refuses REQUEST with 403, and logs why, at most once in ten seconds. What the libwebsockets callback returns. */
int foreign_page_refuse(struct lws *wsi, const struct http_request *request);

/* Logs why, in the same way: REQUEST is accepted, and its WebSocket closed. */
void foreign_page_note(const struct http_request *request);

#endif
