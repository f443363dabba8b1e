/* SPDX-License-Identifier: MIT */
#include "supervisor/process/backoff.h"

void backoff_credit(struct backoff *backoff, uint64_t healthy_ms)
{
    uint64_t steps = healthy_ms / BACKOFF_HEALTHY_STEP_MS;

    backoff->deaths = steps >= backoff->deaths ? 0 : backoff->deaths - (unsigned)steps;
}

static uint64_t nominal_ms(unsigned deaths)
{
    uint64_t delay = BACKOFF_FIRST_MS;

    for (unsigned i = 0; i < deaths && delay < BACKOFF_MAX_MS; i++) {
        delay *= 2;
    }
    return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

uint64_t backoff_next_ms(struct backoff *backoff, uint32_t random)
{
    uint64_t half = nominal_ms(backoff->deaths) / 2;

    if (backoff->deaths < BACKOFF_FAILED_AFTER) {
        backoff->deaths++;
    }
    return half + random % (half + 1);
}

bool backoff_failed(const struct backoff *backoff)
{
    return backoff->deaths >= BACKOFF_FAILED_AFTER;
}

void backoff_reset(struct backoff *backoff)
{
    backoff->deaths = 0;
}
