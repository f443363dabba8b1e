/*
 * Bounds what the kernel keeps of data that viewers have not taken: one that reads nothing holds up to a
 * megabyte, and the kernel slows every TCP connection of the machine down when all of them together hold too
 * much (tcp_mem in tcp(7)). Over the bound, those viewers are disconnected that have taken nothing for
 * longest, at first only those of clients (connections.h) that hold more than their share. Viewers are looked at while some are behind, and when TCP holds much on this machine.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_SEND_MEMORY_H
#define FANOUT_SEND_MEMORY_H

#include "fanout/stream.h"

struct send_memory {
    struct streams *streams;
    size_t max;       /* bytes */
    int sockstat;     /* /proc/net/sockstat, open since before the sandbox; -1: not there */
    int64_t asked_ns; /* CLOCK_MONOTONIC: when the kernel was last asked; in the future after a vain look */
};

/*
 * Makes the streams' feed set's memory_timer. The bound is a part of what the kernel lets TCP have before it
 * saves memory, until `max` is set. To be called before the sandbox, which closes /proc. 0 or negative errno.
 */
int send_memory_begin(struct send_memory *memory, struct loop *loop, struct streams *streams);

/*
 * Fragments were sent: asks the kernel, at most twenty times a second, what TCP holds. Also looks if many viewers have
 * just fallen behind, because the timer may come late in a busy loop. To be called between two events.
 */
void send_memory_check(struct send_memory *memory, int64_t now_ns);

void send_memory_end(struct send_memory *memory);

#endif
