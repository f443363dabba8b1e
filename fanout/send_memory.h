/* SPDX-License-Identifier: MIT */
/*
 * Bounds the data that the kernel holds because viewers have not taken it: a viewer that reads nothing holds
 * up to a megabyte, and the kernel slows down every TCP connection of the machine when all of them together
 * hold too much (tcp_mem in tcp(7)). Over the bound, the viewers that have taken nothing for longest are
 * disconnected, at first only those of clients (connections.h) that hold more than their share. Viewers are
 * examined while some are behind, and when TCP holds much on this machine. ringcast-fanout's only thread.
 */
#ifndef FANOUT_SEND_MEMORY_H
#define FANOUT_SEND_MEMORY_H

#include "fanout/stream.h"

struct send_memory {
    struct streams *streams;
    size_t max;       /* bytes */
    int sockstat;     /* /proc/net/sockstat, opened before the sandbox; -1: not available */
    int64_t asked_ns; /* CLOCK_MONOTONIC: when the kernel was last asked; later if that was in vain */
};

/*
 * Creates the memory_timer of the streams' feed set. Until `max` is set, the bound is a part of what the
 * kernel allows TCP before it saves memory. Call it before the sandbox, which closes /proc. 0 or negative
 * errno.
 */
int send_memory_begin(struct send_memory *memory, struct loop *loop, struct streams *streams);

/*
 * Call it between two events, when fragments were sent. Asks the kernel, at most twenty times a second, how
 * much TCP holds. It also examines the viewers if many of them have just fallen behind, because the timer may
 * be late in a busy loop.
 */
void send_memory_check(struct send_memory *memory, int64_t now_ns);

void send_memory_end(struct send_memory *memory);

#endif
