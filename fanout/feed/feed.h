/*
 * The feed of one camera: its ring, its viewers, and the pass that brings each new fragment to all of them.
 *
 * All viewers that keep up (VIEWER_LIVE) stand at the feed's one cursor: a fragment is copied out of the ring
 * once and written to each of them in the pass that sees it. A viewer with an unsent tail is left out, keeps
 * its own cursor and catches up when its socket is writable, so it costs others nothing and holds at most one
 * tail in memory. One whose place was overwritten goes to the newest keyframe and is told.
 *
 * Wake-up: the writer adds to the ring's eventfd at each publish and nobody reads it; the feed's eventfd is
 * in the feed set's epoll instance (edge-triggered) only while the feed has viewers, so a camera that nobody
 * watches costs nothing. ringcast-fanout's only thread. Invariants F1…: docs/design/fanout.md.
 */
#ifndef FANOUT_FEED_FEED_H
#define FANOUT_FEED_FEED_H

#include "common/ipc/latency.h"
#include "common/ring/ringcast.h"
#include "fanout/feed/fragment.h"
#include "fanout/feed/init_cache.h"
#include "fanout/feed/packet.h"
#include "fanout/feed/viewer.h"
#include "fanout/feed/viewer_array.h"

/* How slow a viewer may be, unless ringcastd says otherwise (docs/reference/configuration.md). */
#define FEED_LIMIT_BYTES UINT64_C(4194304)
#define FEED_LIMIT_AGE_NS INT64_C(3000000000)
#define FEED_LIMIT_STUCK_NS INT64_C(30000000000)

/* How slow a viewer may be. */
struct feed_limits {
    uint64_t bytes; /* that wait for it in the ring … */
    int64_t age_ns; /* … or the age of the first of them: over either it goes on with the newest keyframe */
    int64_t stuck_ns; /* without taking anything: then it is closed */
};

/* What all feeds of the process share. */
struct feed_set {
    struct feed_limits limits;
    int epoll;                /* eventfds of the feeds that have viewers; owned by the loop that watches it */
    struct fragment fragment; /* the one copy of the fragment that is being sent */
    void (*changed)(void *context);  /* called when the number of watching viewers of a feed changed */
    void (*measured)(void *context); /* called when a feed has news in its `latency` that was not told */
    void *context;
};

struct feed {
    struct feed_set *set;
    const char *name; /* of the camera, for the log */
    ringcast_reader *reader;
    ringcast_reader *old_reader; /* the ring before, while laggards have not read it to its end */
    unsigned in_old_ring;        /* how many they are */
    int wake;                    /* the ring's eventfd, owned; -1: none */
    ringcast_cursor cursor;      /* of the live viewers; meaningless while in_pass is 0 */
    uint32_t generation;         /* of the fragment last seen in a pass, 0: none yet */
    struct seats seats;          /* the viewers that watch: all but VIEWER_PAUSED and VIEWER_CLOSING ones */
    struct seats paused;         /* those in VIEWER_PAUSED; the feed costs nothing for them */
    unsigned in_pass;            /* how many viewers are VIEWER_LIVE or VIEWER_WAITING */
    struct init_cache init;      /* filled while there are viewers */
    struct packet state_packet;  /* the camera's state as its viewers are told */
    struct latency latency;      /* from the publication of a fragment until all that keep up were sent it */
    bool latency_due;            /* there is news in it that ringcastd was not told */
    uint64_t drops;              /* how often a viewer was told of a gap */
    bool damage_reported;        /* the log says once per ring that it is damaged */
};

/* Makes the epoll instance. 0 or negative errno. */
int feed_set_init(struct feed_set *set, void (*changed)(void *context), void (*measured)(void *context),
                  void *context);

/* Serves the feeds that have news. Call when set->epoll is readable. */
void feed_set_run(struct feed_set *set);

/* Frees the buffer. The epoll instance is closed by whoever watches it. */
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

/* A new viewer (viewer_init): sends at once what is there. */
void feed_join(struct feed *feed, struct viewer *viewer);

/*
 * A viewer that asked for a pause gets no fragments and watches nothing, until it resumes: then it goes on
 * with the newest keyframe, or, if it has that already, after the last fragment it got. Otherwise nothing
 * happens.
 */
void feed_pause(struct viewer *viewer);
void feed_resume(struct viewer *viewer);

/* Takes a viewer out, if it is in. It becomes VIEWER_NONE. */
void feed_leave(struct viewer *viewer);

/* The socket of a viewer of this feed is writable. */
void feed_writable(struct viewer *viewer);

/*
 * Looks after every viewer, as it is to be done every few seconds: closes those that have taken nothing for
 * too long, and pings each one whose seat, modulo PHASES, is PHASE.
 */
void feed_look_after(struct feed *feed, unsigned phase, unsigned phases);

/* Begins to close every viewer with CODE and REASON (a static text or NULL). */
void feed_close_viewers(struct feed *feed, uint16_t code, const char *reason);

/* Unmaps the ring and frees everything. The feed has no viewers any more. */
void feed_finish(struct feed *feed);

#endif
