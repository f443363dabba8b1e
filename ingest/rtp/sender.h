/* SPDX-License-Identifier: MIT */
/*
 * Which SSRC a track's packets have (RFC 3550, 8). Cameras change it in the middle of a stream, some with every group of
 * pictures; and some also send packets of an older session on the same channel or port, which do not belong to the track.
 * So another SSRC is accepted if the answer to SETUP names it, if its sequence numbers continue those of the present one,
 * or if it proves itself by packets in a row. A sender that was replaced and goes on sending shows that both are alive:
 * then the first one stays. A sender whose every packet has another SSRC is known by its sequence numbers alone. Owned by a
 * track; one thread.
 */
#ifndef INGEST_RTP_SENDER_H
#define INGEST_RTP_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "ingest/rtp/rtp_packet.h"

/* Packets in a row that prove another sender; more are needed if the present one is the one that was named. */
#define SENDER_PROOF 2
#define SENDER_PROOF_AGAINST_NAMED 3

/* Senders that are known not to be this track's; they are ignored while its own sends. */
#define SENDER_STRANGERS 4
#define SENDER_SILENCE_NS NS_PER_SECOND

/* So many packets, of which each has another SSRC and the next number, more than such with the same one, show a sender without a
 * lasting SSRC. The count ends there at the latest. */
#define SENDER_RESTLESS 3
#define SENDER_RESTLESS_MAX 16

enum sender_verdict {
    SENDER_SAME,
    SENDER_CONTINUES, /* another SSRC, whose sequence numbers continue */
    SENDER_CHANGED,   /* another sender, whose sequence numbers have nothing to do with those before */
    SENDER_UNPROVEN,  /* it may be another sender: RUN packets in a row are not enough */
    SENDER_STRANGER,
};

struct sender {
    bool named; /* the answer to SETUP named an SSRC: */
    uint32_t name;
    bool known; /* packets came: the sender has this SSRC */
    uint32_t ssrc;
    int64_t arrival_ns; /* of its last packet */
    bool replaced;      /* this SSRC was the sender before: */
    uint32_t previous;
    uint16_t previous_next; /* its next sequence number, if it goes on */
    uint32_t strangers[SENDER_STRANGERS];
    size_t stranger_count;
    bool has_last; /* packets came, the last one with these: */
    uint32_t last_ssrc;
    uint16_t last_sequence;
    unsigned restlessness; /* see SENDER_RESTLESS */
};

/* NAME 0: no SSRC was named. */
void sender_init(struct sender *sender, uint32_t name);

/* Each packet has another SSRC, so that SSRCs mean nothing. */
bool sender_is_restless(const struct sender *sender);

/*
 * NEXT: the sequence number that is expected of the sender. RUN: packets in a row that go on from one to the other, this one
 * included; the caller counts them.
 */
enum sender_verdict sender_judge(struct sender *sender, const struct rtp_packet *packet, uint16_t next,
                                 size_t run, int64_t arrival_ns);

#endif
