/* SPDX-License-Identifier: MIT */
#include "common/access/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/secret.h"

static const struct {
    const char *name;
    size_t digits;
    const EVP_MD *(*method)(void);
} algorithms[DIGEST_ALGORITHMS] = {
    [DIGEST_MD5] = {"MD5", 32, EVP_md5}, [DIGEST_SHA256] = {"SHA-256", 64, EVP_sha256}};

bool digest_algorithm_find(const char *name, enum digest_algorithm *algorithm)
{
    for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
        if (strcasecmp(name, algorithms[i].name) == 0 || (i == DIGEST_MD5 && name[0] == '\0')) {
            *algorithm = (enum digest_algorithm)i;
            return true;
        }
    }
    return false;
}

/* The hash of COUNT texts with colons between them. */
static bool hash(enum digest_algorithm algorithm, const char *const *texts, size_t count,
                 char hex[DIGEST_HEX_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    bool good = context && EVP_DigestInit_ex(context, algorithms[algorithm].method(), NULL) == 1;

    for (size_t i = 0; good && i < count; i++) {
        good = (i == 0 || EVP_DigestUpdate(context, ":", 1) == 1) &&
               EVP_DigestUpdate(context, texts[i], strlen(texts[i])) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, bytes, &size) == 1 && 2 * size == algorithms[algorithm].digits;
    EVP_MD_CTX_free(context);
    for (unsigned i = 0; good && i < size; i++) {
        snprintf(hex + (size_t)2 * i, 3, "%02x", bytes[i]);
    }
    secret_wipe(bytes, sizeof(bytes));
    return good;
}

bool digest_secret(enum digest_algorithm algorithm, const char *user, const char *password,
                   char secret[DIGEST_HEX_SIZE])
{
    const char *const texts[] = {user, DIGEST_REALM, password};

    return hash(algorithm, texts, 3, secret);
}

bool digest_is_secret(enum digest_algorithm algorithm, const char *text)
{
    size_t length = strlen(text);

    return length == algorithms[algorithm].digits && strspn(text, "0123456789abcdef") == length;
}

bool digest_matches(const struct digest_answer *answer, const char *secret)
{
    const char *const request[] = {answer->method, answer->uri};
    char of_request[DIGEST_HEX_SIZE], expected[DIGEST_HEX_SIZE];
    size_t digits = algorithms[answer->algorithm].digits;
    bool protected = answer->qop[0] != '\0';

    if (!hash(answer->algorithm, request, 2, of_request)) {
        return false;
    }
    const char *const plain[] = {secret, answer->nonce, of_request};
    const char *const counted[] = {secret,         answer->nonce, answer->nc,
                                   answer->cnonce, answer->qop,   of_request};
    bool made = protected ? hash(answer->algorithm, counted, 6, expected)
                          : hash(answer->algorithm, plain, 3, expected);
    return made && strlen(answer->response) == digits &&
           CRYPTO_memcmp(answer->response, expected, digits) == 0;
}
