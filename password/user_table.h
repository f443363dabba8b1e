/* SPDX-License-Identifier: MIT */
/*
 * The users' password hashes, as ringcastd sends them, and checking a password against one by crypt(3). Owned by the checks
 * (checks.h); one thread.
 */
#ifndef PASSWORD_USER_TABLE_H
#define PASSWORD_USER_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/access/digest.h"

/* Bytes of the longest name and password that are checked, without the NUL. Whatever is longer is wrong. */
#define USER_NAME_MAX 64
#define USER_PASSWORD_MAX 256

struct user_table;

/* A table without users. NULL: out of memory, or no random numbers. */
struct user_table *user_table_create(void);
void user_table_destroy(struct user_table *table);

/*
 * Takes the users of DOCUMENT, {"users":[{"name","hash"}]}, in place of those before. 0; -EBADMSG: it is malformed, and the
 * table stays as it was; -ENOMEM.
 */
int user_table_read(struct user_table *table, const json_t *document);

/* The hash of NAME; NULL: there is no such user, or one whose hash crypt(3) does not know. Borrowed. */
const char *user_table_hash(const struct user_table *table, const char *name);

/* The secret of NAME for ALGORITHM (digest.h). NULL: there is none. Until the next user_table_read. */
const char *user_table_digest(const struct user_table *table, const char *name,
                              enum digest_algorithm algorithm);

size_t user_table_count(const struct user_table *table);

/*
 * True if PASSWORD is that of NAME. It takes as long for a name that nobody has: the hash of one of the users, which NUMBER
 * chooses (the same for the same name), is computed in vain. Some 40 ms with what ringcastctl writes.
 */
bool user_table_check(struct user_table *table, const char *name, uint64_t number, const char *password);

#endif
