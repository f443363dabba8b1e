/* SPDX-License-Identifier: MIT */
/*
 * Puts the packets of one sender into order by their sequence numbers (RFC 3550, A.1) and hands out each of them once. Packets wait for
 * those that are missing, a bounded number of them for a bounded time: few over TCP, where only the camera itself can put them out
 * of order. Owned by a track; one thread. Copies only what has to wait, and takes memory only when something has to.
 */
#ifndef INGEST_RTP_REORDER_H
#define INGEST_RTP_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "ingest/rtp/rtp_packet.h"

/* Packets that may wait over UDP, a power of two, and over TCP. */
#define REORDER_PACKETS 256
#define REORDER_PACKETS_TCP 16

/* How long the oldest of them may wait. */
#define REORDER_WAIT_NS (100 * NS_PER_MS)

/* Bytes that may wait: REORDER_PACKETS of any size that a network carries in one piece, and more. */
#define REORDER_BYTES_MAX ((size_t)2 * 1024 * 1024)

struct reorder_slot {
    struct rtp_packet packet; /* its payload lies in DATA */
    uint8_t *data;            /* owned */
    size_t room;
    int64_t arrival_ns;
    bool waits;
};

struct reorder {
    int64_t window; /* packets that may wait, and the one that they wait for */
    bool started;
    int64_t next;    /* extended sequence number of the packet due */
    int64_t highest; /* received */
    int64_t release; /* packets before this one are no longer waited for */
    bool has_direct; /* `direct` is set: a packet in the caller's memory, which need not wait */
    struct rtp_packet direct;
    int64_t direct_sequence;
    int64_t direct_arrival_ns;
    size_t waiting; /* packets */
    size_t waiting_bytes;
    bool seen[REORDER_PACKETS]; /* by extended sequence number, up to REORDER_PACKETS behind `highest` */
    struct reorder_slot *slots; /* owned, `window` of them; NULL: no packet has had to wait yet */
    uint64_t lost, reordered, duplicates;
};

enum reorder_result {
    REORDER_TAKEN,
    REORDER_OLD,  /* not taken: it has come before, or comes too late */
    REORDER_JUMP, /* not taken: far from what is expected */
};

/* A packet in its order. Its payload is valid until the next reorder_put. */
struct reorder_packet {
    struct rtp_packet packet;
    int64_t arrival_ns;
    bool gap; /* packets before it are missing */
};

/* WINDOW is at most REORDER_PACKETS; with 1 nothing waits, and a gap is a loss at once. */
void reorder_init(struct reorder *reorder, int64_t window);
void reorder_finish(struct reorder *reorder);

/* Another sender: the next packet is the first one. What waits is dropped. */
void reorder_restart(struct reorder *reorder);

/* The payload must stay as it is until reorder_next has returned 0. */
enum reorder_result reorder_put(struct reorder *reorder, const struct rtp_packet *packet, int64_t arrival_ns);

/* 1: *packet is the next one; 0: none. */
int reorder_next(struct reorder *reorder, struct reorder_packet *packet);

/* When packets will have waited long enough (CLOCK_MONOTONIC); INT64_MAX: no packet waits. */
int64_t reorder_deadline(const struct reorder *reorder);

/* Gives up the packets that are missing before those that have waited long enough. */
void reorder_expire(struct reorder *reorder, int64_t now_ns);

#endif
