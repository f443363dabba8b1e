/* SPDX-License-Identifier: MIT */
/*
 * The process's heartbeat (common/ipc/blackbox.h): it beats from a timer and also from within long work,
 * because a loop that is only busy does not hang. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_HEARTBEAT_H
#define FANOUT_LOOP_HEARTBEAT_H

#include <stdint.h>

#include "common/base/clock.h"
#include "fanout/loop/watch.h"

struct heartbeat {
    struct watch_timer timer;
    int64_t due_ns; /* CLOCK_MONOTONIC: when to beat next; INT64_MAX before the first beat */
};

/* 0 or negative errno. It does not beat yet. */
int heartbeat_begin(struct heartbeat *heartbeat, struct loop *loop);

/* Beats; the timer makes the next beats. */
void heartbeat_beat(struct heartbeat *heartbeat);

/* Call it between two bounded pieces of work: beats if that is due. NOW_NS: CLOCK_MONOTONIC. */
static inline void heartbeat_check(struct heartbeat *heartbeat, int64_t now_ns)
{
    if (now_ns >= heartbeat->due_ns) {
        heartbeat_beat(heartbeat);
    }
}

void heartbeat_end(struct heartbeat *heartbeat);

#endif
