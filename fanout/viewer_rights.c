/* SPDX-License-Identifier: MIT */
#include "fanout/viewer_rights.h"

#include "common/base/clock.h"
#include "fanout/feed/bundle.h"

/* The wall clock may be set while the timer runs, so look at it this often. */
#define LOOK_AGAIN_S 600

static void arm(struct viewer_rights *rights, int64_t expires_s)
{
    int64_t left_ns = expires_s * NS_PER_SECOND - clock_wall_ns();
    int64_t most_ns = LOOK_AGAIN_S * NS_PER_SECOND;

    left_ns = left_ns < most_ns ? left_ns : most_ns;
    rights->due_s = expires_s;
    watch_timer_arm(&rights->timer, left_ns > 0 ? (long)(left_ns / NS_PER_MS) + 1 : 1);
}

static bool is_sooner(int64_t expires_s, int64_t than_s)
{
    return expires_s != 0 && (than_s == 0 || expires_s < than_s);
}

void viewer_rights_note(struct viewer_rights *rights, const struct permit *permit)
{
    const struct visitor *visitor = permit_visitor(permit);

    if (visitor && is_sooner(visitor->expires, rights->due_s)) {
        arm(rights, visitor->expires);
    }
}

/* By which VIEWER watches its camera. */
static const struct permit *permit_of(struct viewer *viewer)
{
    const struct connection *connection = lws_get_opaque_user_data(viewer->wsi);

    return viewer->bundle ? bundle_member(viewer)->permit : connection->permit;
}

/* Closes those of VIEWERS whose right has ended; *NEXT_S is when the first of the others ends. */
static void check(struct viewer_rights *rights, const struct viewer_array *viewers, int64_t *next_s)
{
    for (unsigned i = viewers->count; i-- > 0;) { /* who leaves gives his place to the last one */
        struct viewer *viewer = viewers->list[i].viewer;
        const struct permit *permit = permit_of(viewer);
        uint16_t code;
        const char *reason = gate_end_of(rights->gate, permit, &code);
        if (reason) {
            feed_leave(viewer);
            viewer_close(viewer, code, reason);
        } else if (is_sooner(permit_visitor(permit)->expires, *next_s)) {
            *next_s = permit_visitor(permit)->expires;
        }
    }
}

void viewer_rights_check(struct viewer_rights *rights)
{
    int64_t next_s = 0;

    for (struct stream *stream = rights->streams->first; stream; stream = stream->next) {
        check(rights, &stream->feed.viewers, &next_s);
        check(rights, &stream->feed.paused, &next_s);
    }
    if (next_s != 0) {
        arm(rights, next_s);
    } else if (rights->due_s != 0) {
        rights->due_s = 0;
        watch_timer_arm(&rights->timer, 0);
    }
}

static void timer_expired(void *context)
{
    viewer_rights_check(context);
}

int viewer_rights_begin(struct viewer_rights *rights, struct loop *loop, struct streams *streams,
                        struct gate *gate)
{
    *rights = (struct viewer_rights){.streams = streams, .gate = gate};
    return watch_timer_begin(&rights->timer, loop, timer_expired, rights);
}

void viewer_rights_end(struct viewer_rights *rights)
{
    watch_end(&rights->timer.watch);
}
