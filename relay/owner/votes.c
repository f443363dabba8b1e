/* SPDX-License-Identifier: MIT */
#include "relay/owner/votes.h"

#include <string.h>

#include "relay/owner/times.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool lives(const struct owner *owner, uint32_t node)
{
    return owner->peers[node]->state == PEER_LIVE || owner->peers[node]->state == PEER_DRAINING;
}

/* --- Who counts ----------------------------------------------------------------------------------------- */

/* V3: whether NODE lived when some key had REVISION. One that came later counts as well, which only makes it harder. */
static bool counts(const struct owner *owner, uint32_t node, uint64_t revision)
{
    return lives(owner, node) || owner->peers[node]->revision > revision;
}

static uint32_t count_nodes(const struct owner *owner, uint64_t revision)
{
    uint32_t count = 0;

    for (uint32_t node = 0; node < owner->node_names.used; node++) {
        count += counts(owner, node, revision);
    }
    return count;
}

/* V4. */
static bool has_say(const struct owner *owner, const struct peer *about, uint64_t now_ms)
{
    return owner->lease.state == LEASE_REGISTERED && owner->joined_revision > 0 &&
           (about->shown > owner->joined_revision || now_ms >= owner->joined_ms + HOLD_OVER_MS);
}

void votes_joined(struct owner *owner, uint64_t revision, uint64_t now_ms)
{
    if (owner->joined_incarnation != owner->lease.incarnation) {
        owner->joined_incarnation = owner->lease.incarnation;
        owner->joined_revision = revision;
        owner->joined_ms = now_ms;
    }
}

/* --- Asking --------------------------------------------------------------------------------------------- */

static void ask_all(struct owner *owner, uint32_t about)
{
    struct peer *peer = owner->peers[about];

    peer->asked = 0;
    if (!peer->is_asking) {
        peer->is_asking = true;
        STAILQ_INSERT_TAIL(&owner->asking, peer, asking);
    }
}

static void fill_question(const struct owner *owner, uint32_t about, struct owner_question *question)
{
    const struct peer *peer = owner->peers[about];
    bool hold = about == owner->me;

    *question = (struct owner_question){.matter = hold ? OWNER_HOLD : OWNER_BURIAL,
                                        .node = view_node_text(owner, about),
                                        .incarnation = hold ? owner->lease.incarnation : peer->incarnation,
                                        .revision = hold ? owner->lease.seen : peer->revision,
                                        .number = hold ? owner->hold_number : 0};
}

bool votes_poll(struct owner *owner, struct owner_action *action)
{
    struct peer *peer;

    while ((peer = STAILQ_FIRST(&owner->asking))) {
        while (peer->asked < owner->node_names.used) {
            uint32_t to = peer->asked++;
            if (to == owner->me || to == peer->index || !lives(owner, to)) {
                continue;
            }
            action->kind = OWNER_ASK;
            action->name = view_node_text(owner, to);
            fill_question(owner, peer->index, &action->question);
            return true;
        }
        STAILQ_REMOVE_HEAD(&owner->asking, asking);
        peer->is_asking = false;
    }
    return false;
}

/* --- Being held ----------------------------------------------------------------------------------------- */

uint64_t votes_hold_due_ms(const struct owner *owner)
{
    const struct lease *lease = &owner->lease;
    uint64_t due_ms = larger(lease->renewed_ms + HOLD_AFTER_MS, owner->hold_ms + HOLD_AGAIN_MS);

    return lease->renewed_ms > 0 && !owner->leaving && due_ms < lease->renewed_ms + HOLD_MAX_MS ? due_ms
                                                                                                : UINT64_MAX;
}

/* Whether enough others have promised what this node asked for at SENT_MS: V3. */
static void look_whether_held(struct owner *owner, uint64_t sent_ms)
{
    uint64_t revision = owner->lease.seen;
    uint32_t nodes = count_nodes(owner, revision), held = 0;

    for (uint32_t node = 0; node < owner->node_names.used; node++) {
        const struct peer *peer = owner->peers[node];
        if (node == owner->me || (peer->promised_ms >= sent_ms && counts(owner, node, revision))) {
            held++;
            nodes = node != owner->me && peer->counted > nodes ? peer->counted : nodes;
        }
    }
    if (held > nodes / 2) {
        lease_hold(&owner->lease, sent_ms);
    }
}

void votes_seek_hold(struct owner *owner, uint64_t now_ms)
{
    if (now_ms < votes_hold_due_ms(owner)) {
        return;
    }
    if (owner->hold_ms < owner->lease.renewed_ms) {
        owner->hold_first_ms = now_ms;
        owner->holds = 0;
    }
    owner->holds++;
    owner->hold_ms = now_ms;
    owner->hold_number++;
    owner->hold_sent_ms[owner->hold_number % LEASE_SENT_MAX] = now_ms;
    ask_all(owner, owner->me);
    look_whether_held(owner, now_ms);
}

