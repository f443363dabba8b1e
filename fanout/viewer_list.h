/* SPDX-License-Identifier: MIT */
/*
 * The commands `viewers-list` and `kick`, by which an operator sees the viewers of this fan-out and closes
 * them (docs/reference/control.md, "ringcastd ↔ fan-out"). ringcast-fanout's only thread.
 */
#ifndef FANOUT_VIEWER_LIST_H
#define FANOUT_VIEWER_LIST_H

#include "fanout/stream.h"

/*
 * The close code of a viewer that an operator closed (RFC 6455, 7.4.2: private use; docs/reference/http.md).
 */
#define VIEWER_LIST_KICKED 4000

/*
 * Lists the viewers that REQUEST, a `viewers-list`, asks for: those whose number is above its `after`, lowest
 * first, as many as fit a message. *VIEWERS gets a new array, or NULL if there is no memory. True: there are
 * more.
 */
bool viewer_list_page(const struct streams *streams, const json_t *request, json_t **viewers);

/*
 * Begins to close the viewer, or all viewers of the stream, that REQUEST, a `kick`, names. Returns how many.
 */
unsigned viewer_list_kick(const struct streams *streams, const json_t *request);

#endif
