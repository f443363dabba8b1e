/* SPDX-License-Identifier: MIT */
/*
 * Digest access authentication (RFC 7616, and RFC 2069 without a quality of protection), which RTSP clients use. Its secret, which the RFC calls A1
 * hashed, is made of the password alone: whoever has the secret can log in by Digest, without knowing the password. So it is kept only for users that are made
 * with it. Pure functions: any thread.
 */
#ifndef COMMON_ACCESS_DIGEST_H
#define COMMON_ACCESS_DIGEST_H

#include <stdbool.h>

/* The realm of every secret. */
#define DIGEST_REALM "ringcast"

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_ALGORITHMS };

/* Bytes of the longest hash in hexadecimal digits, with the NUL. */
#define DIGEST_HEX_SIZE 65

/* Texts of a client's answer; what it left out is "". */
struct digest_answer {
    enum digest_algorithm algorithm;
    const char *nonce, *uri, *method, *qop, *nc, *cnonce;
    const char *response;
};

/* "MD5" or "SHA-256", in any case of letters; "" is MD5. False: another one. */
bool digest_algorithm_find(const char *name, enum digest_algorithm *algorithm);

/* The secret of USER with PASSWORD. False: this machine's library does not have the algorithm. */
bool digest_secret(enum digest_algorithm algorithm, const char *user, const char *password,
                   char secret[DIGEST_HEX_SIZE]);

/* True if TEXT could be a secret of ALGORITHM. */
bool digest_is_secret(enum digest_algorithm algorithm, const char *text);

/* True if ANSWER was made with SECRET, compared in constant time. */
bool digest_matches(const struct digest_answer *answer, const char *secret);

#endif
