/* SPDX-License-Identifier: MIT */
/*
 * The first line is a query, the second one a list of subprotocols, the third and fourth a proxy's user and
 * groups, each of any content; what is missing is not there.
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
    char *rest = text;
    struct credential_sources sources = {.query = strsep(&rest, "\n")};

    sources.subprotocols = strsep(&rest, "\n");
    sources.proxy_user = strsep(&rest, "\n");
    sources.proxy_groups = strsep(&rest, "\n");
    enum access_verdict verdict = access_fuzz_judge(&sources, &credentials);

    if (credentials.kind == CREDENTIAL_PROXY) {
        access_fuzz_require(verdict == ACCESS_REFUSED); /* no proxy is configured */
    }
    free(text);
    return 0;
}
