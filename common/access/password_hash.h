/* SPDX-License-Identifier: MIT */
/*
 * Password hashes of crypt(3). Making and checking one takes tens of milliseconds and tens of MiB, so no process that serves
 * others does it in its loop. Any thread.
 */
#ifndef COMMON_ACCESS_PASSWORD_HASH_H
#define COMMON_ACCESS_PASSWORD_HASH_H

#include <stdbool.h>

/* A new hash (yescrypt, the library's own cost, a random salt), malloc'ed. NULL: errno says why. */
char *password_hash_make(const char *password);

/* True if PASSWORD is the one of HASH, compared in constant time. */
bool password_hash_matches(const char *password, const char *hash);

#endif
