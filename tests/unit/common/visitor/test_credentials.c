/* SPDX-License-Identifier: MIT */
/* How what a request brings is taken apart. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/visitor/credentials.h"

static struct credentials credentials;

static enum credential_kind read_authorization(const char *text)
{
    credentials_read(&credentials, &(struct credential_sources){.authorization = text});
    return credentials.kind;
}

static enum credential_kind read_subprotocols(const char *text)
{
    credentials_read(&credentials, &(struct credential_sources){.subprotocols = text});
    return credentials.kind;
}

static enum credential_kind read_query(const char *text)
{
    credentials_read(&credentials, &(struct credential_sources){.query = text});
    return credentials.kind;
}

static enum credential_kind read_cookie(const char *text)
{
    credentials_read(&credentials, &(struct credential_sources){.cookie = text});
    return credentials.kind;
}

static enum credential_kind read_proxy(const char *user, const char *groups)
{
    credentials_read(&credentials, &(struct credential_sources){.proxy_user = user, .proxy_groups = groups});
    return credentials.kind;
}

static void basic_is_a_name_and_a_password(void **state)
{
    (void)state;
    /* RFC 7617, sections 2 and 2.1. */
    assert_int_equal(read_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), CREDENTIAL_BASIC);
    assert_string_equal(credentials.user, "Aladdin");
    assert_string_equal(credentials.password, "open sesame");
    assert_int_equal(read_authorization("basic  dGVzdDoxMjPCow=="), CREDENTIAL_BASIC);
    assert_string_equal(credentials.user, "test");
    assert_string_equal(credentials.password, "123\u00a3");
    assert_int_equal(read_authorization("BASIC YTpiOmM="), CREDENTIAL_BASIC); /* a:b:c */
    assert_string_equal(credentials.user, "a");
    assert_string_equal(credentials.password, "b:c");
}

static void basic_of_another_form_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Basic",
        "Basic ",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",     /* padding is missing */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=",    /* half of it */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ===",  /* too much */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==",   /* bits that are no byte */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ",  /* something behind it */
        "Basic QWxhZGRpbjpv cGVuIHNlc2FtZQ==",  /* something in it */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==,x", /* two fields, joined */
        "Basic _-__",
        "Basic YQ==",         /* no colon */
        "Basic Og==",         /* neither name nor password */
        "Basic OmI=",         /* no name */
        "Basic YTo=",         /* no password */
        "Basic YQA6Yg==",     /* a NUL in the name */
        "Basic YTpiAA==",     /* a NUL in the password */
        "Basic YQo6Yg==",     /* a line end in the name */
        "Basic YTpiB2M=",     /* a bell in the password */
        "Basic /zpi",         /* no UTF-8 */
        "Basic dGVzdDoxMjOj", /* Latin-1 */
        "Basic YcKFOmI=",     /* a C1 control character */
        "Basic",
        " Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic\tQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basically QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Digest username=\"a\"",
        "Negotiate AAAA",
        "",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a,Bearer b",
        "Bearer \xff",
        "Bearer a\"b",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_authorization(bad[i]) != CREDENTIAL_BAD) {
            fail_msg("\"%s\"", bad[i]);
        }
        assert_non_null(credentials.why);
        assert_true(credentials.user[0] == '\0' && credentials.password[0] == '\0' &&
                    credentials.token[0] == '\0');
    }
}

static const char *basic_of(size_t name, size_t password)
{
    static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char out[2048];
    char plain[1024];
    size_t length = name + 1 + password, used = 6;

    memset(plain, 'a', sizeof(plain));
    plain[name] = ':';
    memset(plain + length, 0, 3);
    strcpy(out, "Basic ");
    for (size_t i = 0; i < length; i += 3) {
        unsigned bits = (unsigned)plain[i] << 16 | (unsigned)plain[i + 1] << 8 | (unsigned)plain[i + 2];
        for (int k = 0; k < 4; k++) {
            out[used++] = symbols[bits >> (18 - 6 * k) & 63];
        }
    }
    for (size_t k = 0; k < (3 - length % 3) % 3; k++) {
        out[used - 1 - k] = '=';
    }
    out[used] = '\0';
    return out;
}

static void names_and_passwords_have_their_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read_authorization(basic_of(CREDENTIALS_USER_MAX - i, CREDENTIALS_PASSWORD_MAX)),
                         CREDENTIAL_BASIC);
        assert_int_equal(strlen(credentials.user), CREDENTIALS_USER_MAX - i);
        assert_int_equal(strlen(credentials.password), CREDENTIALS_PASSWORD_MAX);
    }
    assert_int_equal(read_authorization(basic_of(CREDENTIALS_USER_MAX + 1, 1)), CREDENTIAL_BAD);
    assert_int_equal(read_authorization(basic_of(1, CREDENTIALS_PASSWORD_MAX + 1)), CREDENTIAL_BAD);
    assert_int_equal(read_authorization(basic_of(500, 500)), CREDENTIAL_BAD);
}

