/*
 * Which SSRC a track's packets have (RFC 3550, 8). Cameras change it in flight, some with every group of
 * pictures; and some send packets of an older session of theirs on the same channel or port, which belong to
 * nobody. So another SSRC counts if the session's description names it, if its sequence numbers go on with
 * those of the present one, or if it proves itself by packets in a row; and a sender that was replaced and
 * goes on shows that both are alive: then the first one stays. Owned by a track; one thread.
 */
#ifndef INGEST_RTP_SENDER_H
#define INGEST_RTP_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "ingest/rtp/rtp_packet.h"

/* Packets in a row that prove another sender; more if the present one is the one that was named. */
#define SENDER_PROOF 2
#define SENDER_PROOF_AGAINST_NAMED 3

/* Senders that are known not to be ours, and are ignored while ours sends. */
#define SENDER_STRANGERS 4
#define SENDER_SILENCE_NS NS_PER_SECOND

enum sender_verdict {
    SENDER_SAME,
    SENDER_CONTINUES, /* another SSRC, which goes on where the last one was */
    SENDER_CHANGED,   /* another sender; its numbers have nothing to do with those before */
    SENDER_UNPROVEN,  /* it may be another sender: RUN packets in a row were not enough */
    SENDER_STRANGER,
};

struct sender {
    bool named; /* by the answer to SETUP: NAME */
    uint32_t name;
    bool known; /* SSRC is that of the sender */
    uint32_t ssrc;
    int64_t arrival_ns; /* of its last packet */
    bool replaced;      /* PREVIOUS was the sender before */
    uint32_t previous;
    uint16_t previous_next; /* the sequence number with which it would go on */
    uint32_t strangers[SENDER_STRANGERS];
    size_t stranger_count;
};

/* NAME 0: no SSRC was named. */
void sender_init(struct sender *sender, uint32_t name);

/*
 * NEXT: the sequence number with which the sender goes on. RUN: packets like this one in a row, with it; the
 * caller counts them.
 */
enum sender_verdict sender_judge(struct sender *sender, const struct rtp_packet *packet, uint16_t next,
                                 size_t run, int64_t arrival_ns);

#endif
