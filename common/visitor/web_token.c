/* SPDX-License-Identifier: MIT */
#include "common/visitor/web_token.h"

#include <errno.h>
#include <jwt.h>
#include <math.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/secret.h"
#include "common/visitor/known_signatures.h"

/* Bits of an RSA key (RFC 7518, 3.3), and of the largest that is worth its time. */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

/* The curve of ES256 (RFC 7518, 3.4) as OpenSSL names it. */
#define ES256_CURVE "prime256v1"

/* Bytes of a signature with it: r and s; and more than its DER form has. */
#define ES256_BYTES 64
#define DER_MAX 128

/* Times beyond this are not exact as a JSON number (RFC 8259, 6), so no issuer means them. */
#define TIME_MAX INT64_C(9007199254740992)

#define PEM_MARK "-----BEGIN "
#define PEM_PRIVATE "PRIVATE KEY-----"

/* Where the parts of a token are. */
struct parts {
    const char *header, *payload, *signature;
    size_t header_length, payload_length;
};

struct signature {
    uint8_t bytes[RSA_BITS_MAX / 8];
    size_t size;
};

static const struct {
    const char *name; /* RFC 7518, 3.1; exactly so */
    jwt_alg_t algorithm;
} algorithms[] = {{"HS256", JWT_ALG_HS256}, {"RS256", JWT_ALG_RS256}, {"ES256", JWT_ALG_ES256}};

/* -1: none that is accepted; "none" is not. */
static int algorithm_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (strcmp(name, algorithms[i].name) == 0) {
            return (int)algorithms[i].algorithm;
        }
    }
    return -1;
}

/* ---- Keys ---- */

static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static EVP_PKEY *read_public_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static const char *key_problem(const EVP_PKEY *key, int algorithm)
{
    char curve[32] = "";

    if (algorithm == JWT_ALG_RS256) {
        if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
            return "the key for RS256 is no RSA key";
        }
        int bits = EVP_PKEY_get_bits(key);
        return bits < RSA_BITS_MIN || bits > RSA_BITS_MAX ? "the RSA key has not between 2048 and 8192 bits"
                                                          : NULL;
    }
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1 || strcmp(curve, ES256_CURVE) != 0) {
        return "the key for ES256 is no EC key on the curve P-256";
    }
    return NULL;
}

/* The one form in which libjwt reads a public key. NULL: no memory. */
static char *write_public_key(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    char *copy = NULL;

    if (bio && PEM_write_bio_PUBKEY(bio, key) == 1) {
        long length = BIO_get_mem_data(bio, &text);
        copy = strndup(text, (size_t)length);
    }
    BIO_free(bio);
    return copy;
}

static int set_public_key(struct web_token_issuer *issuer, const char *text, const char **why)
{
    if (strstr(text, PEM_PRIVATE)) {
        *why = "the key is a private one; give the public key";
        return -EKEYREJECTED;
    }
    EVP_PKEY *key = read_public_key(text);
    *why = key ? key_problem(key, issuer->algorithm) : "the key is no public key in PEM form";
    if (*why) {
        EVP_PKEY_free(key);
        return -EKEYREJECTED;
    }
    issuer->public_key = key;
    issuer->key = write_public_key(key);
    return issuer->key ? 0 : -ENOMEM;
}

static int set_secret(struct web_token_issuer *issuer, const char *text, const char **why)
{
    if (strstr(text, PEM_MARK)) {
        *why = "the key for HS256 is a PEM file, which others may know; give a random secret";
        return -EKEYREJECTED;
    }
    if (strlen(text) < WEB_TOKEN_SECRET_MIN) {
        *why = "the secret for HS256 has less than 32 bytes";
        return -EKEYREJECTED;
    }
    issuer->key = strdup(text);
    return issuer->key ? 0 : -ENOMEM;
}

/* ---- The configuration's row ---- */

/* Missing or null: FALLBACK, which may be NULL. */
static int copy_text(char **out, const json_t *row, const char *name, const char *fallback, const char **why)
{
    const json_t *value = json_object_get(row, name);
    const char *text = value && !json_is_null(value) ? json_string_value(value) : fallback;

    if ((value && !json_is_null(value) && !text) || (text && text[0] == '\0')) {
        *why = "a claim, audience or issuer that is no text, or empty";
        return -EBADMSG;
    }
    *out = text ? strdup(text) : NULL;
    return text && !*out ? -ENOMEM : 0;
}

