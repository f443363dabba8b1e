/* SPDX-License-Identifier: MIT */
#include "common/access/access_token.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/secret.h"

#define PREFIX "rct_"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)

#define ID_BYTES 4
#define ID_LENGTH (ACCESS_TOKEN_ID_SIZE - 1)

#define SECRET_BYTES 32
#define SECRET_LENGTH 43

/* As EVP_EncodeBlock writes SECRET_BYTES, with one "=" at the end, and a NUL. */
#define PADDED_SIZE 45

#define HASH_BYTES 32

#define HEX "0123456789abcdef"
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static void write_hex(char *text, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *text++ = HEX[bytes[i] >> 4];
        *text++ = HEX[bytes[i] & 15];
    }
    *text = '\0';
}

static void write_base64url(char text[SECRET_LENGTH + 1], const uint8_t bytes[SECRET_BYTES])
{
    char padded[PADDED_SIZE];

    EVP_EncodeBlock((unsigned char *)padded, bytes, SECRET_BYTES);
    for (size_t i = 0; i < SECRET_LENGTH; i++) {
        text[i] = (char)(padded[i] == '+' ? '-' : padded[i] == '/' ? '_' : padded[i]);
    }
    text[SECRET_LENGTH] = '\0';
    secret_wipe(padded, sizeof(padded));
}

int access_token_make(char text[ACCESS_TOKEN_SIZE], char id[ACCESS_TOKEN_ID_SIZE],
                      char hash[ACCESS_TOKEN_HASH_SIZE])
{
    uint8_t random[ID_BYTES + SECRET_BYTES];
    char secret[SECRET_LENGTH + 1];

    /* So few bytes come whole, and are not interrupted: getrandom(2). */
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return -EIO;
    }
    write_hex(id, random, ID_BYTES);
    write_base64url(secret, random + ID_BYTES);
    snprintf(text, ACCESS_TOKEN_SIZE, PREFIX "%s_%s", id, secret);
    secret_wipe(random, sizeof(random));
    secret_wipe(secret, sizeof(secret));
    return access_token_hash(text, hash);
}

bool access_token_is_id(const char *text)
{
    return strlen(text) == ID_LENGTH && strspn(text, HEX) == ID_LENGTH;
}

bool access_token_parse(const char *text, char id[ACCESS_TOKEN_ID_SIZE])
{
    if (strlen(text) != ACCESS_TOKEN_SIZE - 1 || strncmp(text, PREFIX, PREFIX_LENGTH) != 0) {
        return false;
    }
    memcpy(id, text + PREFIX_LENGTH, ID_LENGTH);
    id[ID_LENGTH] = '\0';
    const char *secret = text + PREFIX_LENGTH + ID_LENGTH + 1;
    return access_token_is_id(id) && secret[-1] == '_' && strspn(secret, BASE64URL) == SECRET_LENGTH;
}

int access_token_hash(const char *text, char hash[ACCESS_TOKEN_HASH_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) != 1 || length != HASH_BYTES) {
        return -EIO;
    }
    write_hex(hash, digest, HASH_BYTES);
    return 0;
}
