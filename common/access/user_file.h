/* SPDX-License-Identifier: MIT */
/*
 * The users file (docs/reference/configuration.md, "Log-in"): names, password hashes, rights, and tokens. ringcastctl changes
 * it and ringcastd reads it, each under the lock beside it, so neither sees half of what the other does. The document is JSON:
 *
 *   {"version": 1,
 *    "users": [{"name", "hash" (crypt(5)), "digest_md5", "digest_sha256" (digest.h; may be missing), "role", "cameras": […],
 *               "groups": […], "since"}],
 *    "tokens": [{"id", "hash" (SHA-256, access_token.h), "name", "role", "cameras": […], "groups": […], "expires",
 *                "once", "created"}]}
 *
 * Times are seconds since 1970. Sessions of a user from before "since" are void. "expires" 0: never. What is read is checked,
 * and has every member but those that may be missing. One thread.
 */
#ifndef COMMON_ACCESS_USER_FILE_H
#define COMMON_ACCESS_USER_FILE_H

#include <jansson.h>

/* Bytes of "PATH: what is wrong; what to do", with the NUL. */
#define USER_FILE_WHY_SIZE 5120

#define USER_FILE_USERS_MAX 1000
#define USER_FILE_TOKENS_MAX 1000

/* A file that is locked, to be changed. */
struct user_file;

/*
 * Reads and checks the file at PATH, an absolute path. 0: *document belongs to the caller; it has no users and no tokens if
 * there is no file. Negative errno: WHY says what to do; it shows nothing that is secret.
 */
int user_file_read(const char *path, json_t **document, char why[USER_FILE_WHY_SIZE]);

/*
 * Locks the file, waiting at most WAIT_MS, and reads it; makes its directory (mode 0700) if it is not there. -EAGAIN: another
 * process has the lock. On 0 *file is to be closed.
 */
int user_file_open(const char *path, int wait_ms, struct user_file **file, char why[USER_FILE_WHY_SIZE]);

/* What was read; may be changed, and belongs to FILE. */
json_t *user_file_document(struct user_file *file);

/*
 * Checks the document and replaces the file by it: all or nothing, on the disk, mode 0600. The file keeps its owner; a new one
 * gets that of its directory. On an error the file is as before.
 */
int user_file_commit(struct user_file *file, char why[USER_FILE_WHY_SIZE]);

/* Without user_file_commit nothing has changed. NULL is allowed. */
void user_file_close(struct user_file *file);

/* The user NAME, or the token ID, in DOCUMENT; NULL: none. The index is where it is in its array. */
json_t *user_file_find_user(const json_t *document, const char *name, size_t *index);
json_t *user_file_find_token(const json_t *document, const char *id, size_t *index);

#endif
