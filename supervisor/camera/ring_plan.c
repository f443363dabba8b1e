/* SPDX-License-Identifier: MIT */
#include "supervisor/camera/ring_plan.h"

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
    size_t size = RING_PLAN_MIN;

    while (size < needed && size < max) {
        size *= 2;
    }
    return size < max ? size : max;
}

size_t ring_plan_fit(const struct ring_demand *demand, size_t max)
{
    uint64_t gop = bounded(demand->gop_bytes) * 3 / 2;
    uint64_t second = bounded(demand->bytes_per_second) * 3 / 2;
    /*
     * A fragment takes a part of the ring at most; the next keyframe may be a quarter larger than this one.
     */
    uint64_t fragment = bounded(demand->fragment_bytes) * 5 / 4 * RING_WRITER_FRAGMENT_PART;

    return round_up(larger(larger(gop, second), fragment), max);
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

/* The size for all that is to be in the ring, which has SIZE now. */
static size_t fit_all(const struct ring_plan *plan, const struct ring_demand *demand, size_t size, size_t max)
{
    uint64_t past = ring_plan_past(plan, demand);
    size_t fit = ring_plan_fit(demand, max);

    if (past > size && past <= (uint64_t)size + size / 16) {
        past = size;
    }
    return larger(fit, past > 0 ? round_up(past, max) : 0);
}

size_t ring_plan_next(struct ring_plan *plan, const struct ring_demand *demand, size_t size, size_t max,
                      uint64_t now_ms)
{
    note_rate(plan, demand, now_ms);
    size_t fit = fit_all(plan, demand, size, max);
    if (fit > size / 2) {
        plan->spacious_since_ms = 0;
        return larger(fit, size);
    }
    if (plan->spacious_since_ms == 0) {
        plan->spacious_since_ms = now_ms;
    }
    if (now_ms - plan->spacious_since_ms < RING_PLAN_SHRINK_MS) {
        return size;
    }
    plan->spacious_since_ms = 0;
    return fit;
}
