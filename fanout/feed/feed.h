/*
 * The feed of one stream: its ring, its viewers, and the pass that brings each new fragment to all of them.
 *
 * All viewers that keep up (VIEWER_LIVE) stand at the feed's one cursor: a fragment is copied out of the ring
 * once, and the pass that sees it writes it to each of them. A viewer with an unsent tail is left out. It
 * keeps a cursor of its own and catches up when its socket is writable, so it costs the others nothing and
 * holds at most one tail in memory. If its place was overwritten, it goes on with the newest keyframe and is
 * told what it missed.
 *
 * Wake-up: the writer adds to the ring's eventfd at each publish, and no process reads it. The eventfd is in
 * the feed set's epoll instance (edge-triggered) only while the feed has viewers, so a camera without viewers
 * costs nothing. ringcast-fanout's only thread. Invariants F1…: docs/design/fanout.md.
 */
#ifndef FANOUT_FEED_FEED_H
#define FANOUT_FEED_FEED_H

#include "common/ipc/latency.h"
#include "common/ring/ringcast.h"
#include "fanout/feed/fragment_buffer.h"
#include "fanout/feed/fragment_cache.h"
#include "fanout/feed/init_cache.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/viewer.h"
#include "fanout/feed/viewer_array.h"
#include "fanout/loop/heartbeat.h"
#include "fanout/loop/watch.h"

/* How slow a viewer may be, unless ringcastd says otherwise (docs/reference/configuration.md). */
#define FEED_LIMIT_BYTES UINT64_C(4194304)
#define FEED_LIMIT_AGE_NS INT64_C(3000000000)
#define FEED_LIMIT_STUCK_NS INT64_C(30000000000)

/* How slow a viewer may be. */
struct feed_limits {
    uint64_t bytes;   /* waiting for it in the ring; above this it goes on with the newest keyframe */
    int64_t age_ns;   /* of the first fragment that waits for it; above this likewise */
    int64_t stuck_ns; /* without its socket taking anything; then it is closed */
};

/* What all feeds of the process share. */
struct feed_set {
    struct feed_limits limits;
    int epoll;                       /* eventfds of the feeds that have viewers; owned by the loop */
    struct fragment_buffer fragment; /* the one copy of the fragment that is being sent */
    struct fragment_cache cache;     /* what viewers that are behind read */
    unsigned behind;                 /* how many those are, over all feeds */
    unsigned fell_behind;            /* how many fell behind since send_memory.h last looked */
    struct heartbeat heartbeat;      /* beats between two fragments, too; its owner begins it */

    /* The feeds arm these timers; their owner, which makes them, reports to ringcastd when they expire. */
    struct watch_timer viewers_timer; /* armed while viewers_due */
    struct watch_timer latency_timer; /* armed while latency_due */
    struct watch_timer memory_timer;  /* armed when a viewer falls behind: see send_memory.h */
    uint64_t changes;                 /* of streams and their numbers of viewers, since the start */
    bool viewers_due;                 /* a number of viewers or drops changed since the last report */
    bool latency_due;                 /* a feed has latencies that were not reported */
    uint64_t viewers_reported_ms;     /* CLOCK_MONOTONIC: when viewers were last reported */
};

struct feed {
    struct feed_set *set;
    const char *name; /* of the stream, for the log */
    ringcast_reader *reader;
    ringcast_reader *old_reader; /* the ring before, while viewers have not read it to its end */
    unsigned in_old_ring;        /* how many viewers those are */
    int wake;                    /* the ring's eventfd, owned; -1: none */
    ringcast_cursor cursor;      /* of the live viewers; meaningless while in_pass is 0 */
    uint32_t generation;         /* of the fragment last seen in a pass, 0: none yet */
    struct viewer_array viewers; /* those that watch: all but VIEWER_PAUSED and VIEWER_CLOSING ones */
    struct viewer_array paused;  /* those in VIEWER_PAUSED; the feed costs nothing for them */
    unsigned in_pass;            /* how many viewers are VIEWER_LIVE or VIEWER_WAITING */
    struct init_cache init;      /* filled while there are viewers */
    struct packet state_packet;  /* the stream's state as its viewers are told */
    struct latency latency;      /* from a fragment's publication until all that keep up were sent it */
    bool latency_due;            /* it has counted something that was not reported */
    uint64_t drops;              /* how often a viewer was told of a gap */
    bool damage_reported;        /* the log says once per ring that the ring is damaged */
};

/* Makes the epoll instance. The owner makes the two timers. 0 or negative errno. */
int feed_set_init(struct feed_set *set);

/* Serves the feeds that have news. Call when set->epoll is readable. */
void feed_set_run(struct feed_set *set);

/* A number of viewers or drops changed: viewers_timer expires, at most once a second. */
void feed_set_viewers_changed(struct feed_set *set);

/* There are latencies to report: latency_timer expires 2 s after the first of them. */
void feed_set_latency_changed(struct feed_set *set);

/* Frees the buffer. The loop closes the epoll instance. */
void feed_set_finish(struct feed_set *set);

/* NAME is not copied. The feed has no ring yet. */
void feed_init(struct feed *feed, struct feed_set *set, const char *name);

/*
 * Gives the feed a ring in place of the one it has, if any: READER and WAKE become the feed's. Its viewers
 * stay. All of them get what is left in the old ring first, each at its pace. Then they go on with the new
 * ring's first fragment if that is the next one (docs/reference/ring.md), else with its newest keyframe.
 */
void feed_set_ring(struct feed *feed, ringcast_reader *reader, int wake);

/* Tells every viewer of the feed, now and when it joins, this JSON text (consumed). */
void feed_set_state(struct feed *feed, json_t *state);

/* Takes in a new viewer (viewer_init) and sends it at once what is there. */
void feed_join(struct feed *feed, struct viewer *viewer);

/*
 * A paused viewer gets no fragments and is not counted. When it resumes, it goes on with the newest keyframe,
 * or, if it has that already, after the last fragment that it got. Nothing happens to a viewer that is paused
 * already, or that is not paused.
 */
void feed_pause(struct viewer *viewer);
void feed_resume(struct viewer *viewer);

/* Takes a viewer out, if it is in a feed. It becomes VIEWER_NONE. */
void feed_leave(struct viewer *viewer);

/* Takes a viewer out and resets its connection, so that the kernel frees at once what waits for it. */
void feed_abort(struct viewer *viewer);

/* The socket of a viewer of this feed is writable. */
void feed_writable(struct viewer *viewer);

/*
 * To be called every few seconds: closes each viewer that has taken nothing for too long, and pings each one
 * whose slot, modulo PHASES, is PHASE.
 */
void feed_keep_alive(struct feed *feed, unsigned phase, unsigned phases);

/* Begins to close every viewer with CODE and REASON (a static text or NULL). */
void feed_close_viewers(struct feed *feed, uint16_t code, const char *reason);

/* Unmaps the ring and frees everything. The feed has no viewers any more. */
void feed_finish(struct feed *feed);

#endif
