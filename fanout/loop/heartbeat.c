/* SPDX-License-Identifier: MIT */
#include "fanout/loop/heartbeat.h"

#include "common/ipc/blackbox.h"

/* The loop beats this often, and counts as hung after this long without a beat. */
#define INTERVAL_MS 500
#define ALLOWANCE_MS 3000

static void timer_expired(void *context)
{
    heartbeat_beat(context);
}

int heartbeat_begin(struct heartbeat *heartbeat, struct loop *loop)
{
    heartbeat->due_ns = INT64_MAX;
    return watch_timer_begin(&heartbeat->timer, loop, timer_expired, heartbeat);
}

void heartbeat_beat(struct heartbeat *heartbeat)
{
    blackbox_beat(ALLOWANCE_MS);
    heartbeat->due_ns = clock_now_ns() + INTERVAL_MS * NS_PER_MS;
    watch_timer_arm(&heartbeat->timer, INTERVAL_MS);
}

void heartbeat_end(struct heartbeat *heartbeat)
{
    watch_end(&heartbeat->timer.watch);
}
