/* SPDX-License-Identifier: MIT */
/*
 * bench_access: what the fan-out's judgement of a request costs for each way in, beside one HMAC-SHA256 over
 * as many bytes as a session has, which no judgement of a signature can do without. The table has 1000 users
 * and 1000 tokens. The ways take turns, and of their turns the quickest counts: time on the CPU of this
 * thread. Prints one line of JSON: nanoseconds for each judgement, and how many HMACs that is. Each
 * judgement has to be as it is expected.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/visitor/access.h"
#include "tests/bench/clock.h"
#include "tests/support/token_maker.h"

#define NOW INT64_C(1700000000)
#define ROWS 1000
#define TURNS 10
#define SESSION_BYTES 37 /* signed bytes of a session of "anna" */
#define HEADER_SIZE 4200
#define ADDRESS "192.0.2.1"
#define PAYLOAD "{\"sub\":\"anna\",\"exp\":1700000100,\"cameras\":[\"front*\",\"yard\"]}"
#define SIGNED_HEADER(algorithm) "{\"alg\":\"" algorithm "\",\"typ\":\"JWT\"}"

enum way {
    HMAC_ALONE,
    NOTHING,
    SESSION,
    STATIC_TOKEN,
    BASIC,
    JWT_HS256,
    JWT_RS256,
    JWT_ES256,
    RS256_FORGED,
    ES256_FORGED,
    WAYS
};

static const struct {
    const char *name;
    enum access_verdict verdict;
} ways[WAYS] = {
    [HMAC_ALONE] = {"hmac", ACCESS_GRANTED},
    [NOTHING] = {"nothing", ACCESS_NONE},
    [SESSION] = {"session", ACCESS_GRANTED},
    [STATIC_TOKEN] = {"static_token", ACCESS_GRANTED},
    [BASIC] = {"basic_verified", ACCESS_GRANTED},
    [JWT_HS256] = {"jwt_hs256", ACCESS_GRANTED},
    [JWT_RS256] = {"jwt_rs256", ACCESS_GRANTED},
    [JWT_ES256] = {"jwt_es256", ACCESS_GRANTED},
    [RS256_FORGED] = {"jwt_rs256_forged", ACCESS_REFUSED},
    [ES256_FORGED] = {"jwt_es256_forged", ACCESS_REFUSED},
};

static char headers[WAYS][HEADER_SIZE];
static struct credentials credentials;

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_access: %s\n", what);
    exit(1);
}

/* ---- The table ---- */

static json_t *make_users(void)
{
    json_t *users = json_pack("[{s:s,s:s,s:[s]}]", "name", "anna", "role", "viewer", "cameras", "front*");
    char name[32];

    for (int i = 1; i < ROWS; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        json_array_append_new(
            users, json_pack("{s:s,s:s,s:[s]}", "name", name, "role", "viewer", "cameras", "front*"));
    }
    return users;
}

static void hash_of(const char *text, char hex[65])
{
    uint8_t hash[32];
    unsigned size;

    EVP_Digest(text, strlen(text), hash, &size, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof(hash); i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
}

static json_t *make_tokens(void)
{
    json_t *tokens = json_array();
    char text[64], id[16], hash[65];

    for (unsigned i = 0; i < ROWS; i++) {
        snprintf(id, sizeof(id), "%08x", i);
        snprintf(text, sizeof(text), "rct_%s_0123456789abcdef0123456789abcdef0123456789a", id);
        hash_of(text, hash);
        json_array_append_new(tokens, json_pack("{s:s,s:s,s:s,s:[s]}", "id", id, "hash", hash, "role",
                                                "viewer", "cameras", "front*"));
        snprintf(headers[STATIC_TOKEN], HEADER_SIZE, "Bearer %s", text);
    }
    return tokens;
}

static json_t *make_issuers(EVP_PKEY *rsa, EVP_PKEY *ec)
{
    char *rsa_pem = token_maker_public_pem(rsa);
    char *ec_pem = token_maker_public_pem(ec);
    json_t *issuers =
        json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "algorithm", "HS256", "key", TOKEN_MAKER_SECRET,
                  "algorithm", "RS256", "key", rsa_pem, "algorithm", "ES256", "key", ec_pem);

    free(rsa_pem);
    free(ec_pem);
    return issuers;
}

