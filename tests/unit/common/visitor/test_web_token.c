/* SPDX-License-Identifier: MIT */
/* Which JWTs are believed, and which attacks on them are not. */
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "common/visitor/known_signatures.h"
#include "common/visitor/web_token.h"
#include "tests/support/token_maker.h"

#define NOW INT64_C(1700000000)
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define RS256 "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"
#define ES256 "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"
#define PAYLOAD "{\"sub\":\"anna\",\"exp\":1700000100}"

static struct {
    EVP_PKEY *rsa, *ec;
    char *rsa_pem, *ec_pem;
} keys;

static int make_keys(void **state)
{
    (void)state;
    keys.rsa = EVP_RSA_gen(2048);
    keys.ec = EVP_EC_gen("P-256");
    assert_true(keys.rsa && keys.ec);
    keys.rsa_pem = token_maker_public_pem(keys.rsa);
    keys.ec_pem = token_maker_public_pem(keys.ec);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(keys.rsa);
    EVP_PKEY_free(keys.ec);
    free(keys.rsa_pem);
    free(keys.ec_pem);
    return 0;
}

/* An issuer of ALGORITHM and KEY; MORE are further members, or "{}". */
static int make_issuer(struct web_token_issuer *issuer, const char *algorithm, const char *key,
                       const char *more, const char **why)
{
    json_t *row = json_loads(more, 0, NULL);

    assert_non_null(row);
    json_object_set_new(row, "algorithm", json_string(algorithm));
    json_object_set_new(row, "key", json_string(key));
    int result = web_token_issuer_read(issuer, row, why);
    json_decref(row);
    return result;
}

static void have_issuer(struct web_token_issuer *issuer, const char *algorithm, const char *key,
                        const char *more)
{
    const char *why;

    assert_int_equal(make_issuer(issuer, algorithm, key, more, &why), 0);
}

/* Whether TEXT holds at WHEN for the one issuer with HS256 and MORE. */
static bool holds_at(const char *text, const char *more, int64_t when)
{
    struct web_token_issuer issuer;
    struct web_token token;
    const char *why = NULL;

    have_issuer(&issuer, "HS256", TOKEN_MAKER_SECRET, more);
    bool holds = web_token_check(&token, &issuer, 1, text, when, &why);
    assert_true(holds == !why);
    web_token_clear(&token);
    web_token_issuer_clear(&issuer);
    return holds;
}

static bool holds(const char *payload)
{
    return holds_at(token_make(payload), "{}", NOW);
}

/* ---- Algorithms ---- */

static void each_algorithm_is_checked_with_its_own_key(void **state)
{
    (void)state;
    struct web_token_issuer issuers[3];
    struct web_token token;
    const char *why;

    have_issuer(&issuers[0], "HS256", TOKEN_MAKER_SECRET, "{}");
    have_issuer(&issuers[1], "RS256", keys.rsa_pem, "{}");
    have_issuer(&issuers[2], "ES256", keys.ec_pem, "{}");
    for (int i = 0; i < 3; i++) {
        const char *text = i == 0   ? token_make(PAYLOAD)
                           : i == 1 ? token_make_signed(RS256, PAYLOAD, keys.rsa)
                                    : token_make_signed(ES256, PAYLOAD, keys.ec);
        assert_true(web_token_check(&token, issuers, 3, text, NOW, &why));
        assert_ptr_equal(token.issuer, &issuers[i]);
        assert_string_equal(token.user, "anna");
        assert_int_equal(token.expires, 1700000100 + WEB_TOKEN_LEEWAY);
        assert_null(token.cameras);
        assert_null(token.groups);
        web_token_clear(&token);
        /* Without its own issuer nobody else's key will do. */
        struct web_token_issuer others[2] = {issuers[(i + 1) % 3], issuers[(i + 2) % 3]};
        assert_false(web_token_check(&token, others, 2, text, NOW, &why));
        assert_false(web_token_check(&token, NULL, 0, text, NOW, &why));
    }
    for (int i = 0; i < 3; i++) {
        web_token_issuer_clear(&issuers[i]);
    }
}

/* ---- Signatures that are known ---- */

