/* SPDX-License-Identifier: MIT */
/*
 * Connections whose last answer is sent while the client still talks. Closed at once, they would be reset, and the client
 * might never read that answer; so what it still sends is thrown away for a moment. Beyond a number of them at a time
 * connections are closed at once. ringcast-fanout's only thread.
 */
#ifndef FANOUT_LOOP_LINGER_H
#define FANOUT_LOOP_LINGER_H

#include <stddef.h>
#include <stdint.h>

#include "fanout/loop/watch.h"

#define LINGER_MAX 64

struct lingerer {
    struct watch watch;
    struct linger_set *set;
    int64_t until_ns; /* CLOCK_MONOTONIC */
    size_t left;      /* bytes that are still thrown away */
};

struct linger_set {
    struct lingerer list[LINGER_MAX];
    struct watch_timer timer; /* armed while there are any */
    struct loop *loop;
};

/* 0 or negative errno. */
int linger_begin(struct linger_set *set, struct loop *loop);

/* Closes FD, which belongs to SET from now on, when the client has closed, or in a moment. */
void linger_close(struct linger_set *set, int fd);

/* Closes all. */
void linger_end(struct linger_set *set);

#endif
