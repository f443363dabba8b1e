/* SPDX-License-Identifier: MIT */
#include "common/access/password_hash.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"

/* yescrypt: crypt(5). */
#define PREFIX "$y$"

/* The hash of PASSWORD with the parameters of SETTING, malloc'ed. NULL: errno says why. */
static char *hash_with(const char *password, const char *setting)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    char *copy = NULL;

    if (!data) {
        return NULL;
    }
    const char *hash = crypt_r(password, setting, data);
    int error = errno;
    if (hash && hash[0] != '*') {
        copy = strdup(hash);
        error = errno;
    }
    secret_wipe(data, sizeof(*data));
    free(data);
    errno = error;
    return copy;
}

char *password_hash_make(const char *password)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (!crypt_gensalt_rn(PREFIX, 0, NULL, 0, setting, sizeof(setting))) {
        return NULL;
    }
    return hash_with(password, setting);
}

bool password_hash_matches(const char *password, const char *hash)
{
    char *again = hash_with(password, hash);
    size_t length = strlen(hash);
    bool same = again && strlen(again) == length && CRYPTO_memcmp(again, hash, length) == 0;

    secret_free(again);
    return same;
}
