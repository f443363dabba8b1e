/*
 * How long to wait before the next attempt: the delay doubles, with jitter so that the cameras of a switch that comes back
 * are not all dialled in the same moment. Owned by the worker. Nothing here reads a clock.
 */
#ifndef INGEST_RECONNECT_BACKOFF_H
#define INGEST_RECONNECT_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 250
#define BACKOFF_LAST_MS 30000

/* A stream that has run this long is healthy: earlier failures are forgotten. */
#define BACKOFF_HEALTHY_MS 30000

/* Between two connections to a camera that ends each in order as soon as it has begun: ten a second are a light load. */
#define BACKOFF_PACE_MS 100

struct backoff {
    int64_t next_ms; /* the next delay, before jitter; 0: none yet */
    uint32_t random; /* state of the jitter */
};

void backoff_init(struct backoff *backoff, uint32_t seed);

/* How an attempt ended. */
enum backoff_end {
    BACKOFF_CLEAN,    /* the camera ended it in order */
    BACKOFF_DROPPED,  /* the connection broke */
    BACKOFF_FAILED,   /* anything else */
    BACKOFF_HOPELESS, /* anything else, and trying again soon cannot help */
};

/*
 * Milliseconds to wait after an attempt that streamed for HEALTHY_MS (0: not at all). A camera whose stream had a picture is
 * dialled again at once after a clean end, but not sooner than BACKOFF_PACE_MS after that picture. After a stream of a
 * second or more it is also dialled at once if the connection broke; and after any other end for the first time, until
 * the stream has been healthy again.
 */
int64_t backoff_next(struct backoff *backoff, int64_t healthy_ms, enum backoff_end end);

#endif
