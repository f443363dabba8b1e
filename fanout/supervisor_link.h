/*
 * The channel to ringcastd, as far as this process speaks on it by itself: how many viewers there are,
 * latencies, and which sleeping camera is wanted (docs/reference/control.md, "ringcastd ↔
 * fan-out"). What ringcastd asks for is in supervisor_commands.h. ringcast-fanout's only thread.
 */
#ifndef FANOUT_SUPERVISOR_LINK_H
#define FANOUT_SUPERVISOR_LINK_H

#include <jansson.h>

#include "fanout/loop/watch.h"
#include "fanout/stream.h"

struct supervisor_link {
    struct streams *streams;
    struct watch channel;
};

/*
 * Speaks on CHANNEL, which becomes the loop's, and calls RECEIVED with CONTEXT when a message is there. Makes
 * the timers of the streams' feed set. 0 or negative errno.
 */
int supervisor_link_begin(struct supervisor_link *link, struct loop *loop, struct streams *streams,
                          int channel, void (*received)(void *context), void *context);

/* Sends MESSAGE (consumed; NULL: there was no memory for it). 0; -EPIPE: ringcastd is gone; negative errno. */
int supervisor_link_send(struct supervisor_link *link, json_t *message);

/* Another ringcastd listens: it is to be told everything. */
void supervisor_link_report_again(struct supervisor_link *link);

/* STREAM has one viewer more: the first one of a camera that sleeps wakes it at once. */
void supervisor_link_viewer_joined(struct supervisor_link *link, const struct stream *stream);

void supervisor_link_end(struct supervisor_link *link);

#endif
