/*
 * All child processes of ringcastd as the kernel sees them: starting one, knowing which process ids are ours,
 * and reaping those for which no pidfd waits. ringcastd is a child subreaper, so workers whose fork server
 * died, and whatever else loses its parent below us, arrive here. Owned by the supervisor; its main thread
 * only.
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
 * Makes this process a child subreaper and begins to reap orphans. SIGCHLD must be blocked. Children that are
 * there already (of a shell that became ringcastd by exec) are reaped but never killed. 0 or negative errno.
 */
int children_create(sd_event *event, struct children **children);

/* Stops reaping. There should be no child left. NULL is allowed. */
void children_destroy(struct children *children);

sd_event *children_event(const struct children *children);

/* Watches every child's heartbeat. */
struct watchdog *children_watchdog(const struct children *children);

/* Where what outlives this ringcastd is kept; NULL (the default): nowhere. */
void children_set_fd_store(struct children *children, struct fd_store *store);
struct fd_store *children_fd_store(const struct children *children);

/*
 * Descriptor that becomes standard error of children started from now on; -1 (the default): ringcastd's own.
 */
void children_set_log(struct children *children, int fd);

/*
 * Starts PATH in a session of its own (a terminal's signals are ringcastd's business) with descriptors 0, 1,
 * 2 and CHANNEL at CHANNEL_CHILD_FD, no others, no signal blocked or ignored. CHANNEL stays the caller's. The
 * process is known from then on. 0 or negative errno, that of exec included.
 */
int children_spawn(struct children *children, char *const argv[], int channel, pid_t *pid);

/* A known process is reaped by its owner. -ENOMEM. Forget it after reaping. */
int children_know(struct children *children, pid_t pid);
void children_forget(struct children *children, pid_t pid);

/*
 * While held (counted), orphans stay zombies: the fork server may have forked a worker whose process id is
 * still on its way to us, and an id must not be free for reuse before we have it.
 */
void children_hold(struct children *children);
void children_release(struct children *children);
bool children_held(const struct children *children);

/*
 * SIGKILLs every child of this process that is neither known nor was there before us. They are reaped later.
 */
void children_kill_unknown(struct children *children);

/* Kills and reaps what is left at the end, known or not. Waits for them, which takes as long as the kernel
 * does. */
void children_finish(struct children *children);

#endif
