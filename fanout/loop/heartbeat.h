/*
 * The process's signs of life (common/ipc/blackbox.h): from a timer, and also from within long work, because
 * a loop that is only busy is not hung. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_HEARTBEAT_H
#define FANOUT_LOOP_HEARTBEAT_H

#include <stdint.h>

#include "common/base/clock.h"
#include "fanout/loop/watch.h"

struct heartbeat {
    struct watch_timer timer;
    int64_t due_ns; /* CLOCK_MONOTONIC: the next one; INT64_MAX before the first */
};

/* 0 or negative errno. It does not beat yet. */
int heartbeat_begin(struct heartbeat *heartbeat, struct loop *loop);

/* Beats; the next beats follow by themselves. */
void heartbeat_beat(struct heartbeat *heartbeat);

/* To be called between two bounded pieces of work: beats if it is time to. NOW_NS: CLOCK_MONOTONIC. */
static inline void heartbeat_check(struct heartbeat *heartbeat, int64_t now_ns)
{
    if (now_ns >= heartbeat->due_ns) {
        heartbeat_beat(heartbeat);
    }
}

void heartbeat_end(struct heartbeat *heartbeat);

#endif
