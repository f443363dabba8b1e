/* SPDX-License-Identifier: MIT */
/*
 * What nodes ask each other about leases (relay/owner/votes.h), as messages of NATS: JSON, to the subject of the node that it is for
 * (docs/reference/cluster.md). An answer is the question again, with what is said to it. What cannot be read is left out: a node that does not answer has not
 * promised anything. Owned by ownership.h, which ends it with ballot_listen(false); one thread.
 */
#ifndef RELAY_BALLOT_H
#define RELAY_BALLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cluster/subject.h"
#include "relay/link.h"
#include "relay/owner/owner.h"

struct ballot {
    struct link *link;   /* borrowed */
    struct owner *owner; /* borrowed */
    char cluster[SUBJECT_NODE_MAX + 1], node[SUBJECT_NODE_MAX + 1];
    char subject[SUBJECT_SIZE];             /* of what is for this node */
    struct link_subscription *subscription; /* NULL: it does not listen */
    uint64_t renewed_ms;                    /* when that was made anew */
};

void ballot_init(struct ballot *ballot, struct link *link, struct owner *owner, const char *cluster,
                 const char *node);

/* Whether it listens: who only looks is asked nothing, and may not. */
void ballot_listen(struct ballot *ballot, bool on);

/* Asks node TO. */
void ballot_ask(struct ballot *ballot, const char *to, const struct owner_question *question);

/* Whether MESSAGE is a question or an answer for this node, which is answered or told to the owner then. */
bool ballot_take(const struct ballot *ballot, const struct link_message *message);

#endif
