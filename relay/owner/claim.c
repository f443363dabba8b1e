/* SPDX-License-Identifier: MIT */
#include "relay/owner/claim.h"

#include <stddef.h>

#include "relay/owner/times.h"

static const struct claim_entry nothing = {.node = CLAIM_NOBODY, .next = CLAIM_NOBODY};

void claim_init(struct claim *claim)
{
    *claim = (struct claim){.entry = nothing, .giving_to = CLAIM_NOBODY, .refused_by = CLAIM_NOBODY};
}

/* --- What has happened ---------------------------------------------------------------------------------- */

static bool same_owner(const struct claim_entry *a, const struct claim_entry *b)
{
    return a->node == b->node && a->incarnation == b->incarnation && a->fence == b->fence;
}

bool claim_seen(struct claim *claim, const struct claim_entry *entry, uint64_t revision)
{
    if (revision <= claim->revision) {
        return false;
    }
    struct claim_entry seen = entry ? *entry : nothing;
    if (seen.fence == 0 || seen.fence > revision) {
        seen.fence = revision;
    }
    if (!same_owner(&seen, &claim->entry)) {
        claim->offers = 0;
        claim->refused_by = CLAIM_NOBODY;
    }
    claim->entry = seen;
    claim->revision = revision;
    /* C4: a write over an older revision has either been this one, or it loses. */
    claim->is_written = claim->is_written && claim->written_over >= revision;
    claim->retry_ms = claim->is_written ? claim->retry_ms : 0;
    return true;
}

bool claim_written(struct claim *claim, uint32_t ticket, enum claim_result result, uint64_t revision)
{
    if (!claim->is_written || ticket != claim->ticket || result == CLAIM_UNKNOWN) {
        return false; /* until the time is over it may still be answered by the watch */
    }
    if (result == CLAIM_WON) {
        return claim_seen(claim, &claim->written, revision);
    }
    claim->is_written = false; /* the revision that it lost against is on its way */
    return false;
}

void claim_stopped(struct claim *claim)
{
    claim->stopping -= claim->stopping > 0;
}

void claim_ready(struct claim *claim)
{
    claim->is_ready = claim->mode == CLAIM_PREPARES;
}

static bool rests(const struct claim *claim)
{
    return claim->mode == CLAIM_REST && claim->stopping == 0;
}

bool claim_is_quiet(const struct claim *claim)
{
    return rests(claim) && !claim->is_written;
}

/* --- States --------------------------------------------------------------------------------------------- */

const char *claim_state_name(enum claim_state state)
{
    static const char *const names[] = {"free",    "taking", "owned",     "fenced",
                                        "offered", "giving", "preparing", "foreign"};

    return names[state];
}

bool claim_is_bound(const struct claim *claim)
{
    return claim->entry.bound && claim->unbound != claim->revision;
}

/* A camera that is bound to this node goes on when the node was buried, until the key has the new incarnation or another owner. */
static bool is_ours(const struct claim *claim, const struct claim_context *context)
{
    const struct claim_entry *entry = &claim->entry;

    return entry->node == context->me &&
           ((entry->incarnation == context->incarnation && entry->incarnation != 0) ||
            (claim_is_bound(claim) && claim->mode == CLAIM_FETCHES && claim->fence == entry->fence));
}

static enum claim_state state_of(const struct claim *claim, const struct claim_context *context)
{
    const struct claim_entry *entry = &claim->entry;

    if (is_ours(claim, context)) {
        if (claim->giving) {
            return CLAIM_GIVING;
        }
        if (context->leaving || claim->doubt == claim->revision ||
            !(context->held || claim_is_bound(claim))) {
            return CLAIM_FENCED;
        }
        return entry->next == CLAIM_NOBODY ? CLAIM_OWNED : CLAIM_OFFERED;
    }
    if (context->owner_lives) {
        bool offered = entry->next == context->me && entry->next_incarnation == context->incarnation;
        return offered && context->wanted && !context->leaving ? CLAIM_PREPARING : CLAIM_FOREIGN;
    }
    return claim->is_written ? CLAIM_TAKING : CLAIM_FREE;
}

