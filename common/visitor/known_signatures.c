/* SPDX-License-Identifier: MIT */
#include "common/visitor/known_signatures.h"

#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/visitor/web_token.h"

static_assert(SHA256_DIGEST_LENGTH == KNOWN_SIGNATURES_HASH_SIZE, "a hash is SHA-256");

void known_signatures_hash(uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE], const uint8_t *print, const char *token)
{
    uint8_t text[WEB_TOKEN_PRINT_SIZE + WEB_TOKEN_MAX];
    size_t length = strnlen(token, WEB_TOKEN_MAX);

    memcpy(text, print, WEB_TOKEN_PRINT_SIZE);
    memcpy(text + WEB_TOKEN_PRINT_SIZE, token, length);
    SHA256(text, WEB_TOKEN_PRINT_SIZE + length, hash);
    secret_wipe(text, WEB_TOKEN_PRINT_SIZE + length);
}

static size_t set_of(const uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE])
{
    return hash[0] % KNOWN_SIGNATURES_SETS;
}

bool known_signatures_has(const struct known_signatures *known,
                          const uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE], int64_t now)
{
    const struct known_signature *set = known->places[set_of(hash)];

    for (size_t way = 0; way < KNOWN_SIGNATURES_WAYS; way++) {
        if (set[way].expires > now && memcmp(set[way].hash, hash, sizeof(set[way].hash)) == 0) {
            return true;
        }
    }
    return false;
}

void known_signatures_add(struct known_signatures *known, const uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE],
                          int64_t expires, int64_t now)
{
    struct known_signature *set = known->places[set_of(hash)], *place = set;

    if (expires <= now || known_signatures_has(known, hash, now)) {
        return;
    }
    for (size_t way = 1; way < KNOWN_SIGNATURES_WAYS; way++) {
        if (set[way].expires < place->expires) {
            place = &set[way];
        }
    }
    memcpy(place->hash, hash, sizeof(place->hash));
    place->expires = expires;
}

void known_signatures_forget(struct known_signatures *known)
{
    memset(known, 0, sizeof(*known));
}
