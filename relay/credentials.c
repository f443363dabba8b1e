/* SPDX-License-Identifier: MIT */
#include "relay/credentials.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"

#define BLANKS " \t\r\n"

/* RFC 4648, section 6, without padding. */
static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* An nkey in base 32: bytes of a prefix, of the key, and of a check, little-endian CRC-16/XMODEM. A seed's prefix holds its own and the user's. */
#define KEY_LENGTH 32
#define CHECK_LENGTH 2
#define SEED_PREFIX_LENGTH 2
#define SEED_TEXT_LENGTH 58
#define PUBLIC_PREFIX_LENGTH 1
#define PUBLIC_TEXT_LENGTH 56
#define PREFIX_USER (20 << 3)

static bool is_seed(const char *word, size_t length)
{
    return length == SEED_TEXT_LENGTH && strncmp(word, "SU", 2) == 0 && strspn(word, base32) >= length;
}

/* A JWT is three words of base64url with dots between them, the first of which begins with `{"`. */
static bool is_jwt(const char *word, size_t length)
{
    return length > 2 && strncmp(word, "ey", 2) == 0 && memchr(word, '.', length);
}

static int keep(char **kept, const char *word, size_t length)
{
    if (*kept) {
        return 0; /* the first one counts */
    }
    *kept = strndup(word, length);
    return *kept ? 0 : -ENOMEM;
}

/* --- The public key ------------------------------------------------------------------------------------- */

static uint16_t check_of(const uint8_t *data, size_t length)
{
    uint16_t check = 0;

    for (size_t i = 0; i < length; i++) {
        check = (uint16_t)(check ^ data[i] << 8);
        for (int bit = 0; bit < 8; bit++) {
            check = (uint16_t)(check & 0x8000 ? check << 1 ^ 0x1021 : check << 1);
        }
    }
    return check;
}

static void encode(char *text, const uint8_t *data, size_t length)
{
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | data[i];
        for (count += 8; count >= 5; count -= 5) {
            *text++ = base32[bits >> (count - 5) & 31];
        }
    }
    if (count > 0) {
        *text++ = base32[bits << (5 - count) & 31];
    }
    *text = '\0';
}

/* DATA has room for what TEXT, all of base 32, says. */
static void decode(uint8_t *data, const char *text)
{
    uint32_t bits = 0;
    unsigned count = 0;

    for (; *text != '\0'; text++) {
        bits = bits << 5 | (uint32_t)(strchr(base32, *text) - base32);
        count += 5;
        if (count >= 8) {
            count -= 8;
            *data++ = (uint8_t)(bits >> count);
        }
    }
}

/* A user's key is a pair of Ed25519 (RFC 8032), whose private half is the seed. */
static int derive_public(const char *seed, char **text)
{
    uint8_t private[SEED_PREFIX_LENGTH + KEY_LENGTH + CHECK_LENGTH];
    uint8_t public[PUBLIC_PREFIX_LENGTH + KEY_LENGTH + CHECK_LENGTH] = {PREFIX_USER};
    size_t length = KEY_LENGTH;
    int result = -EBADMSG;

    decode(private, seed);
    EVP_PKEY *pair =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private + SEED_PREFIX_LENGTH, KEY_LENGTH);
    if (pair && EVP_PKEY_get_raw_public_key(pair, public + PUBLIC_PREFIX_LENGTH, &length) == 1) {
        uint16_t check = check_of(public, PUBLIC_PREFIX_LENGTH + KEY_LENGTH);
        public[PUBLIC_PREFIX_LENGTH + KEY_LENGTH] = (uint8_t)check;
        public[PUBLIC_PREFIX_LENGTH + KEY_LENGTH + 1] = (uint8_t)(check >> 8);
        *text = malloc(PUBLIC_TEXT_LENGTH + 1);
        result = *text ? 0 : -ENOMEM;
    }
    if (result == 0) {
        encode(*text, public, sizeof(public));
    }
    EVP_PKEY_free(pair);
    OPENSSL_cleanse(private, sizeof(private));
    return result;
}

int credentials_read(struct credentials *credentials, const char *text)
{
    const char *word = text + strspn(text, BLANKS);
    int result = 0;

    *credentials = (struct credentials){0};
    while (*word != '\0' && result == 0) {
        size_t length = strcspn(word, BLANKS);
        if (is_seed(word, length)) {
            result = keep(&credentials->seed, word, length);
        } else if (is_jwt(word, length)) {
            result = keep(&credentials->jwt, word, length);
        }
        word += length;
        word += strspn(word, BLANKS);
    }
    if (result == 0 && !credentials->seed) {
        result = -EBADMSG;
    }
    if (result == 0 && !credentials->jwt) {
        result = derive_public(credentials->seed, &credentials->public);
    }
    if (result < 0) {
        credentials_finish(credentials);
    }
    return result;
}

void credentials_finish(struct credentials *credentials)
{
    secret_free(credentials->seed);
    free(credentials->jwt);
    free(credentials->public);
    *credentials = (struct credentials){0};
}
