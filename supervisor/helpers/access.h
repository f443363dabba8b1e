/* SPDX-License-Identifier: MIT */
/*
 * Who may watch, for the processes that serve viewers: made of the configuration, the users file and the sessions that have ended,
 * and put into memory files that the fan-outs and ringcast-password are handed. The fan-outs decide by it
 * (docs/design/security.md). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_ACCESS_H
#define SUPERVISOR_HELPERS_ACCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/config/config.h"
#include "supervisor/process/fd_store.h"

/* Bytes of what is wrong, with the NUL. */
#define ACCESS_REASON_SIZE 6144

struct access;
struct supervisor;

/* What was read for one configuration: nothing has changed by it yet. */
struct access_reading;

/*
 * Reads the users file and the key files that CONFIG names. 0: *reading is to be given to access_use or access_discard; a configuration
 * without `auth` needs none of them. Negative errno: it cannot be used, and WHY says "FILE: what is wrong; what to do".
 */
int access_read(const struct config *config, struct access_reading **reading, char why[ACCESS_REASON_SIZE]);

/* NULL is allowed. */
void access_discard(struct access_reading *reading);

/* Nobody has to log in until access_use. NULL: out of memory. */
struct access *access_create(sd_event *event, struct supervisor *supervisor);
void access_destroy(struct access *access);

/*
 * From now on CONFIG counts, for which READING (consumed) was read. STORE keeps what a next ringcastd needs. *CHANGES is how the
 * users differ from before, a new array (access_document.h). 0, and the files below are others and were handed out; negative errno,
 * logged: all is as before.
 */
int access_use(struct access *access, const struct config *config, struct access_reading *reading,
               struct fd_store *store, json_t **changes);

/* True if viewers must log in. */
bool access_is_on(const struct access *access);

/* The memory files of the messages `access` (the document, and the page for single-use tokens; -1: none) and `passwords`. */
int access_document(const struct access *access);
int access_page(const struct access *access);
int access_passwords(const struct access *access);

/* A fan-out says that a session has ended (`session-end`), or that a single-use token was used (`token-used`). */
void access_session_ended(struct access *access, const json_t *message);
void access_token_used(struct access *access, const json_t *message);

/* --- What the supervisor learns; viewers_access.c has this ---------------------------------------------- */

/* There are other files, perhaps: hand them out to those that run, as the newest. */
void supervisor_access_changed(struct supervisor *supervisor);

#endif
