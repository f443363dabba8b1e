/* SPDX-License-Identifier: MIT */
/*
 * Unexpected packets, kept until enough of them follow each other to prove that the sender has started again, so that its
 * first packets are not lost. A run has packets of one payload type with consecutive sequence numbers, and of one SSRC unless its owner allows others. It copies
 * the payloads, and keeps the memory for the next run. Owned by a track; one thread.
 */
#ifndef INGEST_RTP_PACKET_RUN_H
#define INGEST_RTP_PACKET_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/rtp/rtp_packet.h"

/* Packets in a run: as many as any proof needs. */
#define PACKET_RUN_MAX 8

struct packet_run {
    struct {
        struct rtp_packet packet; /* its payload lies in `data` */
        int64_t arrival_ns;
        uint8_t *data; /* owned */
        size_t room;
    } items[PACKET_RUN_MAX];
    size_t count;
};

void packet_run_init(struct packet_run *run);
void packet_run_finish(struct packet_run *run);

/* True if PACKET continues the run, with ANY_SSRC or the run's, or if there is no run. */
bool packet_run_follows(const struct packet_run *run, const struct rtp_packet *packet, bool any_ssrc);

/* Adds a packet that follows. Without room or memory the run stays as it is. */
void packet_run_add(struct packet_run *run, const struct rtp_packet *packet, int64_t arrival_ns);

/* Empties the run. The payloads stay valid until the next packet_run_add. */
void packet_run_clear(struct packet_run *run);

#endif
