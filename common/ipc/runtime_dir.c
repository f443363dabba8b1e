/* SPDX-License-Identifier: MIT */
#include "common/ipc/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/log/log.h"

#define LOCK_NAME "lock"

/* In the lock file after the process id: ringcastd made the directory and may remove it, also after it was killed. */
#define MADE_MARK "made"

/* A keeper whose lease is over holds the lock while it cleans up. Milliseconds to wait for it, and of each step. */
#define KEEPER_PATIENCE_MS 6000
#define KEEPER_STEP_MS 50

/* Another ringcastd that ends may remove the directory meanwhile; this many attempts are made. */
#define ATTEMPTS 10

struct runtime_dir {
    char *path;
    int fd;
    int lock;
    bool made;
    bool left_behind;
};

static int check_directory(const struct runtime_dir *dir)
{
    struct stat status;

    if (fstat(dir->fd, &status) < 0) {
        return -errno;
    }
    if (status.st_uid != geteuid()) {
        log_error("runtime_dir %s belongs to user %u, not to us (%u): choose another `runtime_dir`",
                  dir->path, (unsigned)status.st_uid, (unsigned)geteuid());
        return -EPERM;
    }
    if ((status.st_mode & 077) != 0) {
        log_error("runtime_dir %s is open to others (mode %04o): `chmod 700 %s`", dir->path,
                  (unsigned)status.st_mode & 07777u, dir->path);
        return -EPERM;
    }
    return 0;
}

/* 0; -ESTALE: it has just been removed; other negative errno, logged. */
static int open_directory(struct runtime_dir *dir)
{
    dir->made = mkdir(dir->path, 0700) == 0;
    if (!dir->made && errno != EEXIST) {
        int error = -errno;
        log_error("runtime_dir %s cannot be made: %s%s", dir->path, strerror(-error),
                  error == -ENOENT ? " (its parent directory does not exist)" : "");
        return error;
    }
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir->fd < 0) {
        int error = -errno;
        if (error == -ENOENT) {
            return -ESTALE;
        }
        log_error("runtime_dir %s: %s", dir->path, error == -ELOOP ? "is a symbolic link" : strerror(-error));
        return error;
    }
    return check_directory(dir);
}

/* Process id in the lock file, 0 if there is none; *made if the mark is there. */
static int read_lock(int lock, bool *made)
{
    char text[64];
    ssize_t length = pread(lock, text, sizeof(text) - 1, 0);

    text[length < 0 ? 0 : length] = '\0';
    *made = strstr(text, MADE_MARK);
    return (int)strtol(text, NULL, 10);
}

static int write_lock(const struct runtime_dir *dir)
{
    char text[64];
    int length = snprintf(text, sizeof(text), "%d\n%s", (int)getpid(), dir->made ? MADE_MARK "\n" : "");

    if (ftruncate(dir->lock, 0) < 0 || pwrite(dir->lock, text, (size_t)length, 0) != length) {
        return errno == 0 ? -EIO : -errno;
    }
    return 0;
}

/* True if the file that is locked is still the one that others will find. */
static bool lock_in_place(const struct runtime_dir *dir)
{
    struct stat ours, found;

    return fstat(dir->lock, &ours) == 0 && fstatat(dir->fd, LOCK_NAME, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == found.st_ino && ours.st_dev == found.st_dev;
}

/* True if the process that has the lock is a keeper, which ends everything and goes. */
static bool held_by_keeper(int lock)
{
    char path[64], name[32] = "";
    bool made;

    snprintf(path, sizeof(path), "/proc/%d/comm", read_lock(lock, &made));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
    if (fd >= 0) {
        close(fd);
    }
    return length > 0 && strcmp(name, "ringcast-keeper\n") == 0;
}

/* As flock(2), but waits for a keeper. */
static int lock_patiently(int lock)
{
    const struct timespec pause = {.tv_nsec = KEEPER_STEP_MS * NS_PER_MS};
    int result = flock(lock, LOCK_EX | LOCK_NB);

    for (int waited = 0; result < 0 && errno == EWOULDBLOCK && waited < KEEPER_PATIENCE_MS;
         waited += KEEPER_STEP_MS) {
        if (!held_by_keeper(lock)) {
            errno = EWOULDBLOCK;
            return -1;
        }
        nanosleep(&pause, NULL);
        result = flock(lock, LOCK_EX | LOCK_NB);
    }
    return result;
}

/* 0; -ESTALE: the lock has just been removed; other negative errno, logged. */
static int take_lock(struct runtime_dir *dir)
{
    bool made;

    dir->lock = openat(dir->fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (dir->lock < 0) {
        int error = -errno;
        if (error == -ENOENT) {
            return -ESTALE;
        }
        log_error("%s/" LOCK_NAME " cannot be opened: %s", dir->path, strerror(-error));
        return error;
    }
    if (lock_patiently(dir->lock) < 0) {
        int error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (error == -EBUSY) {
            log_error("another ringcastd (pid %d) already uses %s: stop it, or choose another `runtime_dir`",
                      read_lock(dir->lock, &made), dir->path);
        } else {
            log_error("%s/" LOCK_NAME " cannot be locked: %s", dir->path, strerror(-error));
        }
        return error;
    }
    if (!lock_in_place(dir)) {
        return -ESTALE;
    }
    dir->left_behind = read_lock(dir->lock, &made) > 0;
    dir->made = dir->made || made;
    int error = write_lock(dir);
    if (error < 0) {
        log_error("%s/" LOCK_NAME " cannot be written: %s", dir->path, strerror(-error));
    }
    return error;
}

static void close_descriptors(struct runtime_dir *dir)
{
    if (dir->lock >= 0) {
        close(dir->lock);
    }
    if (dir->fd >= 0) {
        close(dir->fd);
    }
    dir->lock = dir->fd = -1;
}

int runtime_dir_open(const char *path, struct runtime_dir **result)
{
    struct runtime_dir *dir = calloc(1, sizeof(*dir));
    int error = -ENOMEM;

    if (!dir) {
        return -ENOMEM;
    }
    *dir = (struct runtime_dir){.path = strdup(path), .fd = -1, .lock = -1};
    for (int i = 0; dir->path && i < ATTEMPTS; i++) {
        error = open_directory(dir);
        if (error == 0) {
            error = take_lock(dir);
        }
        if (error != -ESTALE) {
            break;
        }
        close_descriptors(dir);
    }
    if (error == 0) {
        *result = dir;
        return 0;
    }
    if (error == -ESTALE) {
        log_error("runtime_dir %s disappears again and again", path);
    }
    close_descriptors(dir);
    free(dir->path);
    free(dir);
    return error;
}

bool runtime_dir_left_behind(const struct runtime_dir *dir)
{
    return dir->left_behind;
}

void runtime_dir_remove(struct runtime_dir *dir, const char *name)
{
    if (unlinkat(dir->fd, name, 0) < 0 && errno != ENOENT) {
        log_warning("%s/%s cannot be removed: %s", dir->path, name, strerror(errno));
    }
}

void runtime_dir_leave(struct runtime_dir *dir)
{
    close_descriptors(dir);
    free(dir->path);
    free(dir);
}

void runtime_dir_close(struct runtime_dir *dir)
{
    if (!dir) {
        return;
    }
    runtime_dir_remove(dir, LOCK_NAME);
    if (dir->made && rmdir(dir->path) < 0 && errno != ENOENT && errno != ENOTEMPTY) {
        log_warning("runtime_dir %s cannot be removed: %s", dir->path, strerror(errno));
    }
    close_descriptors(dir);
    free(dir->path);
    free(dir);
}
