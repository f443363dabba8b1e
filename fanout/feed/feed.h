/* SPDX-License-Identifier: MIT */
/*
 * The feed of one stream: its ring, its viewers, and the pass that brings each new fragment to all of them.
 *
 * All viewers that keep up (VIEWER_LIVE) share the feed's one cursor: a fragment is copied out of the ring
 * once, and the pass that finds it writes it to each of them. A viewer with an unsent tail is left out. It
 * gets a cursor of its own and catches up when its socket is writable, so it costs the others nothing and
 * holds at most one tail in memory. If the ring has overwritten what it reads next, it goes on with the
 * newest keyframe and gets a message that says what it missed.
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
#include "fanout/feed/keyframes.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/past.h"
#include "fanout/feed/viewer.h"
#include "fanout/feed/viewer_array.h"
#include "fanout/loop/heartbeat.h"
#include "fanout/loop/watch.h"

/* How slow a viewer may be unless ringcastd sets other limits (docs/reference/configuration.md). */
#define FEED_LIMIT_BYTES UINT64_C(4194304)
#define FEED_LIMIT_AGE_NS INT64_C(3000000000)
#define FEED_LIMIT_STUCK_NS INT64_C(30000000000)

struct permit; /* fanout/http/gate.h */

/* How slow a viewer may be. */
struct feed_limits {
    uint64_t bytes;   /* waiting in the ring; with more it goes on with the newest keyframe */
    int64_t age_ns;   /* of the oldest fragment that waits; with more it goes on with the newest keyframe */
    int64_t stuck_ns; /* for which its socket takes nothing; after that it is closed */
};

/* What all feeds of the process share. */
struct feed_set {
    struct feed_limits limits;
    int epoll;                            /* eventfds of the feeds that have viewers; owned by the loop */
    struct fragment_buffer fragment;      /* the one copy of the fragment that is being sent */
    struct fragment_cache cache;          /* fragments for viewers that are behind */
    struct fragment_buffer past_fragment; /* the one that is being sent to a viewer that looks back */
    unsigned behind;                      /* how many viewers of all feeds are behind */
    unsigned fell_behind;                 /* how many fell behind since send_memory.c last examined them */
    struct heartbeat heartbeat;           /* beats also between two fragments; the server begins it */

    /* The feeds arm these timers. Their owner creates them and reports to ringcastd when they expire. */
    struct watch_timer viewers_timer; /* armed while viewers_due */
    struct watch_timer latency_timer; /* armed while latency_due */
    struct watch_timer memory_timer;  /* armed when a viewer falls behind: see send_memory.h */
    struct watch_timer look_timer;    /* armed while a viewer is behind: feed_look */
    struct watch_timer past_timer;    /* armed while a feed keeps its old ring for those that look back */
    int64_t past_due_ns;              /* CLOCK_MONOTONIC: when past_timer expires; 0: it is not armed */
    uint64_t changes;                 /* counts changes of streams and of their viewers since the start */
    bool viewers_due;                 /* a number of viewers or drops changed since the last report */
    bool latency_due;                 /* a feed has latencies that have not been reported */
    uint64_t viewers_reported_ms;     /* CLOCK_MONOTONIC: when viewers were last reported */
};

struct feed {
    struct feed_set *set;
    const char *name; /* of the stream, for the log */
    ringcast_reader *reader;
    ringcast_reader *old_reader; /* the ring before, while viewers have not read it to its end */
    unsigned in_old_ring;        /* how many viewers still read the old ring */
    int wake;                    /* the ring's eventfd, owned; -1: none */
    ringcast_cursor cursor;      /* of the live viewers; meaningless while in_pass is 0 */
    uint32_t generation;         /* of the last fragment of a pass; 0: none yet */
    struct viewer_array viewers; /* all except those in VIEWER_PAUSED and VIEWER_CLOSING */
    struct viewer_array paused;  /* those in VIEWER_PAUSED; fragments cost nothing for them */
    unsigned in_pass;            /* how many viewers are VIEWER_LIVE or VIEWER_WAITING */
    struct init_cache init;      /* filled while there are viewers */
    struct past_feed past;       /* for viewers that look back */
    struct packet state_packet;  /* the stream's state as a message to its viewers */
    struct latency latency;      /* from publication until a fragment was sent to all that keep up */
    bool latency_due;            /* it has counted something that has not been reported */
    uint64_t drops;              /* how often a viewer had a gap */
    double rate;                 /* bytes a second that the camera sends; 0: not known yet */
    uint32_t keyframe_bytes;     /* of the newest keyframe; 0: not known yet */
    uint64_t keyframe_position;  /* in the ring; 0: not known yet */
    int64_t keyframe_ns;         /* when it was published, CLOCK_MONOTONIC */
    struct keyframes keyframes;  /* how far apart they are */
    bool damage_reported;        /* the log has the damage of this ring already */
};

