/* SPDX-License-Identifier: MIT */
/*
 * Whether it is beyond doubt where a request ends and for whom it is (RFC 9112, 3.2, 5.1 and 6). A proxy that sees another end would
 * send the rest of it as somebody else's request. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_REQUEST_FRAMING_H
#define FANOUT_HTTP_REQUEST_FRAMING_H

#include <libwebsockets.h>

/* Of the request in WSI, whose head has been read. 0, or the status to refuse it with; the connection is to be closed then. */
int request_framing_judge(struct lws *wsi);

#endif