static void bearer_is_a_token(void **state)
{
    (void)state;
    assert_int_equal(read_authorization("Bearer rct_0a1b2c3d_AbC-_"), CREDENTIAL_TOKEN);
    assert_string_equal(credentials.token, "rct_0a1b2c3d_AbC-_");
    assert_int_equal(read_authorization("bEARER  a.b.c"), CREDENTIAL_TOKEN);
    assert_string_equal(credentials.token, "a.b.c");
    char text[CREDENTIALS_TOKEN_MAX + 16] = "Bearer ";
    memset(text + 7, 'a', CREDENTIALS_TOKEN_MAX + 1);
    assert_int_equal(read_authorization(text), CREDENTIAL_BAD);
    text[7 + CREDENTIALS_TOKEN_MAX] = '\0';
    assert_int_equal(read_authorization(text), CREDENTIAL_TOKEN);
    assert_int_equal(strlen(credentials.token), CREDENTIALS_TOKEN_MAX);
}

static void a_subprotocol_carries_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum credential_kind kind;
        const char *token;
    } cases[] = {
        {"ringcast", CREDENTIAL_NONE, ""},
        {"", CREDENTIAL_NONE, ""},
        {",,", CREDENTIAL_NONE, ""},
        {"ringcast, ringcast.token.abc", CREDENTIAL_TOKEN, "abc"},
        {"ringcast.token.abc,ringcast", CREDENTIAL_TOKEN, "abc"},
        {" \tringcast.token.a.b.c \t,other", CREDENTIAL_TOKEN, "a.b.c"},
        {"ringcast.token.", CREDENTIAL_BAD, ""},
        {"ringcast, ringcast.token. ", CREDENTIAL_BAD, ""},
        {"ringcast.token.a, ringcast.token.b", CREDENTIAL_BAD, NULL},
        {"ringcast.token.a, ringcast.token.a", CREDENTIAL_BAD, NULL},
        {"ringcast.token.a b", CREDENTIAL_BAD, ""},
        {"ringcast.token.a=", CREDENTIAL_BAD, ""},
        {"ringcast.token.a\"b\"", CREDENTIAL_BAD, ""},
        {"Ringcast.Token.abc", CREDENTIAL_NONE, ""},
        {"xringcast.token.abc", CREDENTIAL_NONE, ""},
        {"ringcast.tokenabc", CREDENTIAL_NONE, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (read_subprotocols(cases[i].text) != cases[i].kind) {
            fail_msg("\"%s\"", cases[i].text);
        }
        if (cases[i].token) {
            assert_string_equal(credentials.token, cases[i].token);
        }
    }
}

static void a_query_carries_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum credential_kind kind;
        const char *token;
    } cases[] = {
        {"", CREDENTIAL_NONE, ""},
        {"stream=sub", CREDENTIAL_NONE, ""},
        {"token=abc", CREDENTIAL_TOKEN, "abc"},
        {"stream=sub&token=abc", CREDENTIAL_TOKEN, "abc"},
        {"token=abc&stream=sub", CREDENTIAL_TOKEN, "abc"},
        {"&&token=abc&", CREDENTIAL_TOKEN, "abc"},
        {"token=rct%5F0a%2e%2Db", CREDENTIAL_TOKEN, "rct_0a.-b"},
        {"token=", CREDENTIAL_BAD, ""},
        {"token", CREDENTIAL_NONE, ""},
        {"xtoken=abc", CREDENTIAL_NONE, ""},
        {"Token=abc", CREDENTIAL_NONE, ""},
        {"tok%65n=abc", CREDENTIAL_NONE, ""},
        {"token=a&token=b", CREDENTIAL_BAD, NULL},
        {"token=a&token=a", CREDENTIAL_BAD, NULL},
        {"token=a%", CREDENTIAL_BAD, ""},
        {"token=a%2", CREDENTIAL_BAD, ""},
        {"token=a%zz", CREDENTIAL_BAD, ""},
        {"token=a%00", CREDENTIAL_BAD, ""},
        {"token=a%00b", CREDENTIAL_BAD, ""},
        {"token=a%20b", CREDENTIAL_BAD, ""},
        {"token=a%2561", CREDENTIAL_BAD, ""}, /* decoded once, so a '%' stays */
        {"token=a%26token%3Db", CREDENTIAL_BAD, ""},
        {"token=a%0d%0aSet-Cookie", CREDENTIAL_BAD, ""},
    };
    char text[4 * CREDENTIALS_TOKEN_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (read_query(cases[i].text) != cases[i].kind) {
            fail_msg("\"%s\"", cases[i].text);
        }
        if (cases[i].token) {
            assert_string_equal(credentials.token, cases[i].token);
        }
    }
    strcpy(text, "token=");
    for (size_t i = 0; i < CREDENTIALS_TOKEN_MAX; i++) {
        strcpy(text + 6 + 3 * i, "%61");
    }
    assert_int_equal(read_query(text), CREDENTIAL_TOKEN);
    assert_int_equal(strlen(credentials.token), CREDENTIALS_TOKEN_MAX);
    strcat(text, "a");
    assert_int_equal(read_query(text), CREDENTIAL_BAD);
}

