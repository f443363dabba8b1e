/* SPDX-License-Identifier: MIT */
#include "ingest/remote/remote_timeline.h"

#include <errno.h>

#include "common/base/clock.h"

/*
 * A node's decode times keep the pace of its clock. One that is so far from it has a clock that stood still (a machine that slept), or invents times:
 * the timeline begins anew.
 */
#define STRAY_NS (60 * NS_PER_SECOND)

/* The ring's next writer believes no end that is further ahead (ring_writer.c). */
#define LEAD_MAX_NS (INT64_C(24) * 3600 * NS_PER_SECOND)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool strays(const struct remote_timeline *timeline, const struct remote_moment *moment)
{
    int64_t at_ns = moment->media_ns + timeline->offset_ns;
    int64_t drift_ns = at_ns - moment->capture_ns - timeline->lead_ns;

    return at_ns < timeline->last_ns || drift_ns > STRAY_NS || drift_ns < -STRAY_NS;
}

int remote_timeline_place(struct remote_timeline *timeline, const struct remote_moment *moment)
{
    struct remote_timeline next = *timeline;
    bool anew = !timeline->placed || moment->first || strays(timeline, moment);

    if (anew) {
        next.offset_ns = later(moment->capture_ns, moment->end_ns) - moment->media_ns;
        next.lead_ns = moment->media_ns + next.offset_ns - moment->capture_ns;
    }
    next.last_ns = moment->media_ns + next.offset_ns;
    if (next.last_ns - moment->capture_ns > LEAD_MAX_NS) {
        return -ERANGE;
    }
    bool broken = anew && timeline->placed;
    next.placed = true;
    *timeline = next;
    return broken;
}
