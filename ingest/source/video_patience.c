/* SPDX-License-Identifier: MIT */
#include "ingest/source/video_patience.h"

#include "common/base/clock.h"

/* Pictures after which a long pause counts for a tenth. */
#define FADES_BY 16

/* A camera is silent when so many of its intervals bring no picture. */
#define INTERVALS 3

/* Doublings of the patience for a first picture. */
#define DOUBLINGS_MAX 4

static int64_t at_most(int64_t ms, int64_t limit_ms)
{
    return ms < limit_ms ? ms : limit_ms;
}

static int64_t at_least(int64_t ms, int64_t limit_ms)
{
    return ms > limit_ms ? ms : limit_ms;
}

void video_patience_begin(struct video_patience *patience)
{
    patience->last_ns = 0;
}

void video_patience_picture(struct video_patience *patience, int64_t now_ns)
{
    int64_t interval = patience->last_ns != 0 ? now_ns - patience->last_ns : 0;

    patience->interval_ns -= patience->interval_ns / FADES_BY;
    if (interval > patience->interval_ns) {
        patience->interval_ns = interval;
    }
    patience->last_ns = now_ns;
    patience->silent = 0;
}

void video_patience_overdue(struct video_patience *patience)
{
    if (patience->last_ns == 0) {
        patience->silent++;
    }
    patience->interval_ns = 0;
}

/*
 * A camera that hangs is most often cured by a new connection, so every other one has the shortest patience; those
 * between have more and more, for a camera that sends its first picture when it is due and not at once.
 */
static int64_t first_ms(const struct video_patience *patience)
{
    unsigned doublings = patience->silent % 2 == 0 ? patience->silent / 2 : 0;
    int64_t by_pace = patience->interval_ns / NS_PER_MS * INTERVALS;

    doublings = doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX;
    return at_most(at_least(VIDEO_PATIENCE_FIRST_MS << doublings, by_pace), VIDEO_PATIENCE_MAX_MS);
}

int64_t video_patience_ms(const struct video_patience *patience, size_t deadline_s)
{
    int64_t set_ms = (int64_t)deadline_s * MS_PER_SECOND;

    if (patience->last_ns == 0) {
        return set_ms != 0 ? at_least(set_ms, VIDEO_PATIENCE_FIRST_MS) : first_ms(patience);
    }
    if (set_ms != 0) {
        return set_ms;
    }
    if (patience->interval_ns == 0) {
        return VIDEO_PATIENCE_UNKNOWN_MS;
    }
    return at_most(at_least(patience->interval_ns / NS_PER_MS * INTERVALS, VIDEO_PATIENCE_MS),
                   VIDEO_PATIENCE_MAX_MS);
}
