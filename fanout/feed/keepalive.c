#include <time.h>

#include "common/log/log.h"
#include "fanout/feed/feed_private.h"

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* True if VIEWER is to be closed: it has waited for its socket all the time, and the socket took nothing. */
static bool is_stuck(const struct feed *feed, struct viewer *viewer, int64_t now)
{
    if (!viewer_is_blocked(viewer)) {
        viewer->stuck_since_ns = 0;
        return false;
    }
    uint64_t taken = viewer_bytes_taken(viewer);
    if (viewer->stuck_since_ns == 0 || taken != viewer->taken) {
        viewer->taken = taken;
        viewer->stuck_since_ns = now;
        return false;
    }
    return now - viewer->stuck_since_ns >= feed->set->limits.stuck_ns;
}

static void close_stuck(struct feed *feed, struct viewer *viewer)
{
    log_camera(LOG_LEVEL_INFO, feed->name, "camera %s: a viewer that took nothing for %.1f s is closed",
               feed->name, (double)feed->set->limits.stuck_ns / 1e9);
    feed_unlink_viewer(feed, viewer);
    viewer_close(viewer, LWS_CLOSE_STATUS_POLICY_VIOLATION, "took nothing for too long");
}

static void look_after(struct feed *feed, const struct seats *seats, unsigned phase, unsigned phases)
{
    int64_t now = now_ns();
    for (unsigned i = seats->count; i-- > 0;) {
        struct viewer *viewer = seats->list[i].viewer;
        if (is_stuck(feed, viewer, now)) {
            close_stuck(feed, viewer);
        } else if (i % phases == phase && !viewer_is_blocked(viewer) && !viewer_ping(viewer)) {
            feed_drop_broken(feed, viewer);
        }
    }
}

void feed_look_after(struct feed *feed, unsigned phase, unsigned phases)
{
    look_after(feed, &feed->seats, phase, phases);
    look_after(feed, &feed->paused, phase, phases);
}
