/* SPDX-License-Identifier: MIT */
/*
 * The run-time directory: mode 0700, owned by this user, with a lock file that lets only one ringcastd use it. Errors are
 * logged with what to do about them. Supervisor's main thread only.
 */
#ifndef COMMON_IPC_RUNTIME_DIR_H
#define COMMON_IPC_RUNTIME_DIR_H

#include <stdbool.h>

struct runtime_dir;

/*
 * Makes PATH if it does not exist, checks its owner and mode, and takes the lock.
 * 0; -EBUSY: another ringcastd uses it; -EPERM: another user owns it, or it is open to others; other negative errno.
 */
int runtime_dir_open(const char *path, struct runtime_dir **dir);

/* True if the last ringcastd here was killed: its children may still be ending. */
bool runtime_dir_left_behind(const struct runtime_dir *dir);

/* Removes file NAME in it. A file that does not exist is not an error. */
void runtime_dir_remove(struct runtime_dir *dir, const char *name);

/*
 * Closes it and leaves its lock file as it was found: if the last ringcastd here was killed, the next one that opens the
 * directory still learns of that.
 */
void runtime_dir_leave(struct runtime_dir *dir);

/*
 * Removes the lock, and the directory if a ringcastd has made it and nothing else is in it. NULL is allowed.
 */
void runtime_dir_close(struct runtime_dir *dir);

#endif
