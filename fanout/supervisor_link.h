/*
 * The channel to ringcastd (docs/reference/control.md, "ringcastd ↔ fan-out"). ringcast-fanout's only thread.
 */
#ifndef FANOUT_SUPERVISOR_LINK_H
#define FANOUT_SUPERVISOR_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/loop/watch.h"

struct camera;
struct server;

struct control {
    struct server *server;
    struct watch channel;
    struct watch_timer report_timer;  /* armed while a report waits for its second to pass */
    struct watch_timer latency_timer; /* armed while there are latencies to report */
    struct watch_timer beat_timer;    /* the heartbeat */
    int64_t reported_ms;              /* CLOCK_MONOTONIC */
    bool report_due, latency_due;
};

/* Obeys CHANNEL, which becomes the loop's. 0 or negative errno. */
int control_begin(struct control *control, struct server *server, struct loop *loop, int channel);

/* A camera's number of viewers has changed: ringcastd is to know, at most once a second. */
void control_viewers_changed(struct control *control);

/* A camera has latencies that were not told: ringcastd is to know, every 2 s. */
void control_latency_due(struct control *control);

/* CAMERA has one viewer more: the first one of a camera that sleeps wakes it at once. */
void control_viewer_joined(struct control *control, const struct camera *camera);

void control_end(struct control *control);

#endif