static void cookies_of_others_do_not_matter(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t sessions;
        const char *first, *token;
    } cases[] = {
        {"", 0, NULL, ""},
        {"ringcast_session=abc.def", 1, "abc.def", ""},
        {"ringcast_session=\"abc.def\"", 1, "abc.def", ""},
        {"a=b; ringcast_session=abc; c=d", 1, "abc", ""},
        {"a=b;ringcast_session=abc;c=d", 1, "abc", ""},
        {" ;; ringcast_session=abc ;", 1, "abc", ""},
        {"a; =b; ==; \"x\"; {\"json\":1}; ringcast_session=abc", 1, "abc", ""},
        {"a=\xff\xfe; ringcast_session=abc", 1, "abc", ""},
        {"ringcast_session=one; ringcast_session=two", 2, "one", ""},
        {"ringcast_session=", 0, NULL, ""},
        {"ringcast_session=\"\"", 0, NULL, ""},
        {"ringcast_session=\"", 0, NULL, ""},
        {"ringcast_session", 0, NULL, ""},
        {"ringcast_session =abc", 0, NULL, ""},
        {"ringcast_session= abc", 0, NULL, ""},
        {"ringcast_session=a b", 0, NULL, ""},
        {"ringcast_session=a,b", 0, NULL, ""},
        {"ringcast_session=a\\b", 0, NULL, ""},
        {"ringcast_session=a\x7f", 0, NULL, ""},
        {"ringcast_session=\xc3\xa4", 0, NULL, ""},
        {"Ringcast_session=abc", 0, NULL, ""},
        {"xringcast_session=abc", 0, NULL, ""},
        {"ringcast_session2=abc", 0, NULL, ""},
        {"x=ringcast_session=abc", 0, NULL, ""},
        {"ringcast_token=a.b.c; ringcast_session=abc", 1, "abc", "a.b.c"},
        {"ringcast_session=abc; ringcast_token=a.b.c", 1, "abc", "a.b.c"},
        {"ringcast_token=one; ringcast_token=two", 0, NULL, "one"},
        {"ringcast_token=a:b", 0, NULL, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum credential_kind kind = read_cookie(cases[i].text);
        if (credentials.session_count != cases[i].sessions) {
            fail_msg("\"%s\"", cases[i].text);
        }
        assert_string_equal(credentials.token, cases[i].token);
        assert_int_equal(kind, cases[i].sessions > 0 || cases[i].token[0] != '\0' ? CREDENTIAL_COOKIE
                                                                                  : CREDENTIAL_NONE);
        if (cases[i].sessions > 0) {
            assert_string_equal(credentials.sessions[0], cases[i].first);
        }
    }
}

static void cookies_are_limited(void **state)
{
    (void)state;
    char text[8192] = "ringcast_session=";
    size_t name = strlen(text);

    memset(text + name, 'a', SESSION_COOKIE_SIZE);
    assert_int_equal(read_cookie(text), CREDENTIAL_NONE);
    text[name + SESSION_COOKIE_SIZE - 1] = '\0';
    assert_int_equal(read_cookie(text), CREDENTIAL_COOKIE);
    assert_int_equal(strlen(credentials.sessions[0]), SESSION_COOKIE_SIZE - 1);
    text[0] = '\0';
    for (int i = 0; i < 2 * CREDENTIALS_SESSIONS_MAX; i++) {
        snprintf(text + strlen(text), 64, "ringcast_session=%d; ", i);
    }
    assert_int_equal(read_cookie(text), CREDENTIAL_COOKIE);
    assert_int_equal(credentials.session_count, CREDENTIALS_SESSIONS_MAX);
    strcpy(text, "ringcast_token=");
    name = strlen(text);
    memset(text + name, 'a', CREDENTIALS_TOKEN_MAX + 1);
    text[name + CREDENTIALS_TOKEN_MAX + 1] = '\0';
    assert_int_equal(read_cookie(text), CREDENTIAL_NONE);
}

