/* SPDX-License-Identifier: MIT */
/*
 * All child processes of ringcastd as the kernel sees them: starts them, knows which process ids are ours,
 * and reaps those for which no pidfd waits. ringcastd is a child subreaper, so workers whose fork server
 * died, and any other descendant that loses its parent, become its children. Owned by the supervisor; its
 * main thread only.
 */
#ifndef SUPERVISOR_PROCESS_CHILDREN_H
#define SUPERVISOR_PROCESS_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "supervisor/process/fd_store.h"
#include "supervisor/process/watchdog.h"

struct children;

/*
 * Makes this process a child subreaper and begins to reap orphans. SIGCHLD must be blocked. Children that
 * exist already (of a shell that became ringcastd by exec) are reaped but never killed. 0 or negative errno.
 */
int children_create(sd_event *event, struct children **children);

/* Stops reaping. No child should be left. NULL is allowed. */
void children_destroy(struct children *children);

sd_event *children_event(const struct children *children);

/* The watchdog that watches every child's heartbeat. */
struct watchdog *children_watchdog(const struct children *children);

/* The store for what outlives this ringcastd; NULL (the default): nothing is kept. */
void children_set_fd_store(struct children *children, struct fd_store *store);
struct fd_store *children_fd_store(const struct children *children);

/* Sets what becomes standard error of children started from now on; -1 (the default): ringcastd's own. */
void children_set_log(struct children *children, int fd);

/*
 * Starts ARGV[0] in a session of its own, because only ringcastd handles a terminal's signals. The process
 * has descriptors 0, 1, 2 and CHANNEL at CHANNEL_CHILD_FD, no others, and no signal is blocked or ignored.
 * CHANNEL stays the caller's. The process is known from then on. 0 or negative errno, that of exec included.
 */
int children_spawn(struct children *children, char *const argv[], int channel, pid_t *pid);

/*
 * A known process is not reaped here but by its owner, which has it forgotten after that. 0 or -ENOMEM.
 */
int children_know(struct children *children, pid_t pid);
void children_forget(struct children *children, pid_t pid);

/*
 * Between hold and release (calls are counted) orphans stay zombies: the fork server may have forked a worker
 * whose process id is still on its way here, and that id must not be reused before it has arrived.
 */
void children_hold(struct children *children);
void children_release(struct children *children);
bool children_held(const struct children *children);

/* Kills every child that is neither known nor was there before children_create. They are reaped later. */
void children_kill_unknown(struct children *children);

/* Kills all children that are left at the end, known or not, and waits until they are reaped. */
void children_finish(struct children *children);

#endif