static void set_table(struct access *access, EVP_PKEY *rsa, EVP_PKEY *ec)
{
    json_t *document =
        json_pack("{s:b,s:s,s:i,s:o,s:o,s:o}", "on", 1, "session_key",
                  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "session_seconds", 3600,
                  "users", make_users(), "tokens", make_tokens(), "jwt", make_issuers(rsa, ec));
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;

    if (!text || access_set(access, text, strlen(text)) < 0) {
        fail("the table is refused");
    }
    free(text);
    json_decref(document);
}

/* ---- The requests ---- */

/* Another signature of the same length. */
static void forge(char out[HEADER_SIZE], const char *header)
{
    strcpy(out, header);
    char *signature = strrchr(out, '.') + 1;
    signature[9] = signature[9] == 'A' ? 'B' : 'A';
}

static void make_requests(struct access *access, EVP_PKEY *rsa, EVP_PKEY *ec)
{
    char cookie[SESSION_COOKIE_SIZE];
    struct visitor *visitor = NULL;
    uint64_t generation = access_generation(access);

    if (access_begin_session(access, "anna", generation, NOW, cookie, &visitor) < 0) {
        fail("no session");
    }
    visitor_unref(visitor);
    snprintf(headers[SESSION], HEADER_SIZE, SESSION_COOKIE_NAME "=%s", cookie);
    if (access_password_right(access, ADDRESS, "anna", "secret", generation, NOW, &visitor) < 0) {
        fail("no visitor by password");
    }
    visitor_unref(visitor);
    strcpy(headers[BASIC], "Basic YW5uYTpzZWNyZXQ=");
    snprintf(headers[JWT_HS256], HEADER_SIZE, "Bearer %s", token_make(PAYLOAD));
    snprintf(headers[JWT_RS256], HEADER_SIZE, "Bearer %s",
             token_make_signed(SIGNED_HEADER("RS256"), PAYLOAD, rsa));
    snprintf(headers[JWT_ES256], HEADER_SIZE, "Bearer %s",
             token_make_signed(SIGNED_HEADER("ES256"), PAYLOAD, ec));
    forge(headers[RS256_FORGED], headers[JWT_RS256]);
    forge(headers[ES256_FORGED], headers[JWT_ES256]);
}

/* As the gate does with each request: read, judge, look, forget. */
static void judge(struct access *access, enum way way)
{
    struct visitor *visitor;
    struct credential_sources sources = {.address = ADDRESS};

    if (way == SESSION) {
        sources.cookie = headers[way];
    } else if (way != NOTHING) {
        sources.authorization = headers[way];
    }
    credentials_read(&credentials, &sources);
    enum access_verdict verdict = access_judge(access, &credentials, NOW, &visitor, NULL);
    if (verdict != ways[way].verdict || (visitor && !visitor_may_watch(visitor, "front door"))) {
        fail(ways[way].name);
    }
    visitor_unref(visitor);
    credentials_wipe(&credentials);
}

static void sign(void)
{
    static const uint8_t key[32], text[SESSION_BYTES];
    uint8_t mac[32];

    if (!HMAC(EVP_sha256(), key, sizeof(key), text, sizeof(text), mac, NULL)) {
        fail("no HMAC");
    }
}

static int64_t measure(struct access *access, enum way way, size_t count)
{
    int64_t begin = cpu_ns();

    for (size_t i = 0; i < count; i++) {
        if (way == HMAC_ALONE) {
            sign();
        } else {
            judge(access, way);
        }
    }
    return (cpu_ns() - begin) / (int64_t)count;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    int64_t best[WAYS];
    struct access *access = access_new();
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *ec = EVP_EC_gen("P-256");

    if (argc > 2 || count == 0) {
        fprintf(stderr, "usage: bench_access [JUDGEMENTS in each of the turns]\n");
        return 2;
    }
    if (!access || !rsa || !ec) {
        fail("no keys");
    }
    set_table(access, rsa, ec);
    make_requests(access, rsa, ec);
    for (int turn = 0; turn < TURNS; turn++) {
        for (int way = 0; way < WAYS; way++) {
            int64_t cost = measure(access, (enum way)way, count);
            best[way] = turn == 0 || cost < best[way] ? cost : best[way];
        }
    }
    printf("{");
    for (int way = 0; way < WAYS; way++) {
        printf("%s\"%s\":{\"ns\":%lld,\"hmacs\":%.1f}", way > 0 ? "," : "", ways[way].name,
               (long long)best[way], (double)best[way] / (double)best[HMAC_ALONE]);
    }
    printf("}\n");
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    access_free(access);
    return 0;
}
