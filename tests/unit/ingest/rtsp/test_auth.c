/* SPDX-License-Identifier: MIT */
/* Challenges as cameras write them, and the examples of the RFCs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "ingest/rtsp/rtsp_auth.h"

static struct rtsp_auth auth;

/* A 401 with up to two WWW-Authenticate headers. */
static int challenge(const char *first, const char *second)
{
    char head[4096];
    struct rtsp_message message;
    int size = snprintf(head, sizeof(head), "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: %s\r\n%s%s%s\r\n",
                        first, second != NULL ? "WWW-Authenticate: " : "", second != NULL ? second : "",
                        second != NULL ? "\r\n" : "");

    assert_int_equal(rtsp_message_parse(head, (size_t)size, &message), 0);
    return rtsp_auth_challenge(&auth, &message);
}

static const char *answer(const char *method, const char *uri)
{
    static char out[4096];
    int length = rtsp_auth_write(&auth, method, uri, out, sizeof(out));

    assert_true(length > 0);
    assert_int_equal(strlen(out), length);
    assert_string_equal(out + length - 2, "\r\n");
    return out;
}

static void assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in %s", part, text);
    }
}

static void nothing_is_sent_unasked(void **state)
{
    char out[256];

    (void)state;
    rtsp_auth_init(&auth, "admin", "secret");
    assert_int_equal(rtsp_auth_write(&auth, "DESCRIBE", "rtsp://x/", out, sizeof(out)), 0);
}

/* RFC 7617, section 2. */
static void answers_basic(void **state)
{
    (void)state;
    rtsp_auth_init(&auth, "Aladdin", "open sesame");
    assert_int_equal(challenge("Basic realm=\"WallyWorld\"", NULL), 0);
    assert_string_equal(answer("DESCRIBE", "rtsp://x/"),
                        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    assert_int_equal(challenge("Basic realm=\"WallyWorld\"", NULL), -EACCES);
}

/* RFC 2069, section 2.4 as corrected by its erratum: no qop, no algorithm, an opaque. */
static void answers_digest_without_qop(void **state)
{
    (void)state;
    rtsp_auth_init(&auth, "Mufasa", "CircleOfLife");
    assert_int_equal(challenge("Digest realm=\"testrealm@host.com\", "
                               "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
                               "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
                               NULL),
                     0);
    const char *text = answer("GET", "/dir/index.html");
    assert_holds(text, "response=\"1949323746fe6a43ef61f9606e7febea\"");
    assert_holds(text, "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"");
    assert_holds(text, "uri=\"/dir/index.html\"");
    assert_null(strstr(text, "qop"));
    assert_null(strstr(text, "cnonce"));
    assert_null(strstr(text, "algorithm"));
}

static const char *value_of(const char *text, const char *name, char *out, size_t size)
{
    const char *at = strstr(text, name);

    assert_non_null(at);
    at += strlen(name);
    snprintf(out, size, "%.*s", (int)strcspn(at, "\",\r"), at);
    return out;
}

/* The digest NAME of TEXT in hexadecimal. */
static void digest(const char *name, const char *text, char out[65])
{
    unsigned char bytes[32];
    size_t size = 0;

    assert_int_equal(EVP_Q_digest(NULL, name, NULL, text, strlen(text), bytes, &size), 1);
    for (size_t i = 0; i < size; i++) {
        snprintf(out + i * 2, 3, "%02x", bytes[i]);
    }
}

/* The challenge of RFC 7616, section 3.9.1, whose client nonce is not ours. */
static void answers_with_qop_and_counts(void **state)
{
    static const char nonce[] = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    char first[128], second[128], response[128], expected[65], secret[65], request[65], text[512];

    (void)state;
    rtsp_auth_init(&auth, "Mufasa", "Circle of Life");
    assert_int_equal(challenge("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
                               "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                               "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
                               NULL),
                     0);
    const char *line = answer("GET", "/dir/index.html");
    assert_holds(line, "nc=00000001");
    assert_holds(line, "qop=auth");
    assert_holds(line, "algorithm=SHA-256");
    value_of(line, "response=\"", response, sizeof(response));
    value_of(line, "cnonce=\"", first, sizeof(first));
    digest("SHA256", "Mufasa:http-auth@example.org:Circle of Life", secret);
    assert_string_equal(secret, "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232");
    digest("SHA256", "GET:/dir/index.html", request);
    snprintf(text, sizeof(text), "%s:%s:00000001:%s:auth:%s", secret, nonce, first, request);
    digest("SHA256", text, expected);
    assert_string_equal(response, expected);

    line = answer("GET", "/dir/index.html");
    assert_holds(line, "nc=00000002");
    assert_string_not_equal(first, value_of(line, "cnonce=\"", second, sizeof(second)));
}

/* The same challenge with MD5, as cameras with qop send it. */
static void answers_md5_with_qop(void **state)
{
    static const char nonce[] = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    char client[128], response[128], expected[65], request[65], text[512];

    (void)state;
    rtsp_auth_init(&auth, "Mufasa", "Circle of Life");
    assert_int_equal(challenge("Digest realm=\"http-auth@example.org\", qop=\"auth\", algorithm=MD5, "
                               "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"",
                               NULL),
                     0);
    const char *line = answer("GET", "/dir/index.html");
    value_of(line, "response=\"", response, sizeof(response));
    value_of(line, "cnonce=\"", client, sizeof(client));
    digest("MD5", "GET:/dir/index.html", request);
    /* RFC 7616, 3.9.1: the digest of the name and the password. */
    snprintf(text, sizeof(text), "3d78807defe7de2157e2b0b6573a855f:%s:00000001:%s:auth:%s", nonce, client,
             request);
    digest("MD5", text, expected);
    assert_string_equal(response, expected);
}

static void the_strongest_challenge_is_answered(void **state)
{
    (void)state;
    rtsp_auth_init(&auth, "u", "p");
    assert_int_equal(challenge("Basic realm=\"r\"", "Digest realm=\"r\",nonce=\"n\",stale=\"FALSE\""), 0);
    assert_holds(answer("PLAY", "rtsp://x/"), "Digest username=\"u\"");

    rtsp_auth_reset(&auth);
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"n\", algorithm=MD5, Basic realm=\"x, Digest\", "
                               "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256",
                               NULL),
                     0);
    assert_holds(answer("PLAY", "rtsp://x/"), "algorithm=SHA-256");

    rtsp_auth_reset(&auth);
    assert_int_equal(challenge("Digest realm=\"r\"; nonce=\"n\";algorithm=MD5", NULL), 0);
    assert_holds(answer("PLAY", "rtsp://x/"), "nonce=\"n\"");

    rtsp_auth_reset(&auth);
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"n\", algorithm=\"SHA-512-256\"",
                               "Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth\""),
                     0);
    assert_holds(answer("PLAY", "rtsp://x/"), "algorithm=SHA-512-256");
}

