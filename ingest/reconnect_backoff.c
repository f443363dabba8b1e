#include "ingest/reconnect_backoff.h"

/* A stream that ran for less does not count as one, or a camera that ends it sooner would be dialled without pause. */
#define STREAMED_MS 1000

void backoff_init(struct backoff *backoff, uint32_t seed)
{
    *backoff = (struct backoff){.random = seed | 1u};
}

/* xorshift32: jitter needs no more. */
static uint32_t next_random(struct backoff *backoff)
{
    uint32_t x = backoff->random;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return backoff->random = x;
}

/* 75 % to 100 % of DELAY. */
static int64_t with_jitter(struct backoff *backoff, int64_t delay_ms)
{
    return delay_ms - (int64_t)(next_random(backoff) % (uint32_t)(delay_ms / 4 + 1));
}

int64_t backoff_next(struct backoff *backoff, int64_t healthy_ms, enum backoff_end end)
{
    if (healthy_ms >= BACKOFF_HEALTHY_MS) {
        backoff->next_ms = 0;
    }
    if (end == BACKOFF_HOPELESS) {
        return with_jitter(backoff, BACKOFF_LAST_MS);
    }
    if (end == BACKOFF_CLEAN && healthy_ms > 0) {
        return healthy_ms < BACKOFF_PACE_MS ? BACKOFF_PACE_MS - healthy_ms : 0;
    }
    if (end == BACKOFF_DROPPED && healthy_ms >= STREAMED_MS) {
        return 0;
    }
    if (healthy_ms >= STREAMED_MS && backoff->next_ms == 0) {
        backoff->next_ms = BACKOFF_FIRST_MS;
        return 0;
    }
    int64_t delay = backoff->next_ms > 0 ? backoff->next_ms : BACKOFF_FIRST_MS;
    backoff->next_ms = delay * 2 < BACKOFF_LAST_MS ? delay * 2 : BACKOFF_LAST_MS;
    return with_jitter(backoff, delay);
}
