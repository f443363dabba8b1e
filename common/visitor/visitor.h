/* SPDX-License-Identifier: MIT */
/*
 * A visitor: whoever makes a request or watches a stream, after access_judge has let them in. Counted,
 * because a stream keeps its visitor as long as it runs. Pure. One thread at a time.
 */
#ifndef COMMON_VISITOR_VISITOR_H
#define COMMON_VISITOR_VISITOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/visitor/rights.h"
#include "common/visitor/table.h"

/* Bytes of a name: that of a JWT may be longer than a configured user's. */
#define VISITOR_NAME_MAX 255

/* Bytes that visitor_describe needs at most. */
#define VISITOR_DESCRIPTION_SIZE 320

enum visitor_via {
    VISITOR_ANONYMOUS, /* nobody needs to log in */
    VISITOR_SESSION,   /* the cookie of a log-in */
    VISITOR_BASIC,     /* user and password with the request */
    VISITOR_TOKEN,     /* a static token */
    VISITOR_JWT,
    VISITOR_PROXY, /* named by a trusted proxy */
};

enum visitor_state {
    VISITOR_VALID,
    VISITOR_EXPIRED, /* its time is over */
    VISITOR_REVOKED, /* logged out, removed, or with another password */
};

struct visitor {
    unsigned references;
    enum visitor_via via;
    char name[VISITOR_NAME_MAX + 1]; /* the user's, or what a token is for; "": has none */
    struct rights *rights;
    int64_t issued;  /* Unix seconds: the log-in, when the password was checked, or a JWT's `iat` */
    int64_t expires; /* Unix seconds; 0: never */
    uint8_t session[TABLE_SESSION_ID_SIZE]; /* VISITOR_SESSION */
    char token[TABLE_TOKEN_ID_MAX + 1];     /* VISITOR_TOKEN: its public part */
    int once;                               /* VISITOR_TOKEN: its slot; -1: may be used any number of times */
    bool used;                              /* access_use_once has taken the slot for this visitor */
    uint8_t issuer[TABLE_HASH_SIZE];        /* VISITOR_JWT: which settings it was checked with */
    struct rights *claimed; /* VISITOR_JWT: the cameras that the token itself names; NULL: it names none */
    json_t *groups;         /* VISITOR_JWT, VISITOR_PROXY: names of groups; NULL: none */
};

/* A visitor without a name and without rights that never expires, with one reference. NULL: no memory. */
struct visitor *visitor_new(enum visitor_via via);

struct visitor *visitor_ref(struct visitor *visitor);

/* NULL is allowed. */
void visitor_unref(struct visitor *visitor);

/* Sets the name; false: too long, not UTF-8, or with control characters. */
bool visitor_set_name(struct visitor *visitor, const char *name);

/* Whether VISITOR may watch CAMERA, by the camera's name or that of its sub stream. */
bool visitor_may_watch(const struct visitor *visitor, const char *camera);

bool visitor_is_operator(const struct visitor *visitor);

/*
 * Whether VISITOR, who has been let in, would be let in by TABLE at NOW (Unix seconds), too. To be called
 * when the table has changed, and when `expires` has come. It also brings the rights up to date, so ask
 * visitor_may_watch again afterwards. A token that may be used once stays valid for the visitor that used it
 * until it expires, although it leaves the table.
 */
enum visitor_state visitor_still_valid(struct visitor *visitor, const struct table *table, int64_t now);

/* For the close code 4401: "log in again: expired" or "log in again: revoked"; NULL for VISITOR_VALID. */
const char *visitor_state_reason(enum visitor_state state);

/* For logs, escaped: name and way in, and never what the visitor has shown. Returns OUT. */
const char *visitor_describe(const struct visitor *visitor, char out[VISITOR_DESCRIPTION_SIZE]);

/* "anonymous", "session", "basic", "token", "jwt", "proxy". */
const char *visitor_via_name(enum visitor_via via);

#endif
