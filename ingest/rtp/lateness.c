/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/lateness.h"

#include "common/base/clock.h"

/* A larger step of the sender's clock against ours is a jump: no network causes it. */
#define JUMP_NS NS_PER_SECOND

/* A clock may drift by one part in this many. */
#define DRIFT_PART 1000

static bool jumped(int64_t step, int64_t elapsed)
{
    return step < -JUMP_NS || step - elapsed > JUMP_NS;
}

int64_t lateness_note(struct lateness *lateness, int64_t sent_ns, int64_t arrival_ns)
{
    int64_t step = sent_ns - lateness->sent_ns;
    int64_t elapsed = arrival_ns - lateness->arrival_ns;
    int64_t transit = arrival_ns - sent_ns;

    if (lateness->started && !jumped(step, elapsed)) {
        lateness->least_ns += elapsed / DRIFT_PART;
    } else {
        lateness->least_ns = transit;
    }
    if (transit < lateness->least_ns) {
        lateness->least_ns = transit;
    }
    lateness->started = true;
    lateness->sent_ns = sent_ns;
    lateness->arrival_ns = arrival_ns;
    return transit - lateness->least_ns;
}
