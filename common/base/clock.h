/* SPDX-License-Identifier: MIT */
/*
 * Time: its units, and the clocks that ringcast reads. Nanoseconds are signed, as in the ring and in all
 * media times, because the difference of two times may be negative; milliseconds are unsigned, as in all
 * deadlines of the supervisor. Any process, any thread; no system call, since the vDSO answers.
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)
#define MS_PER_SECOND 1000

/* CLOCK_MONOTONIC, in nanoseconds and in milliseconds: comparable between the processes of one machine. */
static inline int64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static inline uint64_t clock_now_ms(void)
{
    return (uint64_t)(clock_now_ns() / NS_PER_MS);
}

/* The same clock in whole seconds, and some milliseconds behind: cheap enough for each packet of each viewer. */
static inline time_t clock_coarse_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

/* CLOCK_REALTIME: nanoseconds since 1970. It may jump in both directions. */
static inline int64_t clock_wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

#endif