bool votes_was_silent(const struct owner *owner, uint32_t node)
{
    const uint64_t since_ms = owner->hold_first_ms;
    bool others = false;

    if (since_ms == 0 || owner->holds < 2 || owner->peers[node]->heard_ms >= since_ms) {
        return false;
    }
    for (uint32_t i = 0; i < owner->node_names.used && !others; i++) {
        others = owner->peers[i]->heard_ms >= since_ms;
    }
    return others;
}

/* --- Burying -------------------------------------------------------------------------------------------- */

static void begin_ballot(struct peer *peer)
{
    if (peer->ballot != peer->revision) {
        peer->ballot = peer->revision;
        memset(peer->agree, 0, sizeof(peer->agree));
    }
}

static bool agrees(const struct peer *peer, uint32_t node)
{
    return peer->agree[node / 64] >> node % 64 & 1;
}

static bool enough_agree(const struct owner *owner, const struct peer *peer)
{
    uint32_t nodes = count_nodes(owner, peer->shown), agreed = 1;

    for (uint32_t node = 0; node < owner->node_names.used; node++) {
        agreed += node != owner->me && agrees(peer, node) && counts(owner, node, peer->shown);
    }
    return agreed >= nodes - nodes / 2;
}

bool votes_may_bury(struct owner *owner, uint32_t node, uint64_t *again_ms, uint64_t now_ms)
{
    struct peer *peer = owner->peers[node];

    if (now_ms < peer->seen_ms + LEASE_MS) {
        *again_ms = peer->seen_ms + LEASE_MS;
        return false;
    }
    if (peer->state == PEER_ABSENT || now_ms >= peer->seen_ms + HOLD_OVER_MS) { /* V5 */
        return true;
    }
    *again_ms = now_ms + BURY_RETRY_MS;
    if (now_ms < peer->held_until_ms) { /* V1 */
        *again_ms = peer->held_until_ms;
        return false;
    }
    if (!has_say(owner, peer, now_ms)) {
        return false;
    }
    peer->agreed = larger(peer->agreed, peer->revision); /* V2 */
    begin_ballot(peer);
    if (!enough_agree(owner, peer)) {
        ask_all(owner, node);
        return false;
    }
    return true;
}

/* --- Being asked ---------------------------------------------------------------------------------------- */

static bool promise(const struct owner *owner, struct peer *peer, uint64_t revision, uint64_t now_ms)
{
    if (now_ms < owner->lease.renewed_ms + HOLD_QUIET_MS || peer->agreed >= revision) { /* V0, V2 */
        return false;
    }
    peer->held_until_ms = larger(peer->held_until_ms, now_ms + LEASE_MS);
    return true;
}

static bool agree(struct owner *owner, struct peer *peer, uint64_t revision, uint64_t now_ms)
{
    if (now_ms < peer->held_until_ms || peer->revision > revision) { /* V1; or it has been renewed since */
        return false;
    }
    peer->agreed = larger(peer->agreed, revision);
    /* Somebody is at it: this node need not ask, too, unless nothing comes of it. */
    due_set(&owner->peers_due, peer->index, now_ms + BURY_RETRY_MS);
    return true;
}

bool owner_asked(struct owner *owner, const char *from, const struct owner_question *question,
                 uint32_t *counted, uint64_t now_ms)
{
    uint32_t node = names_find(&owner->node_names, question->node);
    bool hold = question->matter == OWNER_HOLD;

    *counted = count_nodes(owner, question->revision);
    if (node == NAMES_NONE || node == owner->me || !lives(owner, node) ||
        (hold && strcmp(from, question->node) != 0)) {
        return false;
    }
    struct peer *peer = owner->peers[node];
    if (peer->incarnation != question->incarnation || !has_say(owner, peer, now_ms)) {
        return false;
    }
    return hold ? promise(owner, peer, question->revision, now_ms)
                : agree(owner, peer, question->revision, now_ms);
}

static void hear_promise(struct owner *owner, struct peer *from, uint64_t number, uint32_t counted)
{
    if (number == 0 || number > owner->hold_number || number + LEASE_SENT_MAX <= owner->hold_number) {
        return;
    }
    uint64_t sent_ms = owner->hold_sent_ms[number % LEASE_SENT_MAX];
    from->promised_ms = larger(from->promised_ms, sent_ms);
    from->counted = counted;
    look_whether_held(owner, sent_ms);
}

void owner_answered(struct owner *owner, const char *from, const struct owner_question *question, bool yes,
                    uint32_t counted, uint64_t now_ms)
{
    uint32_t voter = names_find(&owner->node_names, from),
             node = names_find(&owner->node_names, question->node);

    if (voter == NAMES_NONE || voter == owner->me || node == NAMES_NONE) {
        return;
    }
    owner->peers[voter]->heard_ms = now_ms;
    struct peer *peer = owner->peers[node];
    if (yes && node == owner->me && question->matter == OWNER_HOLD) {
        hear_promise(owner, owner->peers[voter], question->number, counted);
    } else if (yes && question->matter == OWNER_BURIAL && node != owner->me &&
               peer->ballot == question->revision && peer->revision == question->revision) {
        peer->agree[voter / 64] |= UINT64_C(1) << voter % 64;
        if (lives(owner, node) && enough_agree(owner, peer)) {
            due_set(&owner->peers_due, node, now_ms);
        }
    }
}