static void enter_state(struct claim *claim, enum claim_state state, const struct claim_context *context)
{
    if (state == claim->state) {
        return;
    }
    if (state == CLAIM_OFFERED) {
        claim->offer_until_ms = context->now_ms + OFFER_MS;
        claim->refused_by = CLAIM_NOBODY;
    }
    if (state == CLAIM_PREPARING) {
        claim->is_ready = false;
    }
    claim->state = state;
}

/* --- Giving away ---------------------------------------------------------------------------------------- */

static bool wants_to_give(const struct claim *claim, const struct claim_context *context)
{
    const struct claim_entry *entry = &claim->entry;
    bool is_ready = entry->next == context->target &&
                    entry->next_incarnation == context->target_incarnation && entry->ready;
    bool needs_none = !context->well || context->one_session || claim->offers >= OFFERS_MAX;

    return !context->wanted || (context->target != CLAIM_NOBODY && (is_ready || needs_none));
}

/* A gift is decided once, and holds until the camera is somebody else's, or until who was to have it cannot have it any more. */
static void decide(struct claim *claim, const struct claim_context *context)
{
    if (!is_ours(claim, context) || context->leaving) {
        claim->giving = false;
    } else if (claim->giving) {
        claim->giving =
            claim->giving_to == CLAIM_NOBODY ? !context->wanted : claim->giving_to == context->target;
    } else if (context->held && wants_to_give(claim, context)) {
        claim->giving = true;
        claim->giving_to = context->wanted ? context->target : CLAIM_NOBODY;
    }
}

/* --- Doing ---------------------------------------------------------------------------------------------- */

static enum claim_mode mode_of(const struct claim *claim, const struct claim_context *context)
{
    switch (claim->state) {
    case CLAIM_OWNED:
    case CLAIM_OFFERED:
        return CLAIM_FETCHES;
    case CLAIM_PREPARING:
        return context->one_session ? CLAIM_REST : CLAIM_PREPARES;
    case CLAIM_FREE:
    case CLAIM_TAKING: /* the owner has died while this node was getting ready */
        return claim->mode == CLAIM_PREPARES && claim->entry.next == context->me && context->wanted
                   ? CLAIM_PREPARES
                   : CLAIM_REST;
    case CLAIM_FENCED:
    case CLAIM_GIVING:
    case CLAIM_FOREIGN:
        break;
    }
    return CLAIM_REST;
}

/* Brings what is done into line with the state. True: ACTION does so. */
static bool set_mode(struct claim *claim, const struct claim_context *context, struct claim_action *action)
{
    enum claim_mode mode = mode_of(claim, context);

    if (mode == claim->mode && (mode != CLAIM_FETCHES || claim->fence == claim->entry.fence)) {
        return false;
    }
    if (mode == CLAIM_FETCHES) {
        claim->fence = claim->entry.fence;
        *action = (struct claim_action){.kind = CLAIM_FETCH, .fence = claim->fence};
    } else if (mode == CLAIM_PREPARES && claim->mode == CLAIM_REST) {
        *action = (struct claim_action){.kind = CLAIM_PREPARE};
    } else {
        mode = CLAIM_REST;
        claim->fence = 0;
        claim->stopping++;
        *action = (struct claim_action){.kind = CLAIM_STOP};
    }
    claim->mode = mode;
    return true;
}

static struct claim_entry own_entry(const struct claim_context *context)
{
    return (struct claim_entry){.node = context->me,
                                .incarnation = context->incarnation,
                                .next = CLAIM_NOBODY,
                                .bound = context->sole};
}

