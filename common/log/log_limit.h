/*
 * How many lines a camera may have: a bucket of tokens, one for each line, which fills up again with time.
 * The more serious a line, the lower the bucket may be: what is left at the bottom is kept for errors, so a
 * flood of information hides none. What is left out is counted. Owned by whoever writes the lines, who gives
 * the time (milliseconds of a clock that never goes back); no thread may call it while another does.
 */
#ifndef COMMON_LOG_LOG_LIMIT_H
#define COMMON_LOG_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log/log_level.h"

/* Lines at once: a camera that comes and goes with all its reasons writes a dozen. */
#define LOG_LIMIT_BURST 50

/* Lines a second in the long run: what somebody can still read. */
#define LOG_LIMIT_PER_SECOND 5

/* Of the burst, lines that only warnings and errors, and that only errors may take; debug leaves more. */
#define LOG_LIMIT_WARNING_RESERVE 10
#define LOG_LIMIT_ERROR_RESERVE 5
#define LOG_LIMIT_INFO_RESERVE 20

/* Between two lines that say how many were left out. */
#define LOG_LIMIT_TELL_MS 1000

struct log_limit {
    uint64_t filled_ms; /* when `level` was right */
    uint64_t told_ms;   /* when what was left out was last told */
    uint64_t left_out;  /* since then */
    uint32_t level;     /* thousandths of a token */
};

void log_limit_init(struct log_limit *limit, uint64_t now_ms);

/* True: a line of LEVEL may be written. False: it was counted as left out. */
bool log_limit_take(struct log_limit *limit, enum log_level level, uint64_t now_ms);

/* The number of lines left out if it is to be told now, since there is room again, or as this is the END;
 * else 0. */
uint64_t log_limit_tell(struct log_limit *limit, uint64_t now_ms, bool end);

/* True if it is as it was after log_limit_init. */
bool log_limit_is_fresh(struct log_limit *limit, uint64_t now_ms);

#endif
