/* SPDX-License-Identifier: MIT */
/*
 * WebSocket subprotocols (RFC 6455, section 1.9). A client that offers any must offer `ringcast`, or that of a socket with several
 * cameras, which the server then chooses; the others may be a way to show who the client is, since a browser's page cannot set a
 * header, or ask for something.
 *
 * libwebsockets reads the client's list into 128 bytes, and each name into 64, before it compares them with its own
 * protocols, and refuses what is longer: a token is. So this program has a lws_hdr_copy in front of the library's. It gives
 * the library the list as the one that the server chooses, and everything else as it is. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_SUBPROTOCOL_H
#define FANOUT_HTTP_SUBPROTOCOL_H

#include <libwebsockets.h>
#include <stdbool.h>

/* Those that the server speaks: one camera, and several. */
#define SUBPROTOCOL_NAME "ringcast"
#define SUBPROTOCOL_BUNDLE "ringcast.bundle.1"

/* Offered beside them by a client that wants to be told by a close code why it is refused, and not by an HTTP status. */
#define SUBPROTOCOL_REASONS "ringcast.reasons"

/* The one that the server chooses of those that the client offers, SUBPROTOCOL_NAME if it offers none at all. NULL: it speaks none of them. */
const char *subprotocol_choose(struct lws *wsi);

/* True if the client is to be told by a close code. */
bool subprotocol_wants_reasons(struct lws *wsi);

/* True if TEXT, a list (RFC 9110, section 5.6.1), has the element NAME. Pure. */
bool subprotocol_list_has(const char *text, const char *name);

#endif
