/* SPDX-License-Identifier: MIT */
/*
 * What a request brings to show who makes it: the words of its headers, taken apart and not yet believed.
 * Pure. Any thread.
 *
 * One of them counts, in this order: the name that a trusted proxy gives; Authorization; the WebSocket
 * subprotocol ringcast.token.<token>; the query parameter `token`; the cookie ringcast_token; the cookie
 * ringcast_session. What comes later in the order is not looked at, even if what counts is wrong. Only
 * between cookies it goes on to the next one: browsers send them by themselves, and an old one must not keep
 * out a new log-in.
 */
#ifndef COMMON_VISITOR_CREDENTIALS_H
#define COMMON_VISITOR_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/access/access_value.h"
#include "common/visitor/session.h"
#include "common/visitor/web_token.h"

#define CREDENTIALS_USER_MAX ACCESS_USER_MAX
#define CREDENTIALS_PASSWORD_MAX ACCESS_PASSWORD_MAX
#define CREDENTIALS_ADDRESS_MAX 63
#define CREDENTIALS_TOKEN_MAX WEB_TOKEN_MAX
#define CREDENTIALS_GROUPS_MAX 4096 /* bytes of a proxy's list of groups */
#define CREDENTIALS_SESSIONS_MAX 4  /* cookies named ringcast_session that are tried */

#define CREDENTIALS_TOKEN_COOKIE "ringcast_token"
#define CREDENTIALS_SUBPROTOCOL "ringcast.token."

enum credential_kind {
    CREDENTIAL_NONE,   /* nothing */
    CREDENTIAL_BAD,    /* something that is not in a form that ringcast reads; `why` says what */
    CREDENTIAL_PROXY,  /* user, groups */
    CREDENTIAL_BASIC,  /* user, password */
    CREDENTIAL_TOKEN,  /* token: static or JWT */
    CREDENTIAL_COOKIE, /* token, which may be "", and then sessions */
};

/*
 * Texts of a request; NULL: not there. Several fields of one name are joined as HTTP joins them (RFC 9110,
 * 5.3; for cookies "; "). The query is all of it without '?', its parameters separated by '&', and
 * percent-encoded or not; NULL also if tokens in queries are not allowed. The proxy's headers are those that
 * are configured; NULL unless the connection comes from a trusted proxy.
 */
struct credential_sources {
    const char *address; /* of the client, as text: where a password counts as checked */
    const char *proxy_user, *proxy_groups;
    bool proxy_doubted; /* one of these was there more than once, so one may be the visitor's own */
    const char *authorization;
    const char *subprotocols; /* Sec-WebSocket-Protocol */
    const char *query;
    const char *cookie;
};

struct credentials {
    enum credential_kind kind;
    const char *why; /* CREDENTIAL_BAD: a static text for the log */
    char address[CREDENTIALS_ADDRESS_MAX + 1];
    char user[CREDENTIALS_USER_MAX + 1];
    char password[CREDENTIALS_PASSWORD_MAX + 1];
    char token[CREDENTIALS_TOKEN_MAX + 1];
    char groups[CREDENTIALS_GROUPS_MAX + 1]; /* as the proxy wrote them */
    char sessions[CREDENTIALS_SESSIONS_MAX][SESSION_COOKIE_SIZE];
    size_t session_count;
};

void credentials_read(struct credentials *credentials, const struct credential_sources *sources);

/* Overwrites all of CREDENTIALS. To be called when they are no longer needed. */
void credentials_wipe(struct credentials *credentials);

#endif
