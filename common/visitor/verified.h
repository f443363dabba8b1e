/* SPDX-License-Identifier: MIT */
/*
 * Users and passwords that ringcast-password has found right a short time ago, so that a script that sends
 * them with each request costs one check in ten minutes. An answer is for the address that asked: otherwise
 * guesses from everywhere could be tried here, past the ledger of guesses that ringcast-password keeps for
 * each address. Only a keyed hash (HMAC-SHA256 with a key of this process) of each is kept. Pure but for the
 * random key. One thread at a time.
 */
#ifndef COMMON_VISITOR_VERIFIED_H
#define COMMON_VISITOR_VERIFIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds for which a password counts as checked. */
#define VERIFIED_SECONDS 600

#define VERIFIED_MAC_SIZE 32
#define VERIFIED_SETS 128
#define VERIFIED_WAYS 4

struct verified_entry {
    uint8_t mac[VERIFIED_MAC_SIZE];
    int64_t checked; /* Unix seconds; 0: free */
};

/* Bounded: a new entry takes the place of the oldest of its set. */
struct verified {
    bool ready; /* there is a key */
    uint8_t key[VERIFIED_MAC_SIZE];
    struct verified_entry entries[VERIFIED_SETS][VERIFIED_WAYS];
};

/* 0, or -EIO: no randomness. */
int verified_init(struct verified *verified);

/* Remembers at NOW that USER and PASSWORD, which came from ADDRESS, are right. */
void verified_add(struct verified *verified, const char *address, const char *user, const char *password,
                  int64_t now);

/* When USER and PASSWORD from ADDRESS were checked, Unix seconds; 0: not in the last VERIFIED_SECONDS. */
int64_t verified_find(const struct verified *verified, const char *address, const char *user,
                      const char *password, int64_t now);

/* Forgets all of them, and the key. 0, or -EIO: no randomness; then nothing is remembered from now on. */
int verified_forget(struct verified *verified);

#endif
