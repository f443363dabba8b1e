/* SPDX-License-Identifier: MIT */
#include "ingest/publish/pacing.h"

#include "ingest/publish/timeline.h"

/* A longer interval is a pause and not the stream's rhythm: 1 s. */
#define INTERVAL_MAX_TICKS TIMELINE_RATE

/* Shortest duration declared: 1 ms. */
#define INTERVAL_MIN_TICKS (TIMELINE_RATE / 1000)

/*
 * The interval is smoothed over this many frames; before there are two, it is that of 25 frames a second.
 */
#define STEP_FRAMES 8
#define STEP_FIRST_TICKS (TIMELINE_RATE / 25)

/* The step allowed, in tenths of the last duration: short of the browsers' 2, for their rounding. */
#define STEP_LIMIT_TENTHS 19

/* A keyframe that is late by more begins at its own time, with a hole before it that players skip: 5 s. */
#define BRIDGE_MAX_TICKS (5LL * TIMELINE_RATE)

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

void pacing_init(struct pacing *pacing, int64_t end)
{
    *pacing = (struct pacing){.follows = end > 0, .last = end, .step = STEP_FIRST_TICKS};
}

static int64_t bounded_step(const struct pacing *pacing, int64_t ideal, bool keyframe)
{
    if (!pacing->follows) {
        return ideal;
    }
    int64_t latest = pacing->last + pacing->duration * STEP_LIMIT_TENTHS / 10;
    bool hole = keyframe && ideal - latest > BRIDGE_MAX_TICKS;
    int64_t decode = ideal > latest && !hole ? latest : ideal;
    return decode > pacing->last ? decode : pacing->last + 1;
}

/*
 * The declared duration is the rhythm. After a longer interval it is up to twice that, so that it follows a stream that
 * slows down within a few frames; a longer one would make players expect pictures that do not exist.
 */
static int64_t declared(const struct pacing *pacing, int64_t interval)
{
    int64_t duration = clamp(interval, pacing->step, 2 * pacing->step);

    return clamp(duration, INTERVAL_MIN_TICKS, INTERVAL_MAX_TICKS);
}

int64_t pacing_next(struct pacing *pacing, int64_t ideal, bool keyframe, bool rhythm, uint32_t *duration)
{
    int64_t interval = pacing->learning && rhythm ? ideal - pacing->ideal : 0;

    if (interval > INTERVAL_MAX_TICKS) {
        interval = 0;
    }
    if (interval > 0) {
        pacing->step += (interval - pacing->step) / STEP_FRAMES;
    }
    pacing->last = bounded_step(pacing, ideal, keyframe);
    pacing->duration = declared(pacing, interval);
    pacing->ideal = ideal;
    pacing->follows = pacing->learning = true;
    *duration = (uint32_t)pacing->duration;
    return pacing->last;
}
