/*
 * The viewers of this fan-out for people who want to know who they are, and to end one
 * (docs/reference/control.md, "ringcastd ↔ fan-out"). Costs nothing until somebody asks. ringcast-fanout's
 * only thread.
 */
#ifndef FANOUT_FEED_VIEWER_LIST_H
#define FANOUT_FEED_VIEWER_LIST_H

#include "fanout/stream.h"

/*
 * The close code of a viewer that an operator ended (RFC 6455, 7.4.2: private use; docs/reference/http.md).
 */
#define AUDIENCE_KICKED 4000

/*
 * What the answer to `viewers-list` REQUEST says: `viewers`, those whose number is above its `after`, lowest
 * first, as many as fit a message, and `more`. A new object, or NULL.
 */
json_t *audience_list(const struct cameras *cameras, const json_t *request);

/*
 * Begins to close the viewer, or all viewers of the camera, that REQUEST (`kick`) names. How many they are.
 */
unsigned audience_kick(const struct cameras *cameras, const json_t *request);

#endif
