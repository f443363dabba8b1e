/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/ring_plan.h"

#include <stdbool.h>

#include "common/ring/ring_writer.h"

/* More than any ring, and far from where the sums below would wrap. */
#define DEMAND_MAX (UINT64_C(1) << 40)

static uint64_t bounded(uint64_t bytes)
{
    return bytes < DEMAND_MAX ? bytes : DEMAND_MAX;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static size_t round_up(uint64_t needed, size_t max)
{
    uint64_t size = (needed + RING_PLAN_STEP - 1) / RING_PLAN_STEP * RING_PLAN_STEP;

    size = larger(size, RING_PLAN_MIN);
    return size < max ? (size_t)size : max;
}

/* Less than this costs viewers pictures. */
static uint64_t least(const struct ring_demand *demand)
{
    uint64_t gop = bounded(demand->gop_bytes);
    uint64_t longest = bounded(demand->fragment_bytes);
    /* The next keyframe lies beside the whole group, and as much may be left unused at the end of the data. */
    uint64_t group = gop + larger(gop / 4, 2 * longest);
    uint64_t second = bounded(demand->bytes_per_second) * 3 / 2;
    /*
     * A fragment takes a part of the ring at most; the next keyframe may be a quarter larger than this one.
     */
    uint64_t fragment = longest * 5 / 4 * RING_WRITER_FRAGMENT_PART;

    return larger(larger(group, second), fragment);
}

size_t ring_plan_fit(const struct ring_demand *demand, size_t max)
{
    uint64_t needed = least(demand);

    return round_up(needed + needed / 16, max);
}

/* One rate that is told more than this after the last one stands for no longer. */
#define NOTE_MAX_MS 5000

/* The mean over all the time at first, and over the last look_back_s from then on. */
static void note_rate(struct ring_plan *plan, const struct ring_demand *demand, uint64_t now_ms)
{
    if (plan->look_back_s == 0 || demand->bytes_per_second == 0) {
        return;
    }
    uint64_t passed_ms = plan->noted_ms > 0 ? now_ms - plan->noted_ms : 1000;
    passed_ms = passed_ms < NOTE_MAX_MS ? passed_ms : NOTE_MAX_MS;
    plan->noted_ms = now_ms;
    plan->measured_ms += passed_ms;
    uint64_t window_ms = plan->look_back_s * UINT64_C(1000);
    window_ms = plan->measured_ms < window_ms ? plan->measured_ms : window_ms;
    if (window_ms > 0) {
        plan->mean +=
            ((double)bounded(demand->bytes_per_second) - plan->mean) * (double)passed_ms / (double)window_ms;
    }
}

uint64_t ring_plan_past(const struct ring_plan *plan, const struct ring_demand *demand)
{
    if (plan->look_back_s == 0 || plan->measured_ms < RING_PLAN_SETTLE_MS) {
        return 0;
    }
    double bytes = plan->mean * plan->look_back_s * 33 / 32;
    return bounded((uint64_t)bytes + bounded(demand->gop_bytes));
}

/* The next size of a ring, and whether it should have that at once, when it has been enough for a while, or not. */
struct change {
    enum { KEEP, GROW, SHRINK } kind;
    size_t size;
};

/*
 * Whether the ring may be moved so that it keeps PAST bytes. What was before the last move is lost then, so as much as came between them
 * is at most a fifth of all. Nothing is known of a ring that was there before the plan.
 */
static bool may_move(const struct ring_plan *plan, uint64_t past)
{
    uint64_t wait_ms = plan->look_back_s * UINT64_C(1000);

    if (past > 2 * (uint64_t)plan->size) {
        return true;
    }
    if (plan->moved_ms > 0 && 4 * plan->moved_ms < wait_ms) {
        wait_ms = 4 * plan->moved_ms;
    }
    return plan->measured_ms - plan->moved_ms >= wait_ms;
}

static struct change change_of(const struct ring_plan *plan, const struct ring_demand *demand, size_t size,
                               size_t max)
{
    size_t fit = ring_plan_fit(demand, max);

    if (least(demand) > size) {
        /* A quarter more at least, so that a stream that grows slowly does not move its ring again and again. */
        return (struct change){size < max ? GROW : KEEP, larger(fit, round_up(size + size / 4, max))};
    }
    if (plan->look_back_s == 0) {
        return (struct change){fit <= size - size / 4 ? SHRINK : KEEP, fit};
    }
    uint64_t past = ring_plan_past(plan, demand);
    if (past == 0 || !may_move(plan, past)) {
        return (struct change){KEEP, size};
    }
    size_t wanted = larger(fit, round_up(past, max));
    bool is_short = wanted > size + size / 16 || (wanted > size && wanted == max);
    return (struct change){is_short ? GROW : wanted <= size - size / 8 ? SHRINK : KEEP, wanted};
}

static void note_size(struct ring_plan *plan, size_t size)
{
    if (size != plan->size) {
        plan->moved_ms = plan->size > 0 ? plan->measured_ms : 0;
        plan->size = size;
    }
}

size_t ring_plan_next(struct ring_plan *plan, const struct ring_demand *demand, size_t size, size_t max,
                      uint64_t now_ms)
{
    note_rate(plan, demand, now_ms);
    note_size(plan, size);
    struct change change = change_of(plan, demand, size, max);
    if (change.kind != SHRINK) {
        plan->spacious_since_ms = 0;
        return change.kind == GROW ? change.size : size;
    }
    /* A group of pictures that is still growing is no measure. */
    uint64_t gop = bounded(demand->gop_bytes);
    if (plan->spacious_since_ms == 0 || gop > plan->gop_bytes + plan->gop_bytes / 4) {
        plan->spacious_since_ms = now_ms;
        plan->gop_bytes = gop;
        plan->enough = 0;
    }
    plan->enough = larger(plan->enough, change.size);
    if (now_ms - plan->spacious_since_ms < RING_PLAN_SHRINK_MS) {
        return size;
    }
    plan->spacious_since_ms = 0;
    return plan->enough;
}
