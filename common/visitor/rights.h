/* SPDX-License-Identifier: MIT */
/*
 * Rights: a role, and patterns of camera names. Shared and counted, because many visitors have the same.
 * Pure: no file, no socket, no clock. One thread at a time.
 */
#ifndef COMMON_VISITOR_RIGHTS_H
#define COMMON_VISITOR_RIGHTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/access/access_value.h"

/* Patterns that one user, group or token may have; camera groups are among them with all of theirs. */
#define RIGHTS_PATTERNS_MAX 65536

/* Bytes of the longest camera name that is compared; no pattern allows a longer one. */
#define RIGHTS_CAMERA_MAX 255

struct rights;

/*
 * From now on '?' and '[…]' stand for one character of UTF-8; before, and on a machine without the locale
 * C.UTF-8, for one byte. Before the sandbox is entered, because the locale is a file. rights_settle undoes
 * it.
 */
void rights_prepare(void);
void rights_settle(void);

/*
 * The rights of ROLE and PATTERNS, an array of strings (borrowed). NULL with *WHY, a static text: not an
 * array, a pattern that is no string, empty, too long or not UTF-8, too many of them, or no memory. The
 * caller gets the only reference.
 */
struct rights *rights_from_json(enum access_role role, const json_t *patterns, const char **why);

/* All that A and B, which may be NULL, allow together. NULL: no memory, or both are NULL. A new reference. */
struct rights *rights_union(struct rights *a, struct rights *b);

/* One more reference to RIGHTS, which may be NULL. */
struct rights *rights_ref(struct rights *rights);

/* One reference less; the last one frees. NULL is allowed. */
void rights_unref(struct rights *rights);

enum access_role rights_role(const struct rights *rights);

/*
 * True if a pattern matches CAMERA (fnmatch(3), no flags: '*' '?' '[…]' and '\' as in a shell, and '*' also
 * matches a dot at the beginning). Capital and small letters differ. "NAME/sub", a camera's sub stream, is
 * decided as NAME. RIGHTS may be NULL: nothing is allowed.
 */
bool rights_allow(const struct rights *rights, const char *camera);

/* True if A and B, which may be NULL, have the same patterns in the same order, whatever their roles. */
bool rights_same_cameras(const struct rights *a, const struct rights *b);

#endif
