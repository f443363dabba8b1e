/* SPDX-License-Identifier: MIT */
/*
 * How long to wait before a process that died is started again. Memory of the caller; a zeroed struct is a
 * process without a history. Pure functions.
 *
 * Each death doubles the delay, from 0.1 s to 30 s. Every 3 s in which the process did its work cancel one
 * death, so that 30 s cancel all of them. A process that is killed now and then, by an operator or by a chaos
 * test, is therefore started again at once each time, and one that dies again and again after longer and
 * longer delays.
 */
#ifndef SUPERVISOR_PROCESS_BACKOFF_H
#define SUPERVISOR_PROCESS_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* Nominal delay after the first death, and the longest one. The daemon tests are built with shorter ones. */
#ifndef BACKOFF_FIRST_MS
#define BACKOFF_FIRST_MS 100
#endif
#ifndef BACKOFF_MAX_MS
#define BACKOFF_MAX_MS 30000
#endif

/* With so many deaths a process counts as failed. It is still started again, after the longest delay. */
#define BACKOFF_FAILED_AFTER 10

/* Healthy time that cancels one death; BACKOFF_FAILED_AFTER times that are 30 s. */
#define BACKOFF_HEALTHY_STEP_MS 3000

struct backoff {
    unsigned deaths;
};

/* Counts HEALTHY_MS in which the process did its work. */
void backoff_credit(struct backoff *backoff, uint64_t healthy_ms);

/*
 * Counts a death and returns the delay before the next start in milliseconds. With the nominal delay d it is
 * between d/2 and d, chosen by RANDOM (any value), so that cameras that died together do not return together.
 */
uint64_t backoff_next_ms(struct backoff *backoff, uint32_t random);

/* True after BACKOFF_FAILED_AFTER deaths that have not been cancelled. */
bool backoff_failed(const struct backoff *backoff);

/* Forgets the history. */
void backoff_reset(struct backoff *backoff);

#endif
