/* SPDX-License-Identifier: MIT */
/*
 * JWTs whose signature by a public key has been found right, because libjwt reads the key anew for each check, which takes half a
 * millisecond. Only a hash of the issuer's settings and of the whole token is kept, and only of tokens that got in, so nobody who
 * has none can fill the places; another key or another setting of the issuer is another hash. That a signature is right never
 * changes: what a token says, its times above all, is judged each time. The search is not in constant time and need not be: who
 * chooses a token does not choose its hash. Pure. One thread at a time.
 */
#ifndef COMMON_VISITOR_KNOWN_SIGNATURES_H
#define COMMON_VISITOR_KNOWN_SIGNATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_SIGNATURES_HASH_SIZE 32
#define KNOWN_SIGNATURES_SETS 64
#define KNOWN_SIGNATURES_WAYS 4

struct known_signature {
    uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE];
    int64_t expires; /* Unix seconds; 0: free */
};

/* Bounded: a new one takes the place of that of its set which expires first. Zeroed: empty. */
struct known_signatures {
    struct known_signature places[KNOWN_SIGNATURES_SETS][KNOWN_SIGNATURES_WAYS];
};

/* Of TOKEN, signed by the issuer with the settings of PRINT (web_token.h), 32 bytes. */
void known_signatures_hash(uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE], const uint8_t *print, const char *token);

/* True if HASH is known and its token has not expired at NOW. */
bool known_signatures_has(const struct known_signatures *known,
                          const uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE], int64_t now);

/* HASH is that of a token which is good until EXPIRES. */
void known_signatures_add(struct known_signatures *known, const uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE],
                          int64_t expires, int64_t now);

void known_signatures_forget(struct known_signatures *known);

#endif
