/* SPDX-License-Identifier: MIT */
/*
 * The process that checks viewers' passwords: `ringcast-password`, which runs while viewers must log in. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_PASSWORD_H
#define SUPERVISOR_HELPERS_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/log/log.h"
#include "supervisor/process/service.h"

struct password;
struct supervisor;

/* What the present process has done, as it last reported. */
struct password_counts {
    json_int_t right, wrong, slowed; /* answers */
    json_int_t hashed;               /* passwords that were computed */
};

/* PROGRAM is the path of ringcast-password. No process yet. NULL: out of memory. */
struct password *password_create(struct children *children, const char *program, enum log_level level,
                                 struct supervisor *supervisor);
void password_destroy(struct password *password);

/*
 * The users are those in the memory file USERS (access.h), which must stay open until others are set; at first before password_run.
 */
void password_set_users(struct password *password, int users);

/*
 * From now on there is to be a process: that of a ringcastd that was killed if TAKE_OVER and it is there, else a new one. 0 or -ENOMEM.
 */
int password_run(struct password *password, bool take_over);

/* From now on there is to be no process. */
void password_end(struct password *password);

/* True if there is a process, or is to be one. */
bool password_wanted(const struct password *password);

/*
 * Gives the process END (which stays the caller's) of a socket pair whose other end fan-out INDEX gets. False: there is no process.
 */
bool password_connect(struct password *password, size_t index, int end);

void password_set_log_level(struct password *password, enum log_level level);

/* NULL: no process has been wanted yet. */
struct service *password_service(struct password *password);

struct password_counts password_counts(const struct password *password);

/* --- What the supervisor learns; viewers_access.c has these --------------------------------------------- */

/* A process has begun: connect the fan-outs to it. */
void supervisor_password_begun(struct supervisor *supervisor);
void supervisor_password_ready(struct supervisor *supervisor);
void supervisor_password_gone(struct supervisor *supervisor, const char *reason);
void supervisor_password_changed(struct supervisor *supervisor, const char *reason);

/* Passwords were wrong, or were not tried: `refused` (docs/reference/control.md). */
void supervisor_password_refused(struct supervisor *supervisor, const json_t *message);

#endif
