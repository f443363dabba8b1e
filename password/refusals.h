/* SPDX-License-Identifier: MIT */
/*
 * What ringcastd is told of passwords that were refused: at most one report a second for each address, however many there were.
 * Owned by the checks (checks.h); one thread.
 */
#ifndef PASSWORD_REFUSALS_H
#define PASSWORD_REFUSALS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Addresses that are reported apart. What comes from others meanwhile is one report without user and address. */
#define REFUSALS_MAX 32

#define REFUSALS_INTERVAL_MS 1000

struct refusals;

struct refusals *refusals_create(void);
void refusals_destroy(struct refusals *refusals);

/* A password for USER from ADDRESS was wrong, or was not tried because the address or user is SLOWED. */
void refusals_add(struct refusals *refusals, const char *user, const char *address, bool slowed,
                  uint64_t now_ms);

/* Milliseconds until a report is due; UINT64_MAX: there is none. */
uint64_t refusals_wait_ms(const struct refusals *refusals, uint64_t now_ms);

/* The next report that is due, {"user","address","count","slowed"}, without type; NULL: none. A new reference. */
json_t *refusals_take(struct refusals *refusals, uint64_t now_ms);

#endif
