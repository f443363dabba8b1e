/* SPDX-License-Identifier: MIT */
#include "ingest/reconnect_backoff.h"

/* A stream that ran for less does not count as one, or a camera that ends it sooner would be dialled without pause. */
#define STREAMED_MS 1000

void reconnect_backoff_init(struct reconnect_backoff *backoff, uint32_t seed)
{
    *backoff = (struct reconnect_backoff){.random = seed | 1u};
}

/* xorshift32: jitter needs no more. */
static uint32_t next_random(struct reconnect_backoff *backoff)
{
    uint32_t x = backoff->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return backoff->random = x;
}

/* 75 % to 100 % of DELAY. */
static int64_t with_jitter(struct reconnect_backoff *backoff, int64_t delay_ms)
{
    return delay_ms - (int64_t)(next_random(backoff) % (uint32_t)(delay_ms / 4 + 1));
}

int64_t reconnect_backoff_next(struct reconnect_backoff *backoff, int64_t healthy_ms, enum reconnect_end end)
{
    if (healthy_ms >= RECONNECT_HEALTHY_MS) {
        backoff->next_ms = 0;
    }
    if (end == RECONNECT_HOPELESS) {
        return with_jitter(backoff, RECONNECT_LAST_MS);
    }
    if (end == RECONNECT_CLEAN && healthy_ms > 0) {
        return healthy_ms < RECONNECT_PACE_MS ? RECONNECT_PACE_MS - healthy_ms : 0;
    }
    if (end == RECONNECT_DROPPED && healthy_ms >= STREAMED_MS) {
        return 0;
    }
    if (healthy_ms >= STREAMED_MS && backoff->next_ms == 0) {
        backoff->next_ms = RECONNECT_FIRST_MS;
        return 0;
    }
    int64_t delay = backoff->next_ms > 0 ? backoff->next_ms : RECONNECT_FIRST_MS;
    backoff->next_ms = delay * 2 < RECONNECT_LAST_MS ? delay * 2 : RECONNECT_LAST_MS;
    return with_jitter(backoff, delay);
}
