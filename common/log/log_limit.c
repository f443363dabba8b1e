/* SPDX-License-Identifier: MIT */
#include "common/log/log_limit.h"

#define TOKEN 1000u /* thousandths; so a millisecond brings LOG_LIMIT_PER_SECOND of them */
#define FULL (LOG_LIMIT_BURST * TOKEN)

/* Thousandths that a line of each level leaves in the bucket. */
static const uint32_t reserves[] = {
    [LOG_LEVEL_ERROR] = 0,
    [LOG_LEVEL_WARNING] = LOG_LIMIT_ERROR_RESERVE * TOKEN,
    [LOG_LEVEL_INFO] = LOG_LIMIT_WARNING_RESERVE * TOKEN,
    [LOG_LEVEL_DEBUG] = LOG_LIMIT_INFO_RESERVE * TOKEN,
};

void log_limit_init(struct log_limit *limit, uint64_t now_ms)
{
    *limit = (struct log_limit){.filled_ms = now_ms, .level = FULL};
}

static void fill(struct log_limit *limit, uint64_t now_ms)
{
    uint64_t passed = now_ms > limit->filled_ms ? now_ms - limit->filled_ms : 0;

    if (passed >= (FULL - limit->level) / LOG_LIMIT_PER_SECOND + 1) {
        limit->level = FULL;
    } else {
        limit->level += (uint32_t)passed * LOG_LIMIT_PER_SECOND;
    }
    if (limit->level > FULL) {
        limit->level = FULL;
    }
    limit->filled_ms += passed;
}

bool log_limit_take(struct log_limit *limit, enum log_level level, uint64_t now_ms)
{
    fill(limit, now_ms);
    if (limit->level < reserves[level] + TOKEN) {
        limit->left_out++;
        return false;
    }
    limit->level -= TOKEN;
    return true;
}

/* In a flood that does not end there is room for one line at a time, so the number is logged once a second. */
uint64_t log_limit_tell(struct log_limit *limit, uint64_t now_ms, bool end)
{
    uint64_t left_out = limit->left_out;

    fill(limit, now_ms);
    bool room = limit->level >= reserves[LOG_LEVEL_INFO] + TOKEN;
    bool due = limit->told_ms == 0 || now_ms - limit->told_ms >= LOG_LIMIT_TELL_MS;
    if (left_out == 0 || (!end && !(room && due))) {
        return 0;
    }
    limit->left_out = 0;
    limit->told_ms = now_ms;
    return left_out;
}

bool log_limit_is_fresh(struct log_limit *limit, uint64_t now_ms)
{
    fill(limit, now_ms);
    return limit->level == FULL && limit->left_out == 0;
}
