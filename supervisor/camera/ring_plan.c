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

size_t ring_plan_fit(const struct ring_demand *demand, size_t max)
{
    uint64_t gop = bounded(demand->gop_bytes) * 3 / 2;
    uint64_t second = bounded(demand->bytes_per_second) * 3 / 2;
    /*
     * A fragment takes a part of the ring at most; the next keyframe may be a quarter larger than this one.
     */
    uint64_t fragment = bounded(demand->fragment_bytes) * 5 / 4 * RING_WRITER_FRAGMENT_PART;
    uint64_t needed = larger(larger(gop, second), fragment);
    size_t size = RING_PLAN_MIN;

    while (size < needed && size < max) {
        size *= 2;
    }
    return size < max ? size : max;
}

size_t ring_plan_next(struct ring_plan *plan, const struct ring_demand *demand, size_t size, size_t max,
                      uint64_t now_ms)
{
    size_t fit = ring_plan_fit(demand, max);

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