static void a_proxy_names_user_and_groups(void **state)
{
    (void)state;
    char text[CREDENTIALS_GROUPS_MAX + 2];

    assert_int_equal(read_proxy(NULL, NULL), CREDENTIAL_NONE);
    assert_int_equal(read_proxy(NULL, "staff"), CREDENTIAL_NONE);
    assert_int_equal(read_proxy("", "staff"), CREDENTIAL_NONE);
    assert_int_equal(read_proxy(" \t ", "staff"), CREDENTIAL_NONE);
    assert_int_equal(read_proxy("anna", NULL), CREDENTIAL_PROXY);
    assert_string_equal(credentials.user, "anna");
    assert_string_equal(credentials.groups, "");
    assert_int_equal(read_proxy("  J\u00f6rg x ", "staff, night watch"), CREDENTIAL_PROXY);
    assert_string_equal(credentials.user, "J\u00f6rg x");
    assert_string_equal(credentials.groups, "staff, night watch");
    assert_int_equal(read_proxy("\xff", NULL), CREDENTIAL_BAD);
    assert_string_equal(credentials.user, ""); /* nothing of what is wrong stays */
    assert_int_equal(read_proxy("a\tb", NULL), CREDENTIAL_BAD);
    memset(text, 'a', sizeof(text));
    text[CREDENTIALS_USER_MAX + 1] = '\0';
    assert_int_equal(read_proxy(text, NULL), CREDENTIAL_BAD);
    text[CREDENTIALS_USER_MAX] = '\0';
    assert_int_equal(read_proxy(text, NULL), CREDENTIAL_PROXY);
    memset(text, 'a', sizeof(text));
    text[CREDENTIALS_GROUPS_MAX + 1] = '\0';
    assert_int_equal(read_proxy("anna", text), CREDENTIAL_BAD);
    text[CREDENTIALS_GROUPS_MAX] = '\0';
    assert_int_equal(read_proxy("anna", text), CREDENTIAL_PROXY);
}

/* What is later in the order is not even looked at, whether the earlier is right or not. */
static void the_first_in_the_order_counts(void **state)
{
    (void)state;
    struct credential_sources sources = {.proxy_user = "anna",
                                         .authorization = "Basic YTpi",
                                         .subprotocols = "ringcast.token.sub",
                                         .query = "token=query",
                                         .cookie = "ringcast_token=cookie; ringcast_session=abc"};

    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_PROXY);
    assert_true(credentials.token[0] == '\0' && credentials.password[0] == '\0');
    sources.proxy_user = "\xff";
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_BAD);
    sources.proxy_user = NULL;
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_BASIC);
    assert_string_equal(credentials.token, "");
    sources.authorization = "Basic !";
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_BAD);
    sources.authorization = "";
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_BAD);
    sources.authorization = NULL;
    credentials_read(&credentials, &sources);
    assert_string_equal(credentials.token, "sub");
    sources.subprotocols = "ringcast.token.";
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_BAD);
    sources.subprotocols = "ringcast";
    credentials_read(&credentials, &sources);
    assert_string_equal(credentials.token, "query");
    sources.query = "token=%";
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_BAD);
    sources.query = "stream=sub";
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_COOKIE);
    assert_string_equal(credentials.token, "cookie");
    assert_string_equal(credentials.sessions[0], "abc");
    sources.cookie = NULL;
    credentials_read(&credentials, &sources);
    assert_int_equal(credentials.kind, CREDENTIAL_NONE);
}

static void nothing_stays_behind(void **state)
{
    (void)state;
    static const struct credentials nothing;

    read_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    credentials_wipe(&credentials);
    assert_memory_equal(&credentials, &nothing, sizeof(nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_is_a_name_and_a_password),
        cmocka_unit_test(basic_of_another_form_is_refused),
        cmocka_unit_test(names_and_passwords_have_their_lengths),
        cmocka_unit_test(bearer_is_a_token),
        cmocka_unit_test(a_subprotocol_carries_a_token),
        cmocka_unit_test(a_query_carries_a_token),
        cmocka_unit_test(cookies_of_others_do_not_matter),
        cmocka_unit_test(cookies_are_limited),
        cmocka_unit_test(a_proxy_names_user_and_groups),
        cmocka_unit_test(the_first_in_the_order_counts),
        cmocka_unit_test(nothing_stays_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
