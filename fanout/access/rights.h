/*
 * Rights: a role, and patterns of camera names. Shared and counted, because many visitors have the same.
 * Pure: no file, no socket, no clock. ringcast-fanout's only thread.
 */
#ifndef FANOUT_ACCESS_RIGHTS_H
#define FANOUT_ACCESS_RIGHTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a pattern, and how many patterns one user, group or token may have. */
#define RIGHTS_PATTERN_MAX 256
#define RIGHTS_PATTERNS_MAX 1024

/* Bytes of the longest camera name that is compared; no pattern allows a longer one. */
#define RIGHTS_CAMERA_MAX 255

/* The greater of two includes the lesser. An operator may also use what changes something for others. */
enum role { ROLE_VIEWER, ROLE_OPERATOR };

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
struct rights *rights_from_json(enum role role, const json_t *patterns, const char **why);

/* All that A and B, which may be NULL, allow together. NULL: no memory, or both are NULL. A new reference. */
struct rights *rights_union(struct rights *a, struct rights *b);

/* One more reference to RIGHTS, which may be NULL. */
struct rights *rights_ref(struct rights *rights);

/* One reference less; the last one frees. NULL is allowed. */
void rights_unref(struct rights *rights);

enum role rights_role(const struct rights *rights);

/*
 * True if a pattern matches CAMERA (fnmatch(3), no flags: '*' '?' '[…]' and '\' as in a shell, and '*' also
 * matches a dot at the beginning). Capital and small letters differ. "NAME/sub", a camera's sub stream, is
 * decided as NAME. RIGHTS may be NULL: nothing is allowed.
 */
bool rights_allow(const struct rights *rights, const char *camera);

/* "viewer", "operator". */
const char *role_name(enum role role);

/* False: NAME is no role, and *ROLE is as before. */
bool role_from_name(const char *name, enum role *role);

#endif
