/*
 * How long to wait before a process that died is started again. Memory of the caller; a zeroed struct is a
 * process without a history. Pure functions.
 *
 * Each death doubles the delay, from 0.1 s to 30 s. Health pays back: every 3 s in which the process did its
 * work take one death off the account, so that 30 s clear it and a process that is hit now and then, by an
 * operator or by a chaos test, comes back at once each time, while one that dies again and again is left
 * alone for longer.
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

/* Deaths on the account from which a process counts as failed; it is still tried, at the longest delay. */
#define BACKOFF_FAILED_AFTER 10

/* Healthy time that takes one death off the account; BACKOFF_FAILED_AFTER of them are 30 s. */
#define BACKOFF_HEALTHY_STEP_MS 3000

struct backoff {
    unsigned deaths;
};

/* The process did its work for HEALTHY_MS. */
void backoff_credit(struct backoff *backoff, uint64_t healthy_ms);

/*
 * Counts a death and returns the delay before the next start in milliseconds: with the nominal delay d,
 * between d/2 and d, spread by RANDOM (any value), so that cameras that died together do not return together.
 */
uint64_t backoff_next_ms(struct backoff *backoff, uint32_t random);

/* True after BACKOFF_FAILED_AFTER deaths that no health has paid back. */
bool backoff_failed(const struct backoff *backoff);

/* Forgets the history. */
void backoff_reset(struct backoff *backoff);

#endif
