/* SPDX-License-Identifier: MIT */
/*
 * Who may watch, as the other processes are told: what follows from the configuration and the users file. Pure. Owned by the viewers'
 * access (access.h); supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_ACCESS_DOCUMENT_H
#define SUPERVISOR_HELPERS_ACCESS_DOCUMENT_H

#include <jansson.h>

#include "common/config/config.h"

/*
 * The message `access` (docs/reference/control.md) without what changes by itself: the sessions' key and ended sessions; tokens are as
 * in the users file, with their groups replaced by patterns, and JWT issuers without their keys. USERS: the document of the users
 * file. A new reference; NULL: out of memory.
 */
json_t *access_document_make(const struct config *config, const json_t *users);

/* The message `passwords`: {"users":[{"name","hash","digest_md5","digest_sha256"}]}, the last two if the user has them. */
json_t *access_document_passwords(const json_t *users);

/*
 * How the users of BEFORE and AFTER differ, each a document with its passwords: a new array of {"user","change"}, where change is added,
 * removed, password (which ends the sessions, too), rights or sessions (they have ended).
 */
json_t *access_document_changes(const json_t *before, const json_t *passwords_before, const json_t *after,
                                const json_t *passwords_after);

#endif