/* Whoever takes a Digest challenge out of the connection must not get the password in plain. */
static void basic_is_not_answered_where_digest_is_offered(void **state)
{
    (void)state;
    rtsp_auth_init(&auth, "u", "p");
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"n\", algorithm=WHIRLPOOL", "Basic realm=\"r\""),
                     -ENOTSUP);
    assert_int_equal(challenge("Digest realm=\"r\"", "Basic realm=\"r\""), -ENOTSUP); /* no nonce */
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"n\"", NULL), 0);
    assert_holds(answer("PLAY", "rtsp://x/"), "Digest");
    assert_int_equal(challenge("Basic realm=\"r\"", NULL), -ENOTSUP); /* a step down later */
}

static void fresh_nonces_are_taken_and_wrong_passwords_are_not_repeated(void **state)
{
    (void)state;
    rtsp_auth_init(&auth, "u", "p");
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"1\"", NULL), 0);
    answer("DESCRIBE", "rtsp://x/");
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"2\"", NULL), -EACCES); /* never accepted */

    rtsp_auth_reset(&auth);
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"1\"", NULL), 0);
    answer("DESCRIBE", "rtsp://x/");
    rtsp_auth_accepted(&auth);
    assert_true(auth.accepted);
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"1\"", NULL), -EACCES); /* the same again */
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"2\"", NULL), 0);       /* it wants a new one */
    answer("SETUP", "rtsp://x/");
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"3\", stale=true", NULL), 0);
    assert_holds(answer("SETUP", "rtsp://x/"), "nonce=\"3\"");
    rtsp_auth_accepted(&auth);

    int result = 0;
    for (int i = 0; i < 10 && result == 0; i++) {
        char text[64];
        snprintf(text, sizeof(text), "Digest realm=\"r\", nonce=\"x%d\", stale=TRUE", i);
        result = challenge(text, NULL);
        if (result == 0) {
            answer("PLAY", "rtsp://x/");
        }
    }
    assert_int_equal(result, -EACCES); /* a loop ends */
}

/* A camera whose SHA-256 is broken takes MD5, which it offers, too. */
static void the_next_challenge_is_answered_when_one_is_refused(void **state)
{
    static const char md5[] = "Digest realm=\"r\", nonce=\"n\", algorithm=\"MD5\"";
    static const char sha256[] = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";

    (void)state;
    rtsp_auth_init(&auth, "u", "p");
    assert_int_equal(challenge(md5, sha256), 0);
    assert_holds(answer("DESCRIBE", "rtsp://x/"), "algorithm=SHA-256");
    assert_int_equal(challenge(md5, sha256), 0);
    assert_holds(answer("DESCRIBE", "rtsp://x/"), "algorithm=MD5");
    assert_int_equal(challenge(md5, sha256), -EACCES);
    assert_int_equal(auth.refusals, 2);
    rtsp_auth_begin(&auth); /* all were refused: the next connection begins with the strongest again */
    assert_int_equal(challenge(md5, sha256), 0);
    assert_holds(answer("DESCRIBE", "rtsp://x/"), "algorithm=SHA-256");
}

