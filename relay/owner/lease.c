/* SPDX-License-Identifier: MIT */
#include "relay/owner/lease.h"

#include "relay/owner/times.h"

/* A process that resumes counts on from this much higher, so that no renewal of the former one that is still on its way looks like its own. */
#define RESUME_STEP 1000

static_assert((LEASE_SENT_MAX - 1) * LEASE_RENEW_MS > LEASE_MS, "older renewals are of no use");

void lease_init(struct lease *lease, uint64_t resume)
{
    *lease = (struct lease){.state = LEASE_UNSEEN, .resume = resume, .next_ms = UINT64_MAX};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void enter_state(struct lease *lease, enum lease_state state, uint64_t next_ms)
{
    lease->state = state;
    lease->next_ms = next_ms;
    if (state != LEASE_REGISTERED) {
        lease->until_ms = 0;
        lease->renewed_ms = 0;
        lease->incarnation = 0;
    }
}

void lease_snapshot_done(struct lease *lease, uint64_t now_ms)
{
    if (lease->state == LEASE_UNSEEN) {
        enter_state(lease, LEASE_OPEN, now_ms);
    }
}

/* E2, E7. */
static void confirm(struct lease *lease, uint64_t renewal)
{
    if (!lease->gone && renewal >= lease->first && renewal <= lease->renewal &&
        renewal + LEASE_SENT_MAX > lease->renewal) {
        lease->renewed_ms = larger(lease->renewed_ms, lease->sent_ms[renewal % LEASE_SENT_MAX]);
        lease->until_ms = larger(lease->until_ms, lease->renewed_ms + LEASE_MS - LEASE_MARGIN_MS);
    }
}

static void seen_alive(struct lease *lease, const struct lease_value *value, uint64_t now_ms)
{
    if (lease->incarnation != 0 && value->incarnation == lease->incarnation) {
        lease->state = LEASE_REGISTERED;
        confirm(lease, value->renewal);
    } else if (lease->resume != 0 && value->incarnation == lease->resume) {
        enter_state(lease, LEASE_REGISTERED, now_ms);
        lease->incarnation = lease->resume;
        lease->renewal = value->renewal + RESUME_STEP;
        lease->first = lease->renewal + 1;
        lease->resume = 0;
    } else {
        enter_state(lease, LEASE_BARRED, now_ms + LEASE_MS);
    }
}

void lease_seen(struct lease *lease, const struct lease_value *value, uint64_t revision, uint64_t now_ms)
{
    if (revision <= lease->seen || lease->state == LEASE_LEFT) {
        return;
    }
    lease->seen = revision;
    lease->unseen_ms = revision >= lease->revision ? 0 : lease->unseen_ms;
    lease->revision = larger(lease->revision, revision);
    if (value && !value->over) {
        seen_alive(lease, value, now_ms);
    } else if (lease->gone) {
        enter_state(lease, LEASE_LEFT, UINT64_MAX);
    } else if (value || lease->state != LEASE_REGISTERED) {
        enter_state(lease, LEASE_OPEN, now_ms); /* E4 */
    } else {
        lease->next_ms = now_ms;
    }
}

void lease_written(struct lease *lease, const struct lease_value *value, uint64_t revision, uint64_t now_ms)
{
    if (value->incarnation == lease->incarnation) {
        lease->revision = larger(lease->revision, revision);
        if (revision > lease->seen && lease->unseen_ms == 0) {
            lease->unseen_ms = now_ms;
        }
    }
}

bool lease_write(struct lease *lease, uint64_t newest, bool gone, struct lease_value *value,
                 uint64_t *expected, uint64_t now_ms)
{
    if (now_ms < lease->next_ms) {
        return false;
    }
    if (lease->unseen_ms > 0 && now_ms >= lease->unseen_ms + (LEASE_MS - LEASE_MARGIN_MS) && !gone) {
        lease->next_ms = now_ms + LEASE_RENEW_MS; /* E6 */
        return false;
    }
    if (lease->state == LEASE_BARRED) {
        enter_state(lease, LEASE_OPEN, now_ms);
    }
    if (gone && lease->incarnation == 0) {
        enter_state(lease, LEASE_LEFT, UINT64_MAX);
        return false;
    }
    if (lease->incarnation == 0) {
        lease->incarnation = larger(newest, lease->revision) + 1; /* E5 */
        lease->first = lease->renewal + 1;
    }
    if (gone) {
        lease->gone = true;
        lease->until_ms = 0;
        lease->renewed_ms = 0;
    }
    lease->renewal++;
    lease->sent_ms[lease->renewal % LEASE_SENT_MAX] = now_ms;
    lease->next_ms = now_ms + LEASE_RENEW_MS;
    *value = (struct lease_value){lease->incarnation, lease->renewal, gone};
    *expected = lease->revision;
    return true;
}

void lease_hurry(struct lease *lease, uint64_t now_ms)
{
    if (lease->next_ms != UINT64_MAX && lease->state != LEASE_BARRED && now_ms < lease->next_ms) {
        lease->next_ms = now_ms;
    }
}

void lease_hold(struct lease *lease, uint64_t sent_ms)
{
    if (lease->renewed_ms > 0) {
        uint64_t until_ms =
            smaller(sent_ms + LEASE_MS - LEASE_MARGIN_MS, lease->renewed_ms + HOLD_MAX_MS); /* E8 */
        lease->until_ms = larger(lease->until_ms, until_ms);
    }
}

bool lease_renewed(const struct lease *lease, uint64_t now_ms)
{
    return lease->renewed_ms > 0 && now_ms < lease->renewed_ms + LEASE_MS - LEASE_MARGIN_MS;
}

bool lease_held(const struct lease *lease, uint64_t now_ms)
{
    return now_ms < lease->until_ms;
}