static bool write_owned(const struct claim *claim, const struct claim_context *context,
                        struct claim_entry *entry)
{
    *entry = claim->entry;
    if (!context->held) {
        return false;
    }
    if (entry->incarnation != context->incarnation) {
        *entry = own_entry(context);
        return true;
    }
    if (context->target != CLAIM_NOBODY) {
        entry->next = context->target;
        entry->next_incarnation = context->target_incarnation;
        entry->ready = false;
        return true;
    }
    entry->bound = context->sole;
    return entry->bound != claim->entry.bound;
}

/* An offer is withdrawn if the next owner is gone, another one is wanted, or time is up. */
static bool write_offered(struct claim *claim, const struct claim_context *context, struct claim_entry *entry)
{
    bool late = context->now_ms >= claim->offer_until_ms;
    bool right = context->next_lives && claim->entry.next == context->target &&
                 claim->entry.next_incarnation == context->target_incarnation;

    if (!context->held || (right && !late)) {
        return false;
    }
    if (right && claim->refused_by != claim->entry.next) {
        claim->refused_by = claim->entry.next;
        claim->offers++;
    }
    *entry = claim->entry;
    entry->next = CLAIM_NOBODY;
    entry->next_incarnation = 0;
    entry->ready = false;
    return true;
}

/* The value that the key should have in this state. False: it may stay as it is. */
static bool next_entry(struct claim *claim, const struct claim_context *context, struct claim_entry *entry)
{
    switch (claim->state) {
    case CLAIM_FREE:
        *entry = own_entry(context);
        return context->take && context->held && context->wanted && !context->leaving && claim->stopping == 0;
    case CLAIM_OWNED:
        return write_owned(claim, context, entry);
    case CLAIM_OFFERED:
        return write_offered(claim, context, entry);
    case CLAIM_FENCED: /* a gift that may still arrive: whatever comes first decides */
        *entry = own_entry(context);
        return claim->doubt == claim->revision && context->held && !context->leaving && context->wanted;
    case CLAIM_GIVING:
        *entry = nothing;
        if (claim->giving_to != CLAIM_NOBODY) {
            entry->node = claim->giving_to;
            entry->incarnation = context->target_incarnation;
        }
        return rests(claim) && context->held;
    case CLAIM_PREPARING:
        *entry = claim->entry;
        entry->ready = true;
        return !claim->entry.ready && (claim->is_ready || context->one_session) && context->held;
    case CLAIM_TAKING:
    case CLAIM_FOREIGN:
        break;
    }
    return false;
}

enum claim_kind claim_step(struct claim *claim, const struct claim_context *context,
                           struct claim_action *action)
{
    *action = (struct claim_action){.kind = CLAIM_NOTHING};
    if (context->now_ms >= claim->retry_ms) {
        claim->is_written = false;
        claim->retry_ms = 0;
    }
    decide(claim, context);
    enter_state(claim, state_of(claim, context), context);
    if (set_mode(claim, context, action)) {
        return action->kind;
    }
    if (claim->retry_ms > 0 || !next_entry(claim, context, &action->entry)) {
        return CLAIM_NOTHING;
    }
    claim->doubt = claim->state == CLAIM_GIVING ? claim->revision : claim->doubt;
    claim->unbound = claim->entry.bound && !action->entry.bound ? claim->revision : claim->unbound;
    claim->is_written = true;
    claim->written = action->entry;
    claim->written_over = claim->revision;
    claim->retry_ms = context->now_ms + WRITE_RETRY_MS;
    action->kind = CLAIM_WRITE;
    action->expected = claim->revision;
    action->ticket = ++claim->ticket;
    enter_state(claim, state_of(claim, context), context);
    return CLAIM_WRITE;
}

uint64_t claim_due_ms(const struct claim *claim)
{
    uint64_t due_ms = claim->retry_ms > 0 ? claim->retry_ms : UINT64_MAX;

    if (claim->state == CLAIM_OFFERED && claim->offer_until_ms < due_ms && claim->retry_ms == 0) {
        due_ms = claim->offer_until_ms;
    }
    return due_ms;
}
