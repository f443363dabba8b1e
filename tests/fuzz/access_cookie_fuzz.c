/* SPDX-License-Identifier: MIT */
/*
 * A Cookie header of any content: what is ringcast's is found or is not there, and only a signed session
 * gets in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/access_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct credentials credentials;
    char *text = access_fuzz_text(data, size);
    enum access_verdict verdict =
        access_fuzz_judge(&(struct credential_sources){.cookie = text}, &credentials);

    access_fuzz_require(credentials.kind == CREDENTIAL_NONE || credentials.kind == CREDENTIAL_COOKIE);
    if (!strstr(text, SESSION_COOKIE_NAME) && !strstr(text, CREDENTIALS_TOKEN_COOKIE)) {
        access_fuzz_require(verdict == ACCESS_NONE);
    }
    free(text);
    return 0;
}