static bool is_empty(const struct known_signatures *known)
{
    static const struct known_signatures empty;

    return memcmp(known, &empty, sizeof(empty)) == 0;
}

static bool check_known(const struct web_token_issuer *issuer, const char *text, int64_t now,
                        struct known_signatures *known)
{
    struct web_token token;
    const char *why;
    bool holds = web_token_check_known(&token, issuer, 1, text, now, known, &why);

    web_token_clear(&token);
    return holds;
}

static void a_right_signature_is_checked_once(void **state)
{
    static struct known_signatures known;
    uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE];
    struct web_token_issuer issuer, other, secret;
    char *text = strdup(token_make_signed(ES256, PAYLOAD, keys.ec));
    char *forged = strdup(text);

    (void)state;
    char *changed = forged + strlen(forged) - 3;
    *changed = *changed == 'A' ? 'B' : 'A';
    have_issuer(&issuer, "ES256", keys.ec_pem, "{}");
    have_issuer(&other, "ES256", keys.ec_pem, "{\"audience\":\"x\"}");
    have_issuer(&secret, "HS256", TOKEN_MAKER_SECRET, "{}");

    /* What gets nobody in takes no place, and neither does what costs little. */
    assert_false(check_known(&issuer, forged, NOW, &known));
    assert_false(check_known(&issuer, text, NOW + 1000, &known));
    assert_false(check_known(&other, text, NOW, &known));
    assert_true(check_known(&secret, token_make(PAYLOAD), NOW, &known));
    assert_true(is_empty(&known));

    assert_true(check_known(&issuer, text, NOW, &known));
    known_signatures_hash(hash, issuer.print, text);
    assert_true(known_signatures_has(&known, hash, NOW));
    assert_true(check_known(&issuer, text, NOW, &known));
    assert_false(check_known(&issuer, forged, NOW, &known));

    /* Times and the issuer's settings are judged each time. */
    assert_false(check_known(&issuer, text, 1700000100 + WEB_TOKEN_LEEWAY, &known));
    assert_false(check_known(&other, text, NOW, &known));

    /* That it is known is all that is asked of a signature, until it is forgotten. */
    known_signatures_hash(hash, issuer.print, forged);
    known_signatures_add(&known, hash, NOW + 10, NOW);
    assert_true(check_known(&issuer, forged, NOW, &known));
    assert_false(check_known(&issuer, forged, NOW + 10, &known));
    known_signatures_forget(&known);
    assert_false(check_known(&issuer, forged, NOW, &known));
    assert_true(check_known(&issuer, text, NOW, &known));
    web_token_issuer_clear(&issuer);
    web_token_issuer_clear(&other);
    web_token_issuer_clear(&secret);
    free(text);
    free(forged);
}

/* Many tokens: the newest is always known, and those that last longest stay. */
static void known_signatures_are_bounded(void **state)
{
    static struct known_signatures known;
    uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE], lasting[KNOWN_SIGNATURES_HASH_SIZE], print[32] = {0};
    char text[16];

    (void)state;
    known_signatures_hash(lasting, print, "lasting");
    known_signatures_add(&known, lasting, NOW + 1000000, NOW);
    for (int i = 0; i < 4096; i++) {
        snprintf(text, sizeof(text), "%d", i);
        known_signatures_hash(hash, print, text);
        known_signatures_add(&known, hash, NOW + 10 + i, NOW);
        assert_true(known_signatures_has(&known, hash, NOW));
        assert_true(known_signatures_has(&known, lasting, NOW));
    }
    known_signatures_add(&known, hash, NOW, NOW); /* has expired */
    print[0] = 1;
    known_signatures_hash(hash, print, text);
    assert_false(known_signatures_has(&known, hash, NOW));
}