/* Creates the epoll instance; the owner creates the timers. 0 or negative errno. */
int feed_set_init(struct feed_set *set);

/* Serves the feeds that have new fragments. Call it when set->epoll is readable. */
void feed_set_run(struct feed_set *set);

/* A number of viewers or drops has changed: viewers_timer will expire, at most once a second. */
void feed_set_viewers_changed(struct feed_set *set);

/* There are latencies to report: latency_timer will expire 2 s after the first of them. */
void feed_set_latency_changed(struct feed_set *set);

/* Frees the buffer. The loop closes the epoll instance. */
void feed_set_finish(struct feed_set *set);

/* NAME is not copied. The feed has no ring yet. */
void feed_init(struct feed *feed, struct feed_set *set, const char *name);

/*
 * Gives the feed a ring, or another one; READER and WAKE become the feed's. Its viewers stay. They first get
 * the rest of the old ring, each at its own pace. Then they go on with the new ring's first fragment if that
 * is the next one (docs/reference/ring.md), and otherwise with its newest keyframe.
 */
void feed_set_ring(struct feed *feed, ringcast_reader *reader, int wake);

/* Sends STATE (consumed) to every viewer of the feed now, and to others when they join. */
void feed_set_state(struct feed *feed, json_t *state);

/*
 * Adds a new viewer (viewer_init) that has PERMIT to watch, and sends it at once what the ring has for it. Without a
 * permit its connection ends.
 */
void feed_join(struct feed *feed, struct viewer *viewer, const struct permit *permit);

/*
 * A paused viewer gets no fragments and is not counted. When it resumes, it goes on with the newest keyframe,
 * or after the last fragment that it got if it has that keyframe already. Pausing a paused viewer and
 * resuming one that is not paused does nothing.
 */
void feed_pause(struct viewer *viewer);
void feed_resume(struct viewer *viewer);

/* Removes a viewer from its feed, if it is in one. It becomes VIEWER_NONE. */
void feed_leave(struct viewer *viewer);

/* Removes a viewer and resets its connection, so that the kernel frees at once what waits for it. */
void feed_abort(struct viewer *viewer);

/* Call it when the socket of a viewer of a feed is writable. */
void feed_writable(struct viewer *viewer);

/* Brings a viewer of a bundle on by one fragment, if it is behind. False: there is nothing for it now. */
bool feed_step(struct viewer *viewer);

/* The bundle of VIEWER, a member of it, does not keep up and has PACE, or keeps up: NULL. */
void feed_set_pace(struct viewer *viewer, struct pace *pace);

/* What VIEWER is sent while it keeps up, in bytes a second (0: not known), and what the newest keyframe has. */
double feed_rate(const struct viewer *viewer);
uint32_t feed_keyframe_bytes(const struct viewer *viewer);

/* VIEWER has answered the ping with NUMBER (viewer_ask). */
void feed_answered(struct viewer *viewer, uint32_t number);

/*
 * Call it every few seconds: closes each viewer that has taken nothing for too long or sends too much, and
 * pings each one whose slot modulo PHASES is PHASE. Those in bundles are bundle_keep_alive's.
 */
void feed_keep_alive(struct feed *feed, unsigned phase, unsigned phases);

/*
 * Call it every FEED_LOOK_MS while fragments are sent, and when look_timer expires: finds the viewers that do not keep up,
 * and brings on those that have room again. LOOK counts the calls: a viewer that is live is looked at in one of PHASES.
 */
#define FEED_LOOK_MS 50L
void feed_look(struct feed *feed, unsigned look, unsigned phases);

/* Begins to close every viewer with CODE and REASON (a static text or NULL). */
void feed_close_viewers(struct feed *feed, uint16_t code, const char *reason);

/* Unmaps the ring and frees everything. The feed must not have viewers. */
void feed_finish(struct feed *feed);

#endif
