/* SPDX-License-Identifier: MIT */
/*
 * An Authorization header of any content: it is a name and a password, a token, or bad; and nobody gets in
 * without a token.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/fuzz/access_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct credentials credentials;
    char *text = access_fuzz_text(data, size);
    enum access_verdict verdict =
        access_fuzz_judge(&(struct credential_sources){.authorization = text, .cookie = "a=b"}, &credentials);

    access_fuzz_require(verdict != ACCESS_NONE && credentials.kind != CREDENTIAL_COOKIE);
    free(text);
    return 0;
}