/* RFC 7515, A.2 and A.3. */
static void the_examples_of_the_standard_hold(void **state)
{
    (void)state;
    static const char rsa[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
                              "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
                              "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
                              "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
                              "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
                              "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
                              "oQIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";
    static const char ec[] = "-----BEGIN PUBLIC KEY-----\n"
                             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                             "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                             "-----END PUBLIC KEY-----\n";
    static const char payload[] = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                                  "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    static const char rsa_signature[] =
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
        "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
        "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
        "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    static const char ec_signature[] =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    struct web_token_issuer issuers[2];
    struct web_token token;
    const char *why;
    char text[1024];

    have_issuer(&issuers[0], "RS256", rsa, "{\"issuer\":\"joe\"}");
    have_issuer(&issuers[1], "ES256", ec, "{\"issuer\":\"joe\"}");
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), "%s.%s.%s", i == 0 ? "eyJhbGciOiJSUzI1NiJ9" : "eyJhbGciOiJFUzI1NiJ9",
                 payload, i == 0 ? rsa_signature : ec_signature);
        assert_true(web_token_check(&token, issuers, 2, text, 1300819379, &why));
        assert_null(token.user);
        web_token_clear(&token);
        assert_false(web_token_check(&token, issuers, 2, text, 1300819380 + WEB_TOKEN_LEEWAY, &why));
        web_token_issuer_clear(&issuers[i]);
    }
}

static void several_keys_of_one_algorithm_are_tried(void **state)
{
    (void)state;
    static const char *const secrets[] = {"another secret, of at least 32 bytes", TOKEN_MAKER_SECRET,
                                          "one more secret, of at least 32 bytes"};
    struct web_token_issuer issuers[3];
    struct web_token token;
    const char *why;

    for (int i = 0; i < 3; i++) {
        have_issuer(&issuers[i], "HS256", secrets[i], "{}");
    }
    assert_true(web_token_check(&token, issuers, 3, token_make(PAYLOAD), NOW, &why));
    assert_ptr_equal(token.issuer, &issuers[1]);
    web_token_clear(&token);
    for (int i = 0; i < 3; i++) {
        web_token_issuer_clear(&issuers[i]);
    }
    /* The same key for two audiences. */
    have_issuer(&issuers[0], "HS256", TOKEN_MAKER_SECRET, "{\"audience\":\"a\"}");
    have_issuer(&issuers[1], "HS256", TOKEN_MAKER_SECRET, "{\"audience\":\"b\"}");
    assert_true(
        web_token_check(&token, issuers, 2, token_make("{\"exp\":1700000100,\"aud\":\"b\"}"), NOW, &why));
    assert_ptr_equal(token.issuer, &issuers[1]);
    web_token_clear(&token);
    web_token_issuer_clear(&issuers[0]);
    web_token_issuer_clear(&issuers[1]);
}