/* Basic comes after a Digest that an earlier connection has seen refused, and never after one that has worked. */
static void basic_is_the_last_resort(void **state)
{
    static const char digest_line[] = "Digest realm=\"r\", nonce=\"n\"";

    (void)state;
    rtsp_auth_init(&auth, "u", "p");
    assert_int_equal(challenge(digest_line, "Basic realm=\"r\""), 0);
    answer("DESCRIBE", "rtsp://x/");
    assert_int_equal(challenge(digest_line, "Basic realm=\"r\""), -EACCES);
    rtsp_auth_begin(&auth);
    assert_int_equal(challenge(digest_line, "Basic realm=\"r\""), 0);
    assert_holds(answer("DESCRIBE", "rtsp://x/"), "Basic ");

    rtsp_auth_reset(&auth);
    assert_int_equal(challenge(digest_line, NULL), 0);
    answer("DESCRIBE", "rtsp://x/");
    rtsp_auth_accepted(&auth);
    rtsp_auth_begin(&auth);
    assert_int_equal(challenge("Basic realm=\"r\"", NULL), -ENOTSUP);

    rtsp_auth_init(&auth, "u", "p");
    auth.allow_basic = false;
    assert_int_equal(challenge("Basic realm=\"r\"", NULL), -EPERM);
}

/* A camera that ends the connection with its challenge is answered in the first request of the next one. */
static void a_challenge_outlives_its_connection(void **state)
{
    char out[512];

    (void)state;
    rtsp_auth_init(&auth, "u", "p");
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"1\"", NULL), 0);
    rtsp_auth_begin(&auth);
    assert_int_equal(rtsp_auth_write(&auth, "OPTIONS", "rtsp://x/", out, sizeof(out)), 0);
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"1\"", NULL), 0);
    auth.remember = true;
    rtsp_auth_begin(&auth);
    assert_holds(answer("DESCRIBE", "rtsp://x/"), "nonce=\"1\"");
    assert_int_equal(challenge("Digest realm=\"r\", nonce=\"2\"", NULL), 0); /* it was only old */
    assert_int_equal(auth.refusals, 0);
    rtsp_auth_use(&auth, NULL, NULL); /* another host gets no answer to the camera's challenge */
    assert_int_equal(rtsp_auth_write(&auth, "OPTIONS", "rtsp://y/", out, sizeof(out)), 0);
    rtsp_auth_begin(&auth);
    assert_int_equal(rtsp_auth_write(&auth, "OPTIONS", "rtsp://y/", out, sizeof(out)), 0);
}

static void missing_credentials_are_told(void **state)
{
    (void)state;
    rtsp_auth_init(&auth, NULL, NULL);
    assert_int_equal(challenge("Basic realm=\"r\"", NULL), -ENOKEY);
    assert_int_equal(challenge("Negotiate", NULL), -ENOTSUP);
    assert_int_equal(challenge("", NULL), -ENOTSUP);
    assert_int_equal(challenge("=,=\"\\", NULL), -ENOTSUP);
}

static void odd_names_are_quoted_and_long_ones_refused(void **state)
{
    char realm[600], text[1024], out[64];

    (void)state;
    rtsp_auth_init(&auth, "a\"b\\c", "p");
    assert_int_equal(challenge("Digest realm=\"say \\\"hi\\\"\", nonce=\"n\"", NULL), 0);
    const char *line = answer("PLAY", "rtsp://x/");
    assert_holds(line, "username=\"a\\\"b\\\\c\"");
    assert_holds(line, "realm=\"say \\\"hi\\\"\"");
    assert_int_equal(rtsp_auth_write(&auth, "PLAY", "rtsp://x/", out, sizeof(out)), -EMSGSIZE);
    memset(realm, 'r', sizeof(realm) - 1);
    realm[sizeof(realm) - 1] = '\0';
    snprintf(text, sizeof(text), "Digest realm=\"%s\", nonce=\"n\"", realm);
    rtsp_auth_reset(&auth);
    assert_int_equal(challenge(text, NULL), -ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_unasked),
        cmocka_unit_test(answers_basic),
        cmocka_unit_test(answers_digest_without_qop),
        cmocka_unit_test(answers_with_qop_and_counts),
        cmocka_unit_test(answers_md5_with_qop),
        cmocka_unit_test(the_strongest_challenge_is_answered),
        cmocka_unit_test(basic_is_not_answered_where_digest_is_offered),
        cmocka_unit_test(fresh_nonces_are_taken_and_wrong_passwords_are_not_repeated),
        cmocka_unit_test(the_next_challenge_is_answered_when_one_is_refused),
        cmocka_unit_test(basic_is_the_last_resort),
        cmocka_unit_test(a_challenge_outlives_its_connection),
        cmocka_unit_test(missing_credentials_are_told),
        cmocka_unit_test(odd_names_are_quoted_and_long_ones_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
