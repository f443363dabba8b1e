/* SPDX-License-Identifier: MIT */
/*
 * When a password may be tried: guessing is slowed for each address, and more softly for each user. A clock that the caller
 * gives, no input or output. Owned by the checks (checks.h); one thread.
 *
 *   L1  A try counts as wrong from the moment at which it is allowed until the password turns out to be right.
 *   L2  An address has GUESS_FREE wrong tries. After each further one it waits 1 s, 2 s, 4 s … 60 s. One is forgotten every
 *       five minutes.
 *   L3  A right password takes back only what the same address got wrong for the same user just before. So somebody who has
 *       an account cannot use it to guess at another one for ever.
 *   L4  After GUESS_USER_FREE wrong tries for a user, from whatever addresses, there is one try in 1 s, 2 s … 5 s for that user.
 *       Addresses that got nothing wrong share four tries a second of their own, so that those who guess cannot take all of
 *       them. An address from which this user's password was right before is not slowed by this rule.
 *   L5  Names that no user has are slowed exactly as users are: nobody learns from it which names there are.
 *   L6  The memory is fixed. When another address must be remembered, the one with the fewest wrong tries is forgotten, the
 *       oldest of those. An address that is slowed can be pushed out only by GUESS_ADDRESSES others that are slowed as much,
 *       each of which has cost as many tries. Users are counted in GUESS_USERS places that are never given up; two
 *       names may share one, and which names do only the caller's secret key decides.
 */
#ifndef PASSWORD_GUESS_LEDGER_H
#define PASSWORD_GUESS_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/* Wrong tries of an address, and for a user, that cost no delay. */
#define GUESS_FREE 5
#define GUESS_USER_FREE 20

/* The delay after the first try that is too many, and the longest one. */
#define GUESS_DELAY_MS 1000
#define GUESS_DELAY_MAX_MS 60000
#define GUESS_USER_DELAY_MAX_MS 5000

/* Between two tries for a user who is slowed, from addresses that got nothing wrong. */
#define GUESS_FRESH_DELAY_MS 250

/* How long until one wrong try of an address, and one for a user, is forgotten. */
#define GUESS_FORGET_MS 300000
#define GUESS_USER_FORGET_MS 30000

#define GUESS_ADDRESSES 4096
#define GUESS_USERS 4096

/* An address as it is counted: IPv4 as ::ffff:a.b.c.d, IPv6 without its last 64 bits, which one machine chooses freely. */
struct guess_address {
    uint64_t high, low;
};

struct guess {
    struct guess_address address;
    uint64_t user; /* a keyed hash of the name: guessers cannot know which names share a place */
    bool known;    /* this user's password was right from this address before */
};

struct guess_ledger;

/* TEXT is "192.0.2.1", "2001:db8::1", "fe80::1%eth0". All texts that are no address count as one. */
struct guess_address guess_address_parse(const char *text);

/* NULL: out of memory. */
struct guess_ledger *guess_ledger_create(void);
void guess_ledger_destroy(struct guess_ledger *ledger);

/* Milliseconds until GUESS may be tried, 0: now. Times are CLOCK_MONOTONIC and never go back. */
uint64_t guess_ledger_wait_ms(const struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms);

/* GUESS, which need not wait, is tried, and counts as wrong. */
void guess_ledger_try(struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms);

/* The last try of GUESS was right. */
void guess_ledger_right(struct guess_ledger *ledger, const struct guess *guess, uint64_t now_ms);

/* Wrong tries of ADDRESS that are not forgotten. */
unsigned guess_ledger_wrong(const struct guess_ledger *ledger, struct guess_address address, uint64_t now_ms);

#endif
