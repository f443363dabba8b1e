/* SPDX-License-Identifier: MIT */
/*
 * Makes JWTs as an issuer or as an attacker would: any header, any payload, signed by any key in any way. It
 * has its own encoder, apart from what it tests.
 */
#ifndef TESTS_SUPPORT_TOKEN_MAKER_H
#define TESTS_SUPPORT_TOKEN_MAKER_H

#include <openssl/evp.h>
#include <stddef.h>

/* Longer than any token that ringcast looks at. */
#define TOKEN_MAKER_SIZE 16384

/* The secret for HS256 in tests. */
#define TOKEN_MAKER_SECRET "0123456789abcdef0123456789abcdef"

/* BYTES of DATA as base64url without padding; OUT has room. Returns the length. */
size_t token_maker_encode(char *out, const void *data, size_t bytes);

/* Signs HEADER and PAYLOAD, both JSON text: with a secret of LENGTH bytes (HMAC-SHA256), or with a private key: RSA PKCS #1 1.5
 * or ECDSA as r and s (RFC 7518, 3.4), both with SHA-256; or with SIGNATURE as it is. In a buffer that the next call reuses. */
const char *token_make_hmac(const char *header, const char *payload, const void *secret, size_t length);
const char *token_make_signed(const char *header, const char *payload, EVP_PKEY *key);
const char *token_make_raw(const char *header, const char *payload, const char *signature);

/* With the header {"alg":"HS256","typ":"JWT"} and TOKEN_MAKER_SECRET. */
const char *token_make(const char *payload);

/* KEY's public half in PEM form; malloc'ed. */
char *token_maker_public_pem(EVP_PKEY *key);

#endif
