/* SPDX-License-Identifier: MIT */
/*
 * How many lines a camera may have: a bucket of tokens, one for each line, which fills up again with time. Serious lines
 * may empty the bucket further than others: what is left at its bottom is kept for errors, so that a flood of
 * information hides no error. Lines that are left out are counted. The caller owns the bucket and gives the time, in
 * milliseconds of a clock that never goes back. One thread at a time.
 */
#ifndef COMMON_LOG_LOG_LIMIT_H
#define COMMON_LOG_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log/log_level.h"

/* Lines at once: a camera that comes and goes, with all its reasons, writes a dozen. */
#define LOG_LIMIT_BURST 50

/* Lines a second in the long run: what a person can still read. */
#define LOG_LIMIT_PER_SECOND 5

/* Lines of the burst that are kept: for warnings and errors, for errors alone, and for all but debug lines. */
#define LOG_LIMIT_WARNING_RESERVE 10
#define LOG_LIMIT_ERROR_RESERVE 5
#define LOG_LIMIT_INFO_RESERVE 20

/* Milliseconds between two lines that say how many were left out. */
#define LOG_LIMIT_TELL_MS 1000

struct log_limit {
    uint64_t filled_ms; /* when `level` was right */
    uint64_t told_ms;   /* when a line last said how many were left out */
    uint64_t left_out;  /* since then */
    uint32_t level;     /* thousandths of a token */
};

void log_limit_init(struct log_limit *limit, uint64_t now_ms);

/* True: a line of LEVEL may be written. False: it was counted as left out. */
bool log_limit_take(struct log_limit *limit, enum log_level level, uint64_t now_ms);

/* The number of lines left out, if now is the time to log it: there is room again, or this is the END. Else 0. */
uint64_t log_limit_tell(struct log_limit *limit, uint64_t now_ms, bool end);

/* True if the bucket is full and nothing was left out, as after log_limit_init. */
bool log_limit_is_fresh(struct log_limit *limit, uint64_t now_ms);

#endif
