/* SPDX-License-Identifier: MIT */
/*
 * The text message that a WebSocket client is sending. It comes in as many pieces as the client makes fragments of it (RFC 6455,
 * 5.4), and as the network makes of each: libwebsockets hands over what there is of a frame. Pieces are put together up to a bound.
 * A message that comes whole costs no copy and no memory. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_SAID_H
#define FANOUT_HTTP_SAID_H

#include <stdbool.h>
#include <stddef.h>

/* What has come of a message; NULL: nothing. */
struct said;

enum said_result {
    SAID_IN_PART, /* more is to come */
    SAID_WHOLE,
    SAID_LOST, /* it has ended, and is longer than may be, or there was no memory for it */
};

/*
 * Adds LENGTH bytes of DATA to *SAID; LAST: the message ends with them. MOST: how long it may be. With SAID_WHOLE, *TEXT and *TEXT_LENGTH are the
 * message, valid until said_forget, which is to be called at the end of every message.
 */
enum said_result said_add(struct said **said, const void *data, size_t length, bool last, size_t most,
                          const char **text, size_t *text_length);

/* *SAID is NULL afterwards. */
void said_forget(struct said **said);

#endif
