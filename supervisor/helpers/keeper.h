/* SPDX-License-Identifier: MIT */
/*
 * The keeper process, `ringcast-keeper`, which outlives a ringcastd that is killed: finds the one of the last
 * ringcastd, starts one, and sends it what it keeps (fd_store.h). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_KEEPER_H
#define SUPERVISOR_HELPERS_KEEPER_H

#include "common/log/log.h"
#include "supervisor/process/children.h"
#include "supervisor/process/fd_store.h"
#include "supervisor/process/service.h"

/* How long the keeper waits for a next ringcastd before it ends everything. The daemon tests have less. */
#ifndef KEEPER_LEASE_MS
#define KEEPER_LEASE_MS 30000
#endif

/*
 * How long the processes of a killed ringcastd may take to notice its end and to release rings and address.
 */
#define KEEPER_TAKEOVER_MS 5000

struct keeper;
struct supervisor;

struct keeper_config {
    const char *program;   /* path of ringcast-keeper */
    const char *directory; /* the run-time directory */
    enum log_level log_level;
};

/* Copies CONFIG. The keeper's store becomes that of CHILDREN. NULL: out of memory. */
struct keeper *keeper_create(struct children *children, const struct keeper_config *config,
                             struct supervisor *supervisor);
void keeper_destroy(struct keeper *keeper);

/* Frees the keeper but leaves its process, with all that it keeps, for another ringcastd. */
void keeper_leave(struct keeper *keeper);

/*
 * Looks for the keeper of a ringcastd that was killed, and receives what it has; this takes at most
 * KEEPER_TAKEOVER_MS. 1: its entries can be taken from keeper_fd_store, and it need not be started; nothing
 * is sent to it until keeper_claim. 0: there is none; one that does not answer is killed. Negative errno,
 * logged: there is one, but this process lacks the means to take over now.
 */
int keeper_find(struct keeper *keeper);

/* This process goes on with what was found: sends the keeper every entry, and every change from now on. */
void keeper_claim(struct keeper *keeper);

/* All entries that are wanted have been taken: the keeper drops the others. */
void keeper_settle(struct keeper *keeper);

struct fd_store *keeper_fd_store(struct keeper *keeper);
struct service *keeper_service(struct keeper *keeper);

/* --- What the supervisor learns; supervisor.c has these ------------------------------------------------- */

void supervisor_keeper_ready(struct supervisor *supervisor);
void supervisor_keeper_gone(struct supervisor *supervisor, const char *reason);

/* The keeper entered another state; REASON may be NULL. */
void supervisor_keeper_changed(struct supervisor *supervisor, const char *reason);

#endif