static void unsigned_tokens_are_refused(void **state)
{
    (void)state;
    static const char *const none[] = {"none",   "None",   "NONE",  "nOnE", "",
                                       " HS256", "HS256 ", "hs256", "Hs256"};
    char header[64];

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\"}", none[i]);
        assert_false(holds_at(token_make_raw(header, PAYLOAD, ""), "{}", NOW));
        assert_false(holds_at(token_make_raw(header, PAYLOAD, "AAAA"), "{}", NOW));
        assert_false(holds_at(
            token_make_hmac(header, PAYLOAD, TOKEN_MAKER_SECRET, strlen(TOKEN_MAKER_SECRET)), "{}", NOW));
        assert_false(holds_at(token_make_hmac(header, PAYLOAD, "", 0), "{}", NOW));
    }
    assert_false(holds_at(token_make_raw(HS256, PAYLOAD, ""), "{}", NOW));
    assert_false(holds_at(token_make_hmac(HS256, PAYLOAD, "", 0), "{}", NOW));
    assert_false(holds_at(token_make_hmac("{\"typ\":\"JWT\"}", PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
    assert_false(holds_at(token_make_hmac("{\"alg\":null}", PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
    assert_false(
        holds_at(token_make_hmac("{\"alg\":[\"HS256\"]}", PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
}

/* The public key, which everybody may know, as the secret of an HMAC (RFC 8725, 2.1). */
static void a_public_key_is_no_secret(void **state)
{
    (void)state;
    struct web_token_issuer issuers[2];
    struct web_token token;
    const char *why;

    have_issuer(&issuers[0], "RS256", keys.rsa_pem, "{}");
    have_issuer(&issuers[1], "ES256", keys.ec_pem, "{}");
    const char *const pems[] = {keys.rsa_pem, keys.ec_pem};
    for (size_t i = 0; i < 2; i++) {
        for (size_t cut = 0; cut < 2; cut++) { /* with and without the last line end */
            size_t length = strlen(pems[i]) - cut;
            const char *const headers[] = {HS256, RS256, ES256};
            for (size_t h = 0; h < 3; h++) {
                const char *text = token_make_hmac(headers[h], PAYLOAD, pems[i], length);
                assert_false(web_token_check(&token, issuers, 2, text, NOW, &why));
            }
        }
    }
    /* One key's signature under the other's name. */
    assert_false(web_token_check(&token, issuers, 2, token_make_signed(ES256, PAYLOAD, keys.rsa), NOW, &why));
    assert_false(web_token_check(&token, issuers, 2, token_make_signed(RS256, PAYLOAD, keys.ec), NOW, &why));
    web_token_issuer_clear(&issuers[0]);
    web_token_issuer_clear(&issuers[1]);
    /* And nobody configures it by mistake. */
    assert_int_equal(make_issuer(&issuers[0], "HS256", keys.rsa_pem, "{}", &why), -EKEYREJECTED);
    web_token_issuer_clear(&issuers[0]);
}

static void a_token_brings_no_key(void **state)
{
    (void)state;
    EVP_PKEY *own = EVP_EC_gen("P-256");
    struct web_token_issuer issuer;
    struct web_token token;
    const char *why;
    static const char *const headers[] = {
        "{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}}",
        "{\"alg\":\"ES256\",\"jku\":\"https://attacker.example/keys\"}",
        "{\"alg\":\"ES256\",\"x5u\":\"https://attacker.example/key\"}",
        "{\"alg\":\"ES256\",\"kid\":\"../../dev/null\"}",
    };

    have_issuer(&issuer, "ES256", keys.ec_pem, "{}");
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_false(
            web_token_check(&token, &issuer, 1, token_make_signed(headers[i], PAYLOAD, own), NOW, &why));
        assert_true(
            web_token_check(&token, &issuer, 1, token_make_signed(headers[i], PAYLOAD, keys.ec), NOW, &why));
        web_token_clear(&token);
    }
    web_token_issuer_clear(&issuer);
    EVP_PKEY_free(own);
}

static void changed_tokens_are_refused(void **state)
{
    (void)state;
    struct web_token_issuer issuers[3];
    char text[TOKEN_MAKER_SIZE];
    struct web_token token;
    const char *why;

    have_issuer(&issuers[0], "HS256", TOKEN_MAKER_SECRET, "{}");
    have_issuer(&issuers[1], "RS256", keys.rsa_pem, "{}");
    have_issuer(&issuers[2], "ES256", keys.ec_pem, "{}");
    for (int i = 0; i < 3; i++) {
        strcpy(text, i == 0   ? token_make(PAYLOAD)
                     : i == 1 ? token_make_signed(RS256, PAYLOAD, keys.rsa)
                              : token_make_signed(ES256, PAYLOAD, keys.ec));
        assert_true(web_token_check(&token, issuers, 3, text, NOW, &why));
        web_token_clear(&token);
        for (size_t at = 0; text[at] != '\0'; at++) {
            char before = text[at];
            text[at] = before == 'A' ? 'B' : 'A';
            assert_false(web_token_check(&token, issuers, 3, text, NOW, &why));
            text[at] = '=';
            assert_false(web_token_check(&token, issuers, 3, text, NOW, &why));
            text[at] = before;
        }
        strcat(text, "A");
        assert_false(web_token_check(&token, issuers, 3, text, NOW, &why));
        text[strlen(text) - 1] = '=';
        assert_false(web_token_check(&token, issuers, 3, text, NOW, &why));
        text[strlen(text) - 1] = '.';
        assert_false(web_token_check(&token, issuers, 3, text, NOW, &why));
    }
    /* An ECDSA signature of zeros, and one that is DER instead of r and s (CVE-2022-21449 and others). */
    char zeros[87];
    memset(zeros, 'A', 86);
    zeros[86] = '\0';
    assert_false(web_token_check(&token, issuers, 3, token_make_raw(ES256, PAYLOAD, zeros), NOW, &why));
    assert_false(
        web_token_check(&token, issuers, 3, token_make_raw(ES256, PAYLOAD, "MAYCAQACAQA"), NOW, &why));
    for (int i = 0; i < 3; i++) {
        web_token_issuer_clear(&issuers[i]);
    }
}

/* ---- Form ---- */

static void shapes_that_are_no_jwt_are_refused(void **state)
{
    (void)state;
    static const char *const shapes[] = {"",        ".",      "..",     "...",       "a",       "a.b",
                                         "a.b.",    ".b.c",   "a..c",   "a.b.c.d",   "a.b.c",   "a b.c.d",
                                         "a.b.c\n", " a.b.c", "a.b.c=", "a.b.c.d.e", "\xff.b.c"};
    static const char *const whole[] = {"a.b.c", "eyJ9.e30.c"};

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        assert_int_equal(web_token_has_shape(shapes[i]), strcmp(shapes[i], "a.b.c") == 0);
        assert_false(holds_at(shapes[i], "{}", NOW));
    }
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        assert_true(web_token_has_shape(whole[i]));
        assert_false(holds_at(whole[i], "{}", NOW));
    }
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "", "[]", "1", "null", "\"exp\"", "{", "{}x", "{\"exp\":1700000100,}", "{\"exp\":1700000100}{}"};

    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        assert_false(holds(payloads[i]));
        assert_false(holds_at(token_make_hmac(payloads[i], PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
    }
    /* Two parsers may see different members. */
    assert_false(holds("{\"exp\":1700000100,\"exp\":1700000100}"));
    assert_false(holds("{\"sub\":\"anna\",\"exp\":1700000100,\"sub\":\"root\"}"));
    assert_false(holds_at(
        token_make_hmac("{\"alg\":\"HS256\",\"alg\":\"none\"}", PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
    assert_false(holds_at(
        token_make_hmac("{\"alg\":\"none\",\"alg\":\"HS256\"}", PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
}

/* RFC 7515, 4.1.11. */
static void critical_extensions_are_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
                                          "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
                                          "{\"alg\":\"HS256\",\"crit\":[]}",
                                          "{\"alg\":\"HS256\",\"crit\":null}"};

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_false(holds_at(token_make_hmac(headers[i], PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
    }
    assert_true(
        holds_at(token_make_hmac("{\"alg\":\"HS256\",\"x\":1}", PAYLOAD, TOKEN_MAKER_SECRET, 32), "{}", NOW));
}

static void size_and_depth_are_limited(void **state)
{
    (void)state;
    char payload[6000];

    /* A token of exactly 4096 bytes, and longer ones. */
    size_t accepted = 0;
    for (size_t size = 2900; size < 3100; size++) {
        int head = snprintf(payload, sizeof(payload), "{\"exp\":1700000100,\"x\":\"");
        memset(payload + head, 'x', size);
        strcpy(payload + head + size, "\"}");
        const char *text = token_make(payload);
        assert_int_equal(holds_at(text, "{}", NOW), strlen(text) <= WEB_TOKEN_MAX);
        accepted += strlen(text) <= WEB_TOKEN_MAX;
    }
    assert_in_range(accepted, 10, 190);
    for (size_t depth = 100; depth <= 1400; depth += 100) {
        int head = snprintf(payload, sizeof(payload), "{\"exp\":1700000100,\"x\":");
        memset(payload + head, '[', depth);
        memset(payload + head + depth, ']', depth);
        strcpy(payload + head + 2 * depth, "}");
        assert_int_equal(holds(payload), strlen(token_make(payload)) <= WEB_TOKEN_MAX);
        strcpy(payload + head + depth, "}");
        assert_false(holds(payload));
    }
}

/* ---- Claims ---- */

static void times_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        bool holds;
    } cases[] = {
        {"{\"sub\":\"anna\"}", false}, /* no expiry */
        {"{\"exp\":null}", false},
        {"{\"exp\":\"1700000100\"}", false},
        {"{\"exp\":true}", false},
        {"{\"exp\":{}}", false},
        {"{\"exp\":0}", false},
        {"{\"exp\":-1}", false},
        {"{\"exp\":1700000001}", true},
        {"{\"exp\":1700000000}", true}, /* within the leeway from here on */
        {"{\"exp\":1699999941}", true},
        {"{\"exp\":1699999940}", false},
        {"{\"exp\":1699999940.9}", false},
        {"{\"exp\":1699999941.5}", true},
        {"{\"exp\":1.7000001e9}", true},
        {"{\"exp\":9007199254740992}", true},
        {"{\"exp\":9007199254740993}", false},
        {"{\"exp\":9223372036854775807}", false},
        {"{\"exp\":9223372036854775808}", false},
        {"{\"exp\":-9223372036854775808}", false},
        {"{\"exp\":1e15}", true},
        {"{\"exp\":1e16}", false},
        {"{\"exp\":1e308}", false},
        {"{\"exp\":1e309}", false},
        {"{\"exp\":-1e308}", false},
        {"{\"exp\":NaN}", false},
        {"{\"exp\":Infinity}", false},
        {"{\"exp\":99999999999999999999999999999999999999}", false},
        {"{\"exp\":1700000100,\"nbf\":1700000060}", true},
        {"{\"exp\":1700000100,\"nbf\":1700000061}", false},
        {"{\"exp\":1700000100,\"nbf\":1700000060.5}", false},
        {"{\"exp\":1700000100,\"nbf\":\"1\"}", false},
        {"{\"exp\":1700000100,\"nbf\":null}", false},
        {"{\"exp\":1700000100,\"nbf\":1e300}", false},
        {"{\"exp\":1700000100,\"nbf\":-5}", true},
        {"{\"exp\":1700000100,\"iat\":\"whenever\"}", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (holds(cases[i].payload) != cases[i].holds) {
            fail_msg("%s", cases[i].payload);
        }
    }
}

static void audience_and_issuer_must_fit(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *claims;
        bool holds;
    } cases[] = {
        {"{}", "", true},
        {"{}", ",\"aud\":\"cams\"", false}, /* for somebody, and nobody is configured */
        {"{}", ",\"iss\":\"idp\"", true},
        {"{\"audience\":\"cams\"}", ",\"aud\":\"cams\"", true},
        {"{\"audience\":\"cams\"}", ",\"aud\":[\"x\",\"cams\"]", true},
        {"{\"audience\":\"cams\"}", ",\"aud\":[\"x\",1,null,\"cams\"]", true},
        {"{\"audience\":\"cams\"}", ",\"aud\":[]", false},
        {"{\"audience\":\"cams\"}", ",\"aud\":[[\"cams\"]]", false},
        {"{\"audience\":\"cams\"}", ",\"aud\":{\"cams\":\"cams\"}", false},
        {"{\"audience\":\"cams\"}", ",\"aud\":\"Cams\"", false},
        {"{\"audience\":\"cams\"}", ",\"aud\":\"cams \"", false},
        {"{\"audience\":\"cams\"}", ",\"aud\":null", false},
        {"{\"audience\":\"cams\"}", "", false},
        {"{\"issuer\":\"idp\"}", ",\"iss\":\"idp\"", true},
        {"{\"issuer\":\"idp\"}", ",\"iss\":\"idq\"", false},
        {"{\"issuer\":\"idp\"}", ",\"iss\":[\"idp\"]", false},
        {"{\"issuer\":\"idp\"}", "", false},
        {"{\"issuer\":\"idp\",\"audience\":\"cams\"}", ",\"iss\":\"idp\",\"aud\":\"cams\"", true},
        {"{\"issuer\":\"idp\",\"audience\":\"cams\"}", ",\"iss\":\"idp\"", false},
        {"{\"issuer\":null,\"audience\":null}", "", true},
    };
    char payload[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(payload, sizeof(payload), "{\"exp\":1700000100%s}", cases[i].claims);
        if (holds_at(token_make(payload), cases[i].settings, NOW) != cases[i].holds) {
            fail_msg("%s with %s", payload, cases[i].settings);
        }
    }
}

/*
 * The claim as text, its elements with '|' around them; "none" if it is missing, "refused" if the token is.
 */
static const char *claim_of(const char *settings, const char *claims, bool groups)
{
    static char out[512];
    struct web_token_issuer issuer;
    struct web_token token;
    const char *why;
    char payload[512];
    size_t index;
    json_t *one;

    snprintf(payload, sizeof(payload), "{\"exp\":1700000100%s}", claims);
    have_issuer(&issuer, "HS256", TOKEN_MAKER_SECRET, settings);
    bool checked = web_token_check(&token, &issuer, 1, token_make(payload), NOW, &why);
    const json_t *list = groups ? token.groups : token.cameras;
    strcpy(out, !checked ? "refused" : list ? "|" : "none");
    json_array_foreach(list, index, one) {
        strcat(strcat(out, json_string_value(one)), "|");
    }
    web_token_clear(&token);
    web_token_issuer_clear(&issuer);
    return out;
}

static void cameras_and_groups_are_lists_or_words(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *claims, *cameras, *groups;
    } cases[] = {
        {"{}", "", "none", "none"},
        {"{}", ",\"cameras\":[\"front*\",\"yard\"]", "|front*|yard|", "none"},
        {"{}", ",\"cameras\":\"front* yard\"", "|front*|yard|", "none"},
        {"{}", ",\"cameras\":\"  front*   yard \"", "|front*|yard|", "none"},
        {"{}", ",\"cameras\":\"\"", "|", "none"},
        {"{}", ",\"cameras\":[]", "|", "none"},
        {"{}", ",\"cameras\":[\"two words\"]", "|two words|", "none"},
        {"{}", ",\"cameras\":[\"a\",1]", "refused", "refused"},
        {"{}", ",\"cameras\":[[\"a\"]]", "refused", "refused"},
        {"{}", ",\"cameras\":null", "refused", "refused"},
        {"{}", ",\"cameras\":true", "refused", "refused"},
        {"{}", ",\"cameras\":{\"a\":1}", "refused", "refused"},
        {"{}", ",\"groups\":[\"staff\",\"night watch\"]", "none", "|staff|night watch|"},
        {"{}", ",\"groups\":\"staff night\"", "none", "|staff|night|"},
        {"{}", ",\"groups\":7", "refused", "refused"},
        {"{\"cameras_claim\":\"https://x/cams\",\"groups_claim\":\"roles\"}",
         ",\"https://x/cams\":\"a\",\"roles\":\"b\",\"cameras\":\"c\",\"groups\":\"d\"", "|a|", "|b|"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(claim_of(cases[i].settings, cases[i].claims, false), cases[i].cameras);
        assert_string_equal(claim_of(cases[i].settings, cases[i].claims, true), cases[i].groups);
    }
}

static void the_user_is_in_the_configured_claim(void **state)
{
    (void)state;
    struct web_token_issuer issuer;
    struct web_token token;
    const char *why;

    have_issuer(&issuer, "HS256", TOKEN_MAKER_SECRET, "{\"user_claim\":\"email\"}");
    assert_true(web_token_check(
        &token, &issuer, 1, token_make("{\"exp\":1700000100,\"sub\":\"x\",\"email\":\"a@b\"}"), NOW, &why));
    assert_string_equal(token.user, "a@b");
    web_token_clear(&token);
    assert_true(
        web_token_check(&token, &issuer, 1, token_make("{\"exp\":1700000100,\"sub\":\"x\"}"), NOW, &why));
    assert_null(token.user);
    web_token_clear(&token);
    assert_false(
        web_token_check(&token, &issuer, 1, token_make("{\"exp\":1700000100,\"email\":7}"), NOW, &why));
    web_token_issuer_clear(&issuer);
}

/* ---- Keys ---- */

static int read_key(const char *algorithm, const char *key)
{
    struct web_token_issuer issuer;
    const char *why = NULL;
    int result = make_issuer(&issuer, algorithm, key, "{}", &why);

    assert_true((result == 0) == !why);
    web_token_issuer_clear(&issuer);
    return result;
}

static int read_public_half(const char *algorithm, EVP_PKEY *key)
{
    char *pem = token_maker_public_pem(key);
    int result = read_key(algorithm, pem);

    free(pem);
    EVP_PKEY_free(key);
    return result;
}

static void keys_must_be_of_their_algorithm_and_strong(void **state)
{
    (void)state;
    assert_int_equal(read_key("HS256", TOKEN_MAKER_SECRET), 0);
    assert_int_equal(read_key("HS256", "0123456789abcdef0123456789abcde"), -EKEYREJECTED);
    assert_int_equal(read_key("HS256", ""), -EKEYREJECTED);
    assert_int_equal(read_key("RS256", keys.rsa_pem), 0);
    assert_int_equal(read_key("ES256", keys.ec_pem), 0);
    assert_int_equal(read_key("RS256", keys.ec_pem), -EKEYREJECTED);
    assert_int_equal(read_key("ES256", keys.rsa_pem), -EKEYREJECTED);
    assert_int_equal(read_key("RS256", TOKEN_MAKER_SECRET), -EKEYREJECTED);
    assert_int_equal(read_key("RS256", ""), -EKEYREJECTED);
    assert_int_equal(read_public_half("RS256", EVP_RSA_gen(1024)), -EKEYREJECTED);
    assert_int_equal(read_public_half("ES256", EVP_EC_gen("P-384")), -EKEYREJECTED);
    assert_int_equal(read_public_half("ES256", EVP_EC_gen("secp256k1")), -EKEYREJECTED);
    assert_int_equal(read_key("HS384", TOKEN_MAKER_SECRET TOKEN_MAKER_SECRET), -EBADMSG);
    assert_int_equal(read_key("none", TOKEN_MAKER_SECRET), -EBADMSG);
    assert_int_equal(read_key("hs256", TOKEN_MAKER_SECRET), -EBADMSG);
}

static void a_private_key_is_refused(void **state)
{
    (void)state;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, keys.rsa, NULL, NULL, 0, NULL, NULL), 1);
    long length = BIO_get_mem_data(bio, &text);
    char *pem = strndup(text, (size_t)length);
    assert_int_equal(read_key("RS256", pem), -EKEYREJECTED);
    free(pem);
    BIO_free(bio);
}

static void rows_that_are_not_understood_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[]",
        "{}",
        "{\"algorithm\":\"HS256\"}",
        "{\"algorithm\":5,\"key\":\"" TOKEN_MAKER_SECRET "\"}",
        "{\"algorithm\":\"HS256\",\"key\":[\"" TOKEN_MAKER_SECRET "\"]}",
        "{\"algorithm\":\"HS256\",\"key\":\"" TOKEN_MAKER_SECRET "\",\"audience\":5}",
        "{\"algorithm\":\"HS256\",\"key\":\"" TOKEN_MAKER_SECRET "\",\"audience\":\"\"}",
        "{\"algorithm\":\"HS256\",\"key\":\"" TOKEN_MAKER_SECRET "\",\"user_claim\":\"\"}",
        "{\"algorithm\":\"HS256\",\"key\":\"" TOKEN_MAKER_SECRET "\",\"groups_claim\":[]}",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct web_token_issuer issuer;
        const char *why = NULL;
        json_t *row = json_loads(rows[i], 0, NULL);
        assert_int_equal(web_token_issuer_read(&issuer, row, &why), -EBADMSG);
        assert_non_null(why);
        web_token_issuer_clear(&issuer);
        json_decref(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_is_checked_with_its_own_key),
        cmocka_unit_test(a_right_signature_is_checked_once),
        cmocka_unit_test(known_signatures_are_bounded),
        cmocka_unit_test(the_examples_of_the_standard_hold),
        cmocka_unit_test(several_keys_of_one_algorithm_are_tried),
        cmocka_unit_test(unsigned_tokens_are_refused),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(a_token_brings_no_key),
        cmocka_unit_test(changed_tokens_are_refused),
        cmocka_unit_test(shapes_that_are_no_jwt_are_refused),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(critical_extensions_are_refused),
        cmocka_unit_test(size_and_depth_are_limited),
        cmocka_unit_test(times_are_kept),
        cmocka_unit_test(audience_and_issuer_must_fit),
        cmocka_unit_test(cameras_and_groups_are_lists_or_words),
        cmocka_unit_test(the_user_is_in_the_configured_claim),
        cmocka_unit_test(keys_must_be_of_their_algorithm_and_strong),
        cmocka_unit_test(a_private_key_is_refused),
        cmocka_unit_test(rows_that_are_not_understood_are_refused),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
