/* SPDX-License-Identifier: MIT */
/*
 * Which users' passwords were right from which addresses. Who comes again with the same password from the same address is
 * answered at once, also while the address is slowed: whoever guesses at a user cannot lock that user out. Nothing
 * here is a password or can be tried out without the process's secret key (HMAC-SHA256, RFC 2104). Owned by the
 * checks (checks.h); one thread.
 *
 *   K1  An entry is for a user and an address. From any other address it answers nothing, so that it cannot be used to guess at
 *       full speed.
 *   K2  From the address itself, while it is slowed, an entry may be asked for KNOWN_LOOKS wrong passwords, and for one more in
 *       KNOWN_LOOK_MS: one machine behind a shared address cannot guess at the others at full speed.
 *   K3  A user's entries no longer answer `right` when the hash of the user's password is another one.
 *   K4  The memory is fixed. A user has at most KNOWN_OF_USER entries; beyond that, and when the table is full, the one that was
 *       used least recently is forgotten. So an account cannot push out what is known of the others.
 */
#ifndef PASSWORD_KNOWN_H
#define PASSWORD_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "password/guess_ledger.h"

#define KNOWN_MAX 2048
#define KNOWN_OF_USER 64

#define KNOWN_LOOKS 60
#define KNOWN_LOOK_MS 500

struct known_table;

/* A new table with a new key. NULL: out of memory, or no random numbers. */
struct known_table *known_table_create(void);
void known_table_destroy(struct known_table *table);

/* A number for a user's name that nobody can foresee. */
uint64_t known_table_number(const struct known_table *table, const char *user);

/* True if USER's password was right from ADDRESS before. */
bool known_table_has(const struct known_table *table, const char *user, struct guess_address address);

/*
 * True if PASSWORD was right for USER from ADDRESS when the user's hash was HASH. SLOWED: rule K2 holds. Times are
 * CLOCK_MONOTONIC.
 */
bool known_table_right(struct known_table *table, const char *user, struct guess_address address,
                       const char *hash, const char *password, bool slowed, uint64_t now_ms);

/* PASSWORD is right. */
void known_table_learn(struct known_table *table, const char *user, struct guess_address address,
                       const char *hash, const char *password, uint64_t now_ms);

/* Forgets every password, but not which users came from which addresses. */
void known_table_forget_passwords(struct known_table *table);

#endif
