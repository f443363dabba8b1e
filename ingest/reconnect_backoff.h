/* SPDX-License-Identifier: MIT */
/*
 * How long to wait before the next attempt: the delay doubles, with jitter so that the cameras of a switch that comes back
 * are not all dialled in the same moment. Owned by the worker. Nothing here reads a clock.
 */
#ifndef INGEST_RECONNECT_BACKOFF_H
#define INGEST_RECONNECT_BACKOFF_H

#include <stdint.h>

#define RECONNECT_FIRST_MS 250
#define RECONNECT_LAST_MS 30000

/* A stream that has run this long is healthy: earlier failures are forgotten. */
#define RECONNECT_HEALTHY_MS 30000

/* Between two connections to a camera that ends each in order as soon as it has begun: ten a second are a light load. */
#define RECONNECT_PACE_MS 100

struct reconnect_backoff {
    int64_t next_ms; /* the next delay, before jitter; 0: none yet */
    uint32_t random; /* state of the jitter */
};

void reconnect_backoff_init(struct reconnect_backoff *backoff, uint32_t seed);

/* How an attempt ended. */
enum reconnect_end {
    RECONNECT_CLEAN,    /* the camera ended it in order */
    RECONNECT_DROPPED,  /* the connection broke */
    RECONNECT_FAILED,   /* anything else */
    RECONNECT_HOPELESS, /* anything else, and trying again soon cannot help */
};

/*
 * Milliseconds to wait after an attempt that streamed for HEALTHY_MS (0: not at all). A camera whose stream had a picture is
 * dialled again at once after a clean end, but not sooner than RECONNECT_PACE_MS after that picture. After a stream of a
 * second or more it is also dialled at once if the connection broke; and after any other end for the first time, until
 * the stream has been healthy again.
 */
int64_t reconnect_backoff_next(struct reconnect_backoff *backoff, int64_t healthy_ms, enum reconnect_end end);

#endif
