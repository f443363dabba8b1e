/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/access_fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* The hash is SHA-256 of ACCESS_FUZZ_TOKEN. */
static const char document[] =
    "{\"on\":true,\"session_key\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","
    "\"session_seconds\":3600,\"token_in_query\":true,"
    "\"users\":[{\"name\":\"anna\",\"role\":\"viewer\",\"cameras\":[\"front*\"],\"since\":0}],"
    "\"tokens\":[{\"id\":\"0a1b2c3d\",\"hash\":"
    "\"4b03b715277f3b181a76fdfdc4ab91c94225e6af088c4a9ae81aeb44df780a5e\",\"role\":\"viewer\",\"cameras\":["
    "\"yard\"],"
    "\"expires\":1700000100,\"once\":-1}],"
    "\"jwt\":[{\"algorithm\":\"HS256\",\"key\":\"" ACCESS_FUZZ_SECRET "\"}]}";

void access_fuzz_require(bool holds)
{
    if (!holds) {
        abort();
    }
}

char *access_fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    access_fuzz_require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

struct access *access_fuzz_access(void)
{
    static struct access *access;

    if (!access) {
        access = access_new();
        access_fuzz_require(access && access_set(access, document, strlen(document)) == 0);
    }
    return access;
}

static void check_credentials(const struct credentials *credentials)
{
    access_fuzz_require((credentials->kind == CREDENTIAL_BAD) == (credentials->why != NULL));
    access_fuzz_require(memchr(credentials->user, '\0', sizeof(credentials->user)) &&
                        memchr(credentials->password, '\0', sizeof(credentials->password)) &&
                        memchr(credentials->token, '\0', sizeof(credentials->token)) &&
                        memchr(credentials->groups, '\0', sizeof(credentials->groups)));
    access_fuzz_require(text_is_utf8(credentials->user) && !text_has_control(credentials->user) &&
                        text_is_utf8(credentials->password) && !text_has_control(credentials->password));
    access_fuzz_require(credentials->session_count <= CREDENTIALS_SESSIONS_MAX);
    for (size_t i = 0; i < credentials->session_count; i++) {
        size_t length = strnlen(credentials->sessions[i], SESSION_COOKIE_SIZE);
        access_fuzz_require(length > 0 && length < SESSION_COOKIE_SIZE);
    }
    for (const char *c = credentials->token; *c != '\0'; c++) {
        access_fuzz_require(*c > 0x20 && *c < 0x7f && *c != '%' && *c != '&' && *c != ',' && *c != ';');
    }
    if (credentials->kind == CREDENTIAL_BASIC) {
        access_fuzz_require(credentials->user[0] != '\0' && credentials->password[0] != '\0' &&
                            !strchr(credentials->user, ':'));
    }
    if (credentials->kind == CREDENTIAL_TOKEN) {
        access_fuzz_require(credentials->token[0] != '\0');
    }
}

/* Nobody else than these has a signature or a token. */
static void check_visitor(const struct visitor *visitor)
{
    char out[VISITOR_DESCRIPTION_SIZE];

    visitor_describe(visitor, out);
    access_fuzz_require(!text_has_control(out) && text_is_utf8(out));
    access_fuzz_require(visitor->expires > ACCESS_FUZZ_NOW);
    if (visitor->via == VISITOR_SESSION) {
        access_fuzz_require(strcmp(visitor->name, ACCESS_FUZZ_USER) == 0 &&
                            visitor_may_watch(visitor, "front") && !visitor_may_watch(visitor, "yard"));
    } else if (visitor->via == VISITOR_TOKEN) {
        access_fuzz_require(visitor_may_watch(visitor, "yard") && !visitor_may_watch(visitor, "front"));
    } else {
        access_fuzz_require(visitor->via == VISITOR_JWT);
    }
}

enum access_verdict access_fuzz_judge(const struct credential_sources *sources,
                                      struct credentials *credentials)
{
    struct visitor *visitor;
    const char *why;

    credentials_read(credentials, sources);
    check_credentials(credentials);
    enum access_verdict verdict =
        access_judge(access_fuzz_access(), credentials, ACCESS_FUZZ_NOW, &visitor, &why);
    access_fuzz_require((verdict == ACCESS_GRANTED) == (visitor != NULL) &&
                        (visitor == NULL) == (why != NULL));
    access_fuzz_require((verdict == ACCESS_NONE) == (credentials->kind == CREDENTIAL_NONE));
    access_fuzz_require((verdict == ACCESS_ASK_PASSWORD) == (credentials->kind == CREDENTIAL_BASIC));
    if (visitor) {
        check_visitor(visitor);
        access_fuzz_require(access_still_valid(access_fuzz_access(), visitor, ACCESS_FUZZ_NOW) ==
                            VISITOR_VALID);
        visitor_unref(visitor);
    }
    return verdict;
}
