/* SPDX-License-Identifier: MIT */
/*
 * A JWT of any content: the input itself; or, if it begins with a line end, its next line as the header and
 * the rest as the payload, signed with the right secret, so that what is behind the signature is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/visitor/web_token.h"
#include "tests/fuzz/access_fuzz.h"
#include "tests/support/token_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 7515, A.2 and A.3. */
static const char *const rows[] = {
    "{\"algorithm\":\"HS256\",\"key\":\"" ACCESS_FUZZ_SECRET "\"}",
    "{\"algorithm\":\"RS256\",\"key\":\"-----BEGIN PUBLIC KEY-----\\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\\n"
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\\n"
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\\n"
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\\n"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\\n"
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\\n"
    "oQIDAQAB\\n-----END PUBLIC KEY-----\\n\"}",
    "{\"algorithm\":\"ES256\",\"key\":\"-----BEGIN PUBLIC KEY-----\\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\\n-----END PUBLIC KEY-----\\n\"}",
};

#define ISSUERS (sizeof(rows) / sizeof(rows[0]))

static const struct web_token_issuer *get_issuers(void)
{
    static struct web_token_issuer issuers[ISSUERS];

    for (size_t i = 0; i < ISSUERS && !issuers[i].key; i++) {
        const char *why;
        json_t *row = json_loads(rows[i], 0, NULL);
        access_fuzz_require(web_token_issuer_read(&issuers[i], row, &why) == 0);
        json_decref(row);
    }
    return issuers;
}

static void check_list(const json_t *list)
{
    size_t index;
    json_t *one;

    access_fuzz_require(!list || json_is_array(list));
    json_array_foreach(list, index, one) {
        access_fuzz_require(json_is_string(one));
    }
}

/* Both of RFC 7515's tokens expired long ago, so what holds has been signed here. */
static void check(const char *text, bool is_signed)
{
    struct web_token token;
    const char *why;
    bool holds = web_token_check(&token, get_issuers(), ISSUERS, text, ACCESS_FUZZ_NOW, &why);

    access_fuzz_require(holds == !why);
    access_fuzz_require(!holds || (strlen(text) <= WEB_TOKEN_MAX && web_token_has_shape(text)));
    if (holds) {
        access_fuzz_require(token.expires > ACCESS_FUZZ_NOW && token.issuer == get_issuers());
        access_fuzz_require(is_signed || (token.user && strcmp(token.user, ACCESS_FUZZ_USER) == 0));
        check_list(token.cameras);
        check_list(token.groups);
    }
    web_token_clear(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = access_fuzz_text(data, size);
    char *payload = text[0] == '\n' ? strchr(text + 1, '\n') : NULL;

    if (!payload) {
        check(text, false);
    } else if (size < TOKEN_MAKER_SIZE / 2 - 8) {
        *payload = '\0';
        check(token_make_hmac(text + 1, payload + 1, ACCESS_FUZZ_SECRET, strlen(ACCESS_FUZZ_SECRET)), true);
    }
    free(text);
    return 0;
}
