/* SPDX-License-Identifier: MIT */
/*
 * Whether a sender's sequence numbers say anything about loss. Over TCP nothing is lost on the way, so a sender whose numbers
 * stand still, begin anew with each picture, count by two, or count the packets of all medias together is believed to send
 * everything, and its packets are counted here instead. Owned by a track; one thread.
 */
#ifndef INGEST_RTP_NUMBERING_H
#define INGEST_RTP_NUMBERING_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/rtp/rtp_packet.h"

struct numbering {
    bool meaningless; /* packets get numbers of our own */
    uint16_t own;     /* the next one */
    bool started;
    uint16_t last; /* of the newest packet: its number and its time, as sent */
    uint32_t timestamp;
    bool newer; /* its time is after that of the packet before */
    unsigned doubt;
    unsigned elsewhere; /* packets of other medias since then */
    unsigned shared;    /* gaps in a row that were as large as the number of those */
};

/* A packet of the same connection came for another media. */
void numbering_elsewhere(struct numbering *numbering);

/* A packet of the sender came. The number to use for it. */
uint16_t numbering_take(struct numbering *numbering, const struct rtp_packet *packet);

/* The packet is in its place, behind a gap or not. */
void numbering_fits(struct numbering *numbering, bool gap);

/* The newest packet has a number that has come before, or one that is far away. */
void numbering_does_not_fit(struct numbering *numbering);

/* True once it has become clear that the numbers mean nothing: then packets are counted anew. */
bool numbering_gives_up(struct numbering *numbering);

#endif
