/*
 * The viewers of this fan-out for an operator who asks which there are, and who may close them
 * (docs/reference/control.md, "ringcastd ↔ fan-out"). It costs nothing until then. ringcast-fanout's only
 * thread.
 */
#ifndef FANOUT_VIEWER_LIST_H
#define FANOUT_VIEWER_LIST_H

#include "fanout/stream.h"

/* The close code of a viewer that an operator ended (RFC 6455, 7.4.2: private use; docs/reference/http.md). */
#define VIEWER_LIST_KICKED 4000

/*
 * Puts in *VIEWERS a new array (or NULL: out of memory) of the viewers that `viewers-list` REQUEST asks for:
 * those whose number is above its `after`, lowest first, as many as fit a message. True: there are more.
 */
bool viewer_list_page(const struct streams *streams, const json_t *request, json_t **viewers);

/* Begins to close the viewer, or all viewers of the stream, that `kick` REQUEST names. Returns how many. */
unsigned viewer_list_kick(const struct streams *streams, const json_t *request);

#endif
