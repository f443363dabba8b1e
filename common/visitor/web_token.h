/* SPDX-License-Identifier: MIT */
/*
 * JWTs (RFC 7519) that others issue, checked with libjwt: HS256, RS256 and ES256 (RFC 7518, 3.1). Which
 * algorithm and key count is said by the configuration and never by the token (RFC 8725, 3.1). Pure.
 * One thread at a time.
 */
#ifndef COMMON_VISITOR_WEB_TOKEN_H
#define COMMON_VISITOR_WEB_TOKEN_H

#include <jansson.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest token that is looked at. */
#define WEB_TOKEN_MAX 4096

/* Bytes of the largest key, and the smallest secret of HS256 (RFC 7518, 3.2). */
#define WEB_TOKEN_KEY_MAX 16384
#define WEB_TOKEN_SECRET_MIN 32

/* Seconds by which the clocks of issuer and server may differ. */
#define WEB_TOKEN_LEEWAY 60

#define WEB_TOKEN_PRINT_SIZE 32

/* One row of the configuration's `jwt`. */
struct web_token_issuer {
    int algorithm; /* libjwt's jwt_alg_t */
    char *key;     /* the secret, or the public key in PEM form */
    size_t key_length;
    EVP_PKEY *public_key;    /* the same, read; NULL for a secret */
    char *audience, *issuer; /* what `aud` must name and `iss` must be; NULL: not configured */
    char *user_claim, *cameras_claim, *groups_claim;
    uint8_t print[WEB_TOKEN_PRINT_SIZE]; /* a hash of all the above */
};

/* What a token that passed says. */
struct web_token {
    const struct web_token_issuer *issuer;
    char *user;      /* NULL: the token names none */
    json_t *cameras; /* an array of patterns; NULL: the token has no such claim */
    json_t *groups;  /* an array of names; NULL: none */
    int64_t expires; /* Unix seconds, with the leeway */
    int64_t issued;  /* `iat`, Unix seconds; 0: the token does not say */
};

/*
 * Reads a row of the access document. 0; -EBADMSG and *WHY, a static text: a member that is missing or of
 * another kind, an unknown algorithm, a key that is not one for it, or that is too weak; -ENOMEM.
 * web_token_issuer_clear in any case.
 */
int web_token_issuer_read(struct web_token_issuer *issuer, const json_t *row, const char **why);

/* Overwrites the key and frees all that ISSUER holds. */
void web_token_issuer_clear(struct web_token_issuer *issuer);

/* True if TEXT has the shape of a JWT: three parts. */
bool web_token_has_shape(const char *text);

/*
 * Checks TEXT with each of COUNT ISSUERS whose algorithm is the one that the token names. True, and TOKEN,
 * to be cleared with web_token_clear: one of them has signed it, and at NOW (Unix seconds) it holds. False,
 * and *WHY is a static text.
 */
bool web_token_check(struct web_token *token, const struct web_token_issuer *issuers, size_t count,
                     const char *text, int64_t now, const char **why);

struct known_signatures;

/* The same; a signature by a public key that is KNOWN is not checked again, and that of a token which holds becomes known. */
bool web_token_check_known(struct web_token *token, const struct web_token_issuer *issuers, size_t count,
                           const char *text, int64_t now, struct known_signatures *known, const char **why);

void web_token_clear(struct web_token *token);

#endif
