/* SPDX-License-Identifier: MIT */
/*
 * What must outlive ringcastd of viewers' log-ins: the key with which the fan-outs sign sessions, the sessions that have ended before their
 * time, and single-use tokens that were used and may still be in the users file. They are in <state_dir>/<instance>.sessions.json
 * (mode 0600). Times are seconds since 1970. Owned by the viewers' access (access.h); supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_SESSIONS_H
#define SUPERVISOR_HELPERS_SESSIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Sessions of one user that are remembered as ended; beyond that, all of the user's sessions until then are void. */
#define SESSIONS_ENDED_OF_USER 64

/* The same, of all users. */
#define SESSIONS_ENDED_MAX 8192

/* Used tokens that are remembered until they are out of the users file. */
#define SESSIONS_USED_MAX 1024

struct sessions;

/*
 * Reads the file of INSTANCE in STATE_DIR. A file that cannot be understood is put aside, and all sessions end (logged). A key is made
 * and written if there is none; if it cannot be written, sessions will end with this ringcastd (logged). 0 or negative errno.
 */
int sessions_open(const char *state_dir, const char *instance, int64_t now, struct sessions **sessions);

/* NULL is allowed. */
void sessions_close(struct sessions *sessions);

/* 64 hexadecimal digits. */
const char *sessions_key(const struct sessions *sessions);

/* The sessions that have ended and would not have at NOW: a new array of {"id","until"}. */
json_t *sessions_ended(const struct sessions *sessions, int64_t now);

/* Sessions of USER from before are void; 0: none is. */
int64_t sessions_since(const struct sessions *sessions, const char *user);

/*
 * Session ID (32 hexadecimal digits) of USER, which would end at UNTIL, has ended; none lasts longer than LONGEST seconds. False: that
 * was known, or the id cannot be one.
 */
bool sessions_end(struct sessions *sessions, const char *id, int64_t until, const char *user, int64_t longest,
                  int64_t now);

/* Token ID was used, and its hash in the users file counts no longer. False: that was known. */
bool sessions_use_token(struct sessions *sessions, const char *id);
bool sessions_token_used(const struct sessions *sessions, const char *id);

/* Forgets used tokens that are not in TOKENS, those of the users file. */
void sessions_keep_tokens(struct sessions *sessions, const json_t *tokens);

/* Writes what has changed; true if nothing is left to be written. An error is logged. */
bool sessions_write(struct sessions *sessions, int64_t now);

#endif
