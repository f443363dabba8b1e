/* SPDX-License-Identifier: MIT */
/*
 * The access document, as ringcastd hands it out (docs/reference/control.md, `access`): users, groups,
 * static tokens, ended sessions, and what JWTs are checked with. A table does not change; a new document
 * makes a new table. It holds the key of the sessions. Pure. One thread at a time.
 */
#ifndef COMMON_VISITOR_TABLE_H
#define COMMON_VISITOR_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/visitor/rights.h"
#include "common/visitor/web_token.h"

/* Rows that each list of the document may have. */
#define TABLE_ROWS_MAX 65536

/* Bytes of the name of a user or a group, and of a header's name. */
#define TABLE_NAME_MAX 64

#define TABLE_HASH_SIZE 32 /* SHA-256 */
#define TABLE_SESSION_KEY_SIZE 32
#define TABLE_SESSION_ID_SIZE 16 /* bytes; twice as many as hexadecimal digits */
#define TABLE_TOKEN_ID_MAX 16    /* characters */

/* Slots of the page in which the fan-outs note which tokens have been used. */
#define TABLE_ONCE_SLOTS 1024

struct table_user { /* or a group */
    char name[TABLE_NAME_MAX + 1];
    struct rights *rights;
    int64_t since; /* Unix seconds: sessions that began before are void; 0: none is */
};

struct table_token {
    uint8_t hash[TABLE_HASH_SIZE];
    char id[TABLE_TOKEN_ID_MAX + 1];
    char name[TABLE_NAME_MAX + 1]; /* what it is for; "" is allowed */
    struct rights *rights;
    int64_t expires; /* Unix seconds; 0: never */
    int once;        /* its slot; -1: may be used any number of times */
};

struct table_revoked {
    uint8_t id[TABLE_SESSION_ID_SIZE];
    int64_t until;
};

struct table {
    bool on; /* false: nobody needs to log in */
    bool token_in_query;
    uint8_t session_key[TABLE_SESSION_KEY_SIZE];
    int64_t session_seconds;
    struct table_user *users, *groups; /* sorted by name */
    size_t user_count, group_count;
    struct table_token *tokens; /* sorted by hash */
    size_t token_count;
    struct table_revoked *revoked; /* sorted by id */
    size_t revoked_count;
    struct web_token_issuer *issuers;
    size_t issuer_count;
    char proxy_user[TABLE_NAME_MAX + 1]; /* names of headers; "": not used */
    char proxy_groups[TABLE_NAME_MAX + 1];
    uint8_t print[TABLE_HASH_SIZE];         /* of the document */
    uint8_t print_of_rest[TABLE_HASH_SIZE]; /* of all of it but tokens and ended sessions */
};

/*
 * Reads DOCUMENT, which stays the caller's. 0 and *TABLE, which table_free frees; -EBADMSG and WHY, SIZE
 * bytes, says what is wrong with it; -ENOMEM. Nothing of a document is taken if anything in it is wrong, but
 * for keys of JWTs that cannot be used: those are logged and left out.
 */
int table_read(const json_t *document, struct table **table, char *why, size_t size);

/* Overwrites the secrets in TABLE and frees it. NULL is allowed. */
void table_free(struct table *table);

/* The user NAME, or NULL. The same for a group. */
const struct table_user *table_user(const struct table *table, const char *name);
const struct table_user *table_group(const struct table *table, const char *name);

/* The token with HASH (SHA-256 of its whole text), or with ID; NULL: there is none. */
const struct table_token *table_token(const struct table *table, const uint8_t hash[TABLE_HASH_SIZE]);
const struct table_token *table_token_by_id(const struct table *table, const char *id);

bool table_session_revoked(const struct table *table, const uint8_t id[TABLE_SESSION_ID_SIZE]);

/* The issuer of JWTs whose settings are those of PRINT (web_token.h), or NULL. */
const struct web_token_issuer *table_issuer(const struct table *table, const uint8_t print[TABLE_HASH_SIZE]);

/*
 * The rights of user NAME, who may be unknown, together with those of the GROUPS that are configured (an
 * array of strings, or NULL). NULL: neither gives any, or no memory. The caller gets a reference.
 */
struct rights *table_rights(const struct table *table, const char *name, const json_t *groups);

#endif
