/* SPDX-License-Identifier: MIT */
/*
 * An access document of any content: it is refused and changes nothing, or it is a table that answers any
 * question.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/access_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct visitor *judge(struct access *access, const struct credential_sources *sources)
{
    static struct credentials credentials;
    struct visitor *visitor;

    credentials_read(&credentials, sources);
    enum access_verdict verdict = access_judge(access, &credentials, ACCESS_FUZZ_NOW, &visitor, NULL);
    access_fuzz_require(access_is_on(access) || verdict == ACCESS_GRANTED);
    access_fuzz_require(!access_is_on(access) || credentials.kind != CREDENTIAL_NONE ||
                        verdict == ACCESS_NONE);
    return visitor;
}

static void ask(struct access *access)
{
    static const struct credential_sources sources[] = {
        {.cookie = NULL},
        {.proxy_user = "anna", .proxy_groups = "staff,admins"},
        {.authorization = "Basic YW5uYTpzZWNyZXQ="},
        {.authorization = "Bearer " ACCESS_FUZZ_TOKEN},
        {.cookie = "ringcast_session=AA.AA; ringcast_token=a.b.c"},
    };

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct visitor *visitor = judge(access, &sources[i]);
        if (visitor) {
            visitor_may_watch(visitor, "front");
            visitor_may_watch(visitor, "front/sub");
            visitor_is_operator(visitor);
            access_fuzz_require(access_still_valid(access, visitor, ACCESS_FUZZ_NOW) == VISITOR_VALID);
        }
        visitor_unref(visitor);
    }
}

static void log_in(struct access *access)
{
    char value[SESSION_COOKIE_SIZE], cookie[SESSION_COOKIE_SIZE + 32] = SESSION_COOKIE_NAME "=";
    struct visitor *visitor = NULL;
    int result =
        access_begin_session(access, "anna", access_generation(access), ACCESS_FUZZ_NOW, value, &visitor);

    if (result == 0 && access_is_on(access)) {
        struct visitor *again = judge(access, &(struct credential_sources){.cookie = strcat(cookie, value)});
        access_fuzz_require(again && strcmp(again->name, "anna") == 0);
        visitor_unref(again);
    }
    visitor_unref(visitor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct access *access = access_new();

    access_fuzz_require(access != NULL);
    if (access_set(access, (const char *)data, size) == 0) {
        access_fuzz_require(access_generation(access) == 1 && access_table(access));
        ask(access);
        log_in(access);
    } else {
        access_fuzz_require(access_generation(access) == 0 && !access_table(access) && access_is_on(access));
    }
    access_free(access);
    return 0;
}
