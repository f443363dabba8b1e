/* SPDX-License-Identifier: MIT */
/*
 * Questions to devices as SOAP 1.2 messages, with WS-Security's UsernameToken where there are credentials (OASIS WSS Username Token
 * Profile 1.0): the password itself is never in one. Pure functions: any process, any thread.
 */
#ifndef DISCOVER_QUESTION_H
#define DISCOVER_QUESTION_H

#include <stddef.h>
#include <stdint.h>

#include "discover/answer.h"

#define QUESTION_SIZE 8192
#define QUESTION_NONCE_BYTES 16

struct question_token {
    const char *username, *password;
    int64_t time; /* seconds since 1970, by the device's clock */
    uint8_t nonce[QUESTION_NONCE_BYTES];
};

enum question_kind {
    QUESTION_TIME,
    QUESTION_IDENTITY,
    QUESTION_SERVICES,
    QUESTION_CAPABILITIES,
    QUESTION_PROFILES, /* of Media */
    QUESTION_PROFILES2,
    QUESTION_URI,
    QUESTION_URI2,
    QUESTION_SYNC,
    QUESTION_SYNC2,
};

/*
 * The message of KIND in OUT, with what TOKEN shows unless it is NULL. PROFILE: the token of a profile from QUESTION_URI on, else NULL.
 * Its length; -EMSGSIZE: a name is too long; -EIO: no digest can be made.
 */
int question_write(enum question_kind kind, const struct question_token *token, const char *profile,
                   char out[QUESTION_SIZE]);

/* WS-Discovery's Probe for cameras. ID: a new UUID. Its length. */
int question_probe(const char *id, char out[QUESTION_SIZE]);

#endif
