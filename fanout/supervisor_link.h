/* SPDX-License-Identifier: MIT */
/*
 * What this process sends on the channel to ringcastd of its own accord: numbers of viewers, latencies, and
 * which idle camera is wanted (docs/reference/control.md, "ringcastd ↔ fan-out"). What ringcastd sends is
 * handled in supervisor_commands.h. ringcast-fanout's only thread.
 */
#ifndef FANOUT_SUPERVISOR_LINK_H
#define FANOUT_SUPERVISOR_LINK_H

#include <jansson.h>

#include "fanout/loop/connections.h"
#include "fanout/loop/limits.h"
#include "fanout/loop/watch.h"
#include "fanout/stream.h"

struct supervisor_link {
    struct streams *streams;
    const struct connections *connections; /* the server's, as are the next */
    const struct limits *limits;
    struct watch_timer doors_timer; /* armed while `doors` is to be sent */
    bool doors_due;
    bool doors_told; /* it was sent, or is to be */
    struct watch channel;
};

/*
 * Begins to use CHANNEL, which the loop owns from now on, and calls RECEIVED with CONTEXT when a message has
 * come. Creates the timers of the streams' feed set. 0 or negative errno.
 */
int supervisor_link_begin(struct supervisor_link *link, struct loop *loop, struct streams *streams,
                          const struct connections *connections, const struct limits *limits, int channel,
                          void (*received)(void *context), void *context);

/*
 * Sends MESSAGE (consumed; NULL: there was no memory for it). 0; -EPIPE: ringcastd is gone; negative errno.
 */
int supervisor_link_send(struct supervisor_link *link, json_t *message);

/* Another ringcastd has taken over: sends all reports again. */
void supervisor_link_report_again(struct supervisor_link *link);

/* The number of connections has changed, or somebody was refused: that is reported soon. */
void supervisor_link_doors_changed(struct supervisor_link *link);

/* STREAM has one more viewer. The first viewer of an idle camera wakes it at once. */
void supervisor_link_viewer_joined(struct supervisor_link *link, const struct stream *stream);

void supervisor_link_end(struct supervisor_link *link);

#endif
