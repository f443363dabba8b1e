/*
 * The channel to ringcastd (docs/reference/control.md, "ringcastd ↔ fan-out"). ringcast-fanout's only thread.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "watch.h"

struct server;

struct control {
    struct server *server;
    struct watch channel;
    struct watch_timer report_timer; /* armed while a report waits for its second to pass */
    int64_t reported_ms;             /* CLOCK_MONOTONIC */
    bool report_due;
};

/* Obeys CHANNEL, which becomes the loop's. 0 or negative errno. */
int control_begin(struct control *control, struct server *server, struct lws_vhost *vhost, int channel);

/* A camera's number of viewers has changed: ringcastd is to know, at most once a second. */
void control_viewers_changed(struct control *control);

#endif
