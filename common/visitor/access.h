/* SPDX-License-Identifier: MIT */
/*
 * Who makes a request, and what they may watch: the judgement on what credentials_read has found, by the
 * newest access document. It never waits. Pure: no socket, and the caller gives the time. One thread at a
 * time.
 *
 * The order for a request: credentials_read, access_judge, visitor_may_watch, and for a stream
 * access_use_once at the end. On ACCESS_ASK_PASSWORD the caller asks ringcast-password and hands a right
 * answer to access_password_right.
 */
#ifndef COMMON_VISITOR_ACCESS_H
#define COMMON_VISITOR_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/visitor/credentials.h"
#include "common/visitor/session.h"
#include "common/visitor/visitor.h"

enum access_verdict {
    ACCESS_GRANTED,
    ACCESS_ASK_PASSWORD, /* user and password must be checked by ringcast-password */
    ACCESS_REFUSED,      /* what the request brings is wrong */
    ACCESS_NONE,         /* it brings nothing, and something is needed */
};

struct access;

/*
 * Without a table everybody is refused, until access_take has brought one. NULL: no memory or no randomness.
 */
struct access *access_new(void);
void access_free(struct access *access);

/*
 * Takes the document in DOCUMENT, a sealed memory file that is read from its beginning, and the page in ONCE
 * (-1: as before). Both stay the caller's. 0 or negative errno: -EBADMSG if the document is not one, which
 * is logged; then all is as before.
 */
int access_take(struct access *access, int document, int once);

/* The same with LENGTH bytes of TEXT and without a page. */
int access_set(struct access *access, const char *text, size_t length);

/* The table, or NULL before the first document. Changes with access_take. */
const struct table *access_table(const struct access *access);

/* Counts the tables: differs from its value before if there was another one. 0: there is none yet. */
uint64_t access_generation(const struct access *access);

/* True if visitors must show who they are; also before the first document. */
bool access_is_on(const struct access *access);

/* For struct credential_sources. The names of headers are NULL if they are not configured. */
bool access_token_in_query(const struct access *access);
const char *access_proxy_user_header(const struct access *access);
const char *access_proxy_groups_header(const struct access *access);

/*
 * Judges CREDENTIALS at NOW (Unix seconds). With ACCESS_GRANTED *VISITOR is a reference for the caller;
 * otherwise it is NULL, and *WHY is a static text for the log (never NULL, and without anything of what was
 * shown). WHY may be NULL.
 */
enum access_verdict access_judge(struct access *access, const struct credentials *credentials, int64_t now,
                                 struct visitor **visitor, const char **why);

/*
 * ringcast-password has found PASSWORD right for USER, who sent it from ADDRESS, and GENERATION was
 * access_generation when it was asked. 0, *VISITOR is a reference for the caller, and the password counts as
 * right for the next minutes; -ESTALE: the table has changed meanwhile, so ask again; -ENOENT: there is no
 * such user any more; -ENOMEM. PASSWORD NULL: it was proved without being sent, and nothing is remembered.
 */
int access_password_right(struct access *access, const char *address, const char *user, const char *password,
                          uint64_t generation, int64_t now, struct visitor **visitor);

/*
 * Begins a session for USER, whose password was found right as above. 0, COOKIE is the value for
 * ringcast_session, and *VISITOR is a reference for the caller (its `expires` is for the cookie's Max-Age);
 * -ESTALE, -ENOENT, -ENOMEM, -EIO.
 */
int access_begin_session(struct access *access, const char *user, uint64_t generation, int64_t now,
                         char cookie[SESSION_COOKIE_SIZE], struct visitor **visitor);

/*
 * Ends the session of VISITOR here and now; ringcastd has to be told so that it ends everywhere. ID gets its
 * id as hexadecimal digits. 0; -EINVAL: VISITOR has no session.
 */
int access_end_session(struct access *access, const struct visitor *visitor,
                       char id[2 * TABLE_SESSION_ID_SIZE + 1]);

/*
 * To be called when VISITOR has passed everything else and its stream begins. 0: go on (also for visitors
 * whose way in has no such limit); -EALREADY: the token has been used meanwhile. *USED, which may be NULL,
 * is true if this was the token's one use, which ringcastd has to be told (`token-used`, with
 * visitor->token).
 */
int access_use_once(struct access *access, struct visitor *visitor, bool *used);

/* visitor_still_valid by the newest table and by the sessions that were ended here. */
enum visitor_state access_still_valid(const struct access *access, struct visitor *visitor, int64_t now);

#endif