static int copy_texts(struct web_token_issuer *issuer, const json_t *row, const char **why)
{
    const struct {
        char **out;
        const char *name, *fallback;
    } texts[] = {
        {&issuer->audience, "audience", NULL},
        {&issuer->issuer, "issuer", NULL},
        {&issuer->user_claim, "user_claim", "sub"},
        {&issuer->cameras_claim, "cameras_claim", "cameras"},
        {&issuer->groups_claim, "groups_claim", "groups"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int result = copy_text(texts[i].out, row, texts[i].name, texts[i].fallback, why);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int print_row(struct web_token_issuer *issuer, const json_t *row)
{
    char *text = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text) {
        return -ENOMEM;
    }
    SHA256((const unsigned char *)text, strlen(text), issuer->print);
    secret_free(text);
    return 0;
}

int web_token_issuer_read(struct web_token_issuer *issuer, const json_t *row, const char **why)
{
    const char *name = json_string_value(json_object_get(row, "algorithm"));
    const json_t *key = json_object_get(row, "key");
    const char *text = json_string_value(key);

    *issuer = (struct web_token_issuer){.algorithm = name ? algorithm_from_name(name) : -1};
    *why = NULL;
    if (issuer->algorithm < 0) {
        *why = "the algorithm is none of HS256, RS256, ES256";
    } else if (!text || json_string_length(key) > WEB_TOKEN_KEY_MAX) {
        *why = "no key, or it is too long";
    }
    if (*why) {
        return -EBADMSG;
    }
    int result = copy_texts(issuer, row, why);
    if (result == 0) {
        result = print_row(issuer, row);
    }
    if (result == 0) {
        result = issuer->algorithm == JWT_ALG_HS256 ? set_secret(issuer, text, why)
                                                    : set_public_key(issuer, text, why);
    }
    issuer->key_length = result == 0 ? strlen(issuer->key) : 0;
    return result;
}

void web_token_issuer_clear(struct web_token_issuer *issuer)
{
    secret_free(issuer->key);
    EVP_PKEY_free(issuer->public_key);
    free(issuer->audience);
    free(issuer->issuer);
    free(issuer->user_claim);
    free(issuer->cameras_claim);
    free(issuer->groups_claim);
    *issuer = (struct web_token_issuer){0};
}

/* ---- The token ---- */

/* RFC 7515, 3.1: three parts of base64url, none of them empty. */
static bool split(struct parts *parts, const char *text)
{
    static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    parts->header = text;
    parts->header_length = strspn(text, symbols);
    parts->payload = text + parts->header_length + 1;
    if (parts->header_length == 0 || text[parts->header_length] != '.') {
        return false;
    }
    parts->payload_length = strspn(parts->payload, symbols);
    if (parts->payload_length == 0 || parts->payload[parts->payload_length] != '.') {
        return false;
    }
    parts->signature = parts->payload + parts->payload_length + 1;
    size_t length = strspn(parts->signature, symbols);
    return length > 0 && parts->signature[length] == '\0';
}

bool web_token_has_shape(const char *text)
{
    struct parts parts;

    return split(&parts, text);
}

/* Strictly: libjwt would overlook bits that no byte of the signature is made of. */
static bool read_signature(struct signature *signature, const struct parts *parts)
{
    int size = base64_url_decode(signature->bytes, sizeof(signature->bytes), parts->signature,
                                 strlen(parts->signature));

    signature->size = size > 0 ? (size_t)size : 0;
    return size > 0;
}

/* The object in a part; a member that is there twice makes it none (RFC 7519, 4). NULL: none. */
static json_t *decode_part(const char *text, size_t length)
{
    uint8_t bytes[WEB_TOKEN_MAX];
    int size = base64_url_decode(bytes, sizeof(bytes), text, length);
    json_t *object =
        size > 0 ? json_loadb((const char *)bytes, (size_t)size, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (object && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The algorithm that the token names, if it is one that is accepted at all; -1 and *WHY. */
static int read_header(const struct parts *parts, const char **why)
{
    json_t *header = decode_part(parts->header, parts->header_length);
    const char *name = json_string_value(json_object_get(header, "alg"));
    int algorithm = name ? algorithm_from_name(name) : -1;

    if (!header) {
        *why = "the token's header is no JSON object";
    } else if (json_object_get(header, "crit")) {
        *why = "the token has critical extensions, and none is known"; /* RFC 7515, 4.1.11 */
        algorithm = -1;
    } else if (algorithm < 0) {
        *why = "the token's algorithm is not accepted";
    }
    json_decref(header);
    return algorithm;
}

/*
 * RFC 7518, 3.4: r and s as they are; OpenSSL takes them as DER. Returns its size; 0: no memory, or no
 * signature.
 */
static int to_der(uint8_t der[DER_MAX], const uint8_t *raw)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, ES256_BYTES / 2, NULL);
    BIGNUM *s = BN_bin2bn(raw + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
    uint8_t *end = der;

    if (!signature || !r || !s || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(signature);
        return 0;
    }
    int size = i2d_ECDSA_SIG(signature, &end); /* at most 72 bytes for numbers of 32 */
    ECDSA_SIG_free(signature);
    return size > 0 ? size : 0;
}

static bool verify(EVP_PKEY *key, const uint8_t *signature, size_t size, const char *text, size_t length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                 EVP_DigestVerify(context, signature, size, (const unsigned char *)text, length) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return right;
}

/*
 * libjwt reads a public key anew for each token, which takes ten times as long as the check itself. Whoever
 * sends forged tokens shall not cost that, so the signature is checked before with the key that has been
 * read.
 */
static bool passes_at_first(const struct web_token_issuer *issuer, const struct parts *parts,
                            const struct signature *signature)
{
    uint8_t der[DER_MAX];
    size_t length = (size_t)(parts->signature - 1 - parts->header);

    if (issuer->algorithm == JWT_ALG_HS256) {
        return true;
    }
    if (issuer->algorithm == JWT_ALG_RS256) {
        return verify(issuer->public_key, signature->bytes, signature->size, parts->header, length);
    }
    int size = signature->size == ES256_BYTES ? to_der(der, signature->bytes) : 0;
    return size > 0 && verify(issuer->public_key, der, (size_t)size, parts->header, length);
}

/*
 * The header has been read strictly before, so libjwt, which takes the algorithm from it, sees the same one.
 * Its own answer is compared nevertheless.
 */
static bool is_signed_by(const struct web_token_issuer *issuer, const char *text)
{
    jwt_t *jwt = NULL;
    bool is_signed =
        jwt_decode(&jwt, text, (const unsigned char *)issuer->key, (int)issuer->key_length) == 0 &&
        (int)jwt_get_alg(jwt) == issuer->algorithm;

    jwt_free(jwt);
    ERR_clear_error();
    return is_signed;
}

/* ---- Claims ---- */

/* A NumericDate (RFC 7519, 2), whole seconds or not. False: none. */
static bool read_time(int64_t *out, const json_t *value, double (*whole)(double))
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return *out >= -TIME_MAX && *out <= TIME_MAX;
    }
    if (!json_is_real(value) || !(fabs(json_real_value(value)) <= (double)TIME_MAX)) {
        return false;
    }
    *out = (int64_t)whole(json_real_value(value));
    return true;
}

static const char *check_times(struct web_token *token, const json_t *claims, int64_t now)
{
    const json_t *not_before = json_object_get(claims, "nbf"), *issued = json_object_get(claims, "iat");
    int64_t expires, begins = 0;

    if (!read_time(&expires, json_object_get(claims, "exp"), floor)) {
        return "the token has no time of expiry (exp)";
    }
    if (not_before && !read_time(&begins, not_before, ceil)) {
        return "the token's \"nbf\" is no time";
    }
    if (issued && !read_time(&token->issued, issued, floor)) {
        return "the token's \"iat\" is no time";
    }
    if (now >= expires + WEB_TOKEN_LEEWAY) {
        return "the token has expired";
    }
    if (not_before && now < begins - WEB_TOKEN_LEEWAY) {
        return "the token is not valid yet";
    }
    token->expires = expires + WEB_TOKEN_LEEWAY;
    return NULL;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/*
 * RFC 7519, 4.1.3: a token for somebody is for nobody else, so without a configured audience it may not name
 * one.
 */
static const char *check_audience(const struct web_token_issuer *issuer, const json_t *claims)
{
    const json_t *audience = json_object_get(claims, "aud");
    size_t index;
    json_t *one;

    if (!issuer->audience) {
        return audience ? "the token is for an audience, and none is configured" : NULL;
    }
    if (is_text(audience, issuer->audience)) {
        return NULL;
    }
    json_array_foreach(audience, index, one) {
        if (is_text(one, issuer->audience)) {
            return NULL;
        }
    }
    return "the token is for another audience";
}

static const char *check_issuer(const struct web_token_issuer *issuer, const json_t *claims)
{
    return issuer->issuer && !is_text(json_object_get(claims, "iss"), issuer->issuer)
               ? "the token is of another issuer"
               : NULL;
}

/* The words of TEXT as an array of strings. NULL: no memory. */
static json_t *split_words(const char *text)
{
    json_t *words = json_array();

    for (text += strspn(text, " "); words && *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        if (json_array_append_new(words, json_stringn(text, length)) < 0) {
            json_decref(words);
            return NULL;
        }
        text += length;
    }
    return words;
}

/*
 * Claim NAME as an array of strings: it is one, or a text of words. False: it is something else, or there is
 * no memory. *LIST is NULL if there is no such claim, and otherwise a new reference.
 */
static bool read_list(json_t **list, const json_t *claims, const char *name)
{
    json_t *claim = json_object_get(claims, name);
    size_t index;
    json_t *one;

    *list = NULL;
    if (!claim) {
        return true;
    }
    if (json_is_string(claim)) {
        *list = split_words(json_string_value(claim));
        return *list != NULL;
    }
    json_array_foreach(claim, index, one) {
        if (!json_is_string(one)) {
            return false;
        }
    }
    *list = json_is_array(claim) ? json_incref(claim) : NULL;
    return *list != NULL;
}

static const char *read_claims(struct web_token *token, const json_t *claims)
{
    const struct web_token_issuer *issuer = token->issuer;
    const json_t *user = json_object_get(claims, issuer->user_claim);

    if (user && !json_is_string(user)) {
        return "the token's user is no text";
    }
    token->user = user ? strdup(json_string_value(user)) : NULL;
    if (user && !token->user) {
        return "no memory";
    }
    if (!read_list(&token->cameras, claims, issuer->cameras_claim)) {
        return "the token's cameras are neither a list of texts nor a text";
    }
    return read_list(&token->groups, claims, issuer->groups_claim)
               ? NULL
               : "the token's groups are neither a list of texts nor a text";
}

static const char *take_claims(struct web_token *token, const json_t *claims, int64_t now)
{
    const char *why = check_times(token, claims, now);

    if (!why) {
        why = check_audience(token->issuer, claims);
    }
    if (!why) {
        why = check_issuer(token->issuer, claims);
    }
    return why ? why : read_claims(token, claims);
}

/* Whether ISSUER has signed TEXT. HASH, KNOWN: for a public key. */
static bool is_right(const struct web_token_issuer *issuer, const struct parts *parts,
                     const struct signature *signature, const char *text, int64_t now,
                     const struct known_signatures *known, uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE])
{
    if (known && issuer->public_key) {
        known_signatures_hash(hash, issuer->print, text);
        if (known_signatures_has(known, hash, now)) {
            return true;
        }
    }
    return passes_at_first(issuer, parts, signature) && is_signed_by(issuer, text);
}

bool web_token_check(struct web_token *token, const struct web_token_issuer *issuers, size_t count,
                     const char *text, int64_t now, const char **why)
{
    return web_token_check_known(token, issuers, count, text, now, NULL, why);
}

bool web_token_check_known(struct web_token *token, const struct web_token_issuer *issuers, size_t count,
                           const char *text, int64_t now, struct known_signatures *known, const char **why)
{
    uint8_t hash[KNOWN_SIGNATURES_HASH_SIZE];
    struct parts parts;
    struct signature signature;
    json_t *claims = NULL;
    bool holds = false;

    *token = (struct web_token){0};
    *why = "no JWT, or one of more than 4096 bytes";
    int algorithm = strlen(text) <= WEB_TOKEN_MAX && split(&parts, text) ? read_header(&parts, why) : -1;
    if (algorithm < 0) {
        return false;
    }
    *why = "the token's signature fits no configured key";
    if (!read_signature(&signature, &parts)) {
        return false;
    }
    for (size_t i = 0; i < count && !holds; i++) {
        if (issuers[i].algorithm != algorithm ||
            !is_right(&issuers[i], &parts, &signature, text, now, known, hash)) {
            continue;
        }
        if (!claims) {
            claims = decode_part(parts.payload, parts.payload_length);
        }
        web_token_clear(token);
        token->issuer = &issuers[i];
        *why = claims ? take_claims(token, claims, now) : "the token's payload is no JSON object";
        holds = !*why;
        if (holds && known && issuers[i].public_key) {
            known_signatures_add(known, hash, token->expires, now);
        }
    }
    json_decref(claims);
    if (!holds) {
        web_token_clear(token);
    }
    return holds;
}

void web_token_clear(struct web_token *token)
{
    free(token->user);
    json_decref(token->cameras);
    json_decref(token->groups);
    *token = (struct web_token){0};
}
