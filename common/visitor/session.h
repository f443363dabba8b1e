/* SPDX-License-Identifier: MIT */
/*
 * Sessions: a cookie that names a user and its own end, signed with HMAC-SHA256 (RFC 2104) by the key of the
 * access document, so every fan-out accepts what another has signed and none keeps a list. Pure but for the
 * random id. One thread at a time.
 */
#ifndef COMMON_VISITOR_SESSION_H
#define COMMON_VISITOR_SESSION_H

#include <stdint.h>

#include "common/visitor/table.h"

#define SESSION_COOKIE_NAME "ringcast_session"

/* Bytes of the longest cookie value with its NUL. */
#define SESSION_COOKIE_SIZE 192

struct session {
    char user[TABLE_NAME_MAX + 1];
    uint8_t id[TABLE_SESSION_ID_SIZE];
    int64_t issued, expires; /* Unix seconds */
};

/* A new session of USER from NOW on, with a random id. 0; -EINVAL: not a user's name; -EIO: no randomness. */
int session_begin(struct session *session, const struct table *table, const char *user, int64_t now);

/* Writes the value of SESSION's cookie: characters of base64url, and one dot. 0, or -EIO. */
int session_sign(const struct session *session, const struct table *table, char cookie[SESSION_COOKIE_SIZE]);

/*
 * Reads the value of a cookie. 0 if TABLE's key has signed it, and -EBADMSG otherwise; then nothing of it
 * has been believed. The comparison takes the same time wherever the signature differs. Says nothing about
 * whether the session is still valid.
 */
int session_verify(struct session *session, const struct table *table, const char *cookie);

/*
 * NULL if SESSION holds at NOW; or a static text why not: it has expired, was ended, began before the user's
 * `since`, or its user is gone. Settings of a shorter session also shorten those that have begun.
 */
const char *session_void(const struct session *session, const struct table *table, int64_t now);

/* When SESSION ends by its own word and by TABLE's settings, whichever comes first. */
int64_t session_end(const struct session *session, const struct table *table);

#endif
