/*
 * The run-time directory: mode 0700 and ours, with a lock file that makes sure that only one ringcastd uses
 * it. Errors are logged in words that say what to do. Supervisor's main thread only.
 */
#ifndef COMMON_IPC_RUNTIME_DIR_H
#define COMMON_IPC_RUNTIME_DIR_H

#include <stdbool.h>

struct runtime_dir;

/*
 * Makes PATH if it is not there, checks owner and mode, and takes the lock.
 * 0; -EBUSY: another ringcastd uses it; -EPERM: not ours, or open to others; other negative errno.
 */
int runtime_dir_open(const char *path, struct runtime_dir **dir);

/* True if the last ringcastd here was killed: its children may still be ending. */
bool runtime_dir_left_behind(const struct runtime_dir *dir);

/* Removes file NAME in it. One that is not there is no error. */
void runtime_dir_remove(struct runtime_dir *dir, const char *name);

/*
 * Closes it and leaves everything as it was found, so that the next one that opens it knows of a ringcastd that
 * was killed.
 */
void runtime_dir_leave(struct runtime_dir *dir);

/*
 * Removes the lock, and the directory if a ringcastd has made it and nothing else is in it. NULL is allowed.
 */
void runtime_dir_close(struct runtime_dir *dir);

#endif
