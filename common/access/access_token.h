/* SPDX-License-Identifier: MIT */
/*
 * Static tokens: "rct_<id>_<secret>", the id 8 hexadecimal digits, the secret 32 random bytes in base64url (RFC 4648, section 5).
 * Only the SHA-256 of the whole text is kept; that is enough, since nobody can guess 256 random bits. Any process, any thread.
 */
#ifndef COMMON_ACCESS_ACCESS_TOKEN_H
#define COMMON_ACCESS_ACCESS_TOKEN_H

#include <stdbool.h>

/* Bytes with the NUL. */
#define ACCESS_TOKEN_ID_SIZE 9
#define ACCESS_TOKEN_SIZE 57
#define ACCESS_TOKEN_HASH_SIZE 65

/* A new token in TEXT, which is a secret, its id, and its hash in small hexadecimal digits. 0 or negative errno. */
int access_token_make(char text[ACCESS_TOKEN_SIZE], char id[ACCESS_TOKEN_ID_SIZE],
                      char hash[ACCESS_TOKEN_HASH_SIZE]);

/* True, with its id, if TEXT has the form of a token. */
bool access_token_parse(const char *text, char id[ACCESS_TOKEN_ID_SIZE]);

bool access_token_is_id(const char *text);

/* The hash of TEXT. 0; -EIO: OpenSSL failed. */
int access_token_hash(const char *text, char hash[ACCESS_TOKEN_HASH_SIZE]);

#endif
