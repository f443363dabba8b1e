/* SPDX-License-Identifier: MIT */
#include "relay/credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"

#define BLANKS " \t\r\n"

/* Nkeys are base 32 without padding: 56 characters of a public key, 58 of a seed. */
#define PUBLIC_LENGTH 56
#define SEED_LENGTH 58

static bool is_nkey(const char *word, size_t length, const char *prefix, size_t whole)
{
    return length == whole && strncmp(word, prefix, strlen(prefix)) == 0 &&
           strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") >= length;
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

int credentials_read(struct credentials *credentials, const char *text)
{
    const char *word = text + strspn(text, BLANKS);
    int result = 0;

    *credentials = (struct credentials){0};
    while (*word != '\0' && result == 0) {
        size_t length = strcspn(word, BLANKS);
        if (is_nkey(word, length, "SU", SEED_LENGTH)) {
            result = keep(&credentials->seed, word, length);
        } else if (is_nkey(word, length, "U", PUBLIC_LENGTH)) {
            result = keep(&credentials->public, word, length);
        } else if (is_jwt(word, length)) {
            result = keep(&credentials->jwt, word, length);
        }
        word += length;
        word += strspn(word, BLANKS);
    }
    if (result == 0 && (!credentials->seed || (!credentials->jwt && !credentials->public))) {
        result = -EBADMSG;
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
