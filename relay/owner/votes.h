/* SPDX-License-Identifier: MIT */
/*
 * What nodes promise each other, so that a bucket without a leader stops no camera. JetStream needs 4 to 9 s to choose another leader, and a lease without a
 * renewal lasts 2.3 s. The state is that of the view (view.h); one thread.
 *
 * A node that sees none of its renewals asks all others for a promise: that they neither bury it nor agree to its burial for LEASE_MS from when they are asked. A
 * node that would bury another one asks all others whether they agree. Each node says yes to one of both only:
 *
 *   V0  A node that sees its own renewals promises nothing: then it is the other node that is cut off, and is to be replaced.
 *   V1  One that has promised to hold a node does not agree to its burial until LEASE_MS later.
 *   V2  One that has agreed to the burial of a node with a revision of its key never promises to hold it with that revision, or with an older one. (A later one shows
 *       that the burial did not come to be: it is a compare-and-set on that revision.)
 *   V3  Those who count are the nodes that lived at the newest revision of its key which the node that counts has been shown, as far as that is known, and nobody
 *       else is heard. Of n of them, more than half must promise, the node itself among them, and n - n/2 must agree, so that one node at least would have to do
 *       both. (Its key may have later revisions that it has not been shown; so it writes into each which one it had been shown.)
 *   V4  A node that has come after that revision was none of them, and what a process has promised its next one does not know: so a node has a say about another one
 *       only when that one had been shown a revision which is later than the first write of the node's own process.
 *   V5  Nobody is held for more than HOLD_MAX_MS after the last renewal that was seen was sent. So HOLD_OVER_MS after a node was last seen, or after this one has
 *       come, V1 to V4 matter no more.
 *
 * Of two nodes one may bury the other alone, unless it has promised not to; if both live, both hold each other. Of three, two must agree. When fewer than that
 * are left, V5 says when they may go on.
 */
#ifndef RELAY_OWNER_VOTES_H
#define RELAY_OWNER_VOTES_H

#include "relay/owner/view.h"

/* This node has been shown a write of its own process, with REVISION. */
void votes_joined(struct owner *owner, uint64_t revision, uint64_t now_ms);

/* The burial of NODE is due: whether it may be written. If not, the others are asked; *AGAIN_MS: when it is due again. */
bool votes_may_bury(struct owner *owner, uint32_t node, uint64_t *again_ms, uint64_t now_ms);

/* When this node is to ask the others to hold it; UINT64_MAX: it need not. */
uint64_t votes_hold_due_ms(const struct owner *owner);

/* Asks them, if that is due. */
void votes_seek_hold(struct owner *owner, uint64_t now_ms);

/* The next question to another node into ACTION. False: there is none. */
bool votes_poll(struct owner *owner, struct owner_action *action);

/* The renewals are seen again: whether NODE answered nothing while others did, and so is not away because the bucket was. */
bool votes_was_silent(const struct owner *owner, uint32_t node);

#endif
