/* SPDX-License-Identifier: MIT */
/*
 * WebSocket subprotocols (RFC 6455, section 1.9). A client that offers any must offer `ringcast`, which the server then
 * chooses; the others may be a way to show who the client is, since a browser's page cannot set a header.
 *
 * libwebsockets reads the client's list into 128 bytes, and each name into 64, before it compares them with its own
 * protocols, and refuses what is longer: a token is. So this program has a lws_hdr_copy in front of the library's. It gives
 * the library the list as "ringcast" if that is in it, and everything else as it is. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_SUBPROTOCOL_H
#define FANOUT_HTTP_SUBPROTOCOL_H

#include <libwebsockets.h>
#include <stdbool.h>

/* The one that the server speaks. */
#define SUBPROTOCOL_NAME "ringcast"

/* True if the client offers none at all, or SUBPROTOCOL_NAME among others. */
bool subprotocol_is_ours(struct lws *wsi);

/* True if TEXT, a list (RFC 9110, section 5.6.1), has the element NAME. Pure. */
bool subprotocol_list_has(const char *text, const char *name);

#endif
