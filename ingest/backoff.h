/*
 * How long to wait before the next attempt: doubling, with jitter so that the cameras of a switch that comes
 * back are not all dialled in the same moment. Owned by the worker. Nothing here reads a clock.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FIRST_MS 250
#define BACKOFF_LAST_MS 30000

/* A stream that has run this long is healthy: what went before is forgotten. */
#define BACKOFF_HEALTHY_MS 30000

struct backoff {
    int64_t next_ms; /* of the next delay, before jitter; 0: none yet */
    uint32_t random; /* state of the jitter */
};

void backoff_init(struct backoff *backoff, uint32_t seed);

/*
 * Milliseconds to wait after an attempt that streamed for HEALTHY_MS (0: never did). A stream that ran for a
 * second is dialled again at once: always after a CLEAN end, which the camera made in order; after another
 * the first time, until it has been healthy again. PATIENT: soon cannot help: the longest delay.
 */
int64_t backoff_next(struct backoff *backoff, int64_t healthy_ms, bool clean, bool patient);

#endif
