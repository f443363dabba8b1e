/* SPDX-License-Identifier: MIT */
#include "common/access/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/access/user_document.h"
#include "common/base/clock.h"
#include "common/base/secret.h"

/* Bytes: more than all users and tokens take. */
#define FILE_MAX (16 * 1024 * 1024)

/* Milliseconds between two looks at a lock that another process has. */
#define LOCK_PAUSE_MS 20

struct user_file {
    char *path;
    char *directory;
    const char *name; /* in path */
    int directory_fd;
    int lock_fd;
    uid_t owner; /* of the file; of a new one: of its directory */
    gid_t group;
    json_t *document;
};

/* --- Reading -------------------------------------------------------------------------------------------- */

/* Whoever may write the file decides who may watch; whoever may read it can guess passwords at leisure. */
static int check_status(const struct user_report *report, const struct stat *status, uid_t directory_owner)
{
    if (!S_ISREG(status->st_mode)) {
        return user_report(report, -EINVAL, "not a file; remove it, or name another with auth.passwords");
    }
    if (status->st_uid != geteuid() && status->st_uid != 0 && status->st_uid != directory_owner) {
        return user_report(report, -EPERM, "belongs to user %u; `chown %u %s`, or remove it",
                           (unsigned)status->st_uid, (unsigned)directory_owner, report->path);
    }
    if ((status->st_mode & 077) != 0) {
        return user_report(report, -EPERM, "other users may read or change it (mode %03o); `chmod 600 %s`",
                           (unsigned)status->st_mode & 0777u, report->path);
    }
    if (status->st_size > FILE_MAX) {
        return user_report(report, -EFBIG,
                           "larger than %d bytes; restore it, or remove it and add the users again",
                           FILE_MAX);
    }
    return 0;
}

static int read_text(const struct user_report *report, int fd, size_t size, char **text)
{
    size_t length = 0;
    ssize_t got = 1;

    *text = malloc(size + 1);
    if (!*text) {
        return user_report(report, -ENOMEM, "no memory; try again");
    }
    while (length < size && got > 0) {
        got = pread(fd, *text + length, size - length, (off_t)length);
        length += got > 0 ? (size_t)got : 0;
        got = got < 0 && errno == EINTR ? 1 : got;
    }
    (*text)[length] = '\0';
    return got < 0 ? user_report(report, -errno, "cannot be read: %s", strerror(errno)) : 0;
}

static int read_open(const struct user_report *report, int fd, uid_t directory_owner, struct stat *status,
                     json_t **document)
{
    char *text = NULL;

    if (fstat(fd, status) < 0) {
        return user_report(report, -errno, "%s", strerror(errno));
    }
    int result = check_status(report, status, directory_owner);
    if (result == 0) {
        result = read_text(report, fd, (size_t)status->st_size, &text);
    }
    if (result == 0) {
        result = user_document_parse(report, text, document);
    }
    secret_free(text);
    if (result < 0) {
        json_decref(*document);
        *document = NULL;
    }
    return result;
}

static int make_empty(const struct user_report *report, json_t **document)
{
    *document = user_document_make();
    return *document ? 0 : user_report(report, -ENOMEM, "no memory; try again");
}

/* DIRECTORY: of the file. -ENOENT, without a word in WHY: there is no file. */
static int read_in(const struct user_report *report, int directory, const char *name, struct stat *status,
                   json_t **document)
{
    struct stat of_directory;

    if (fstat(directory, &of_directory) < 0) {
        return user_report(report, -errno, "%s", strerror(errno));
    }
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        return -ENOENT;
    }
    if (fd < 0 && errno == ELOOP) {
        return user_report(report, -ELOOP, "a symbolic link; name the file itself with auth.passwords");
    }
    if (fd < 0) {
        return user_report(report, -errno, "%s; only root and the user that runs ringcastd may use it",
                           strerror(errno));
    }
    int result = read_open(report, fd, of_directory.st_uid, status, document);
    close(fd);
    return result;
}

/* PATH into its directory, malloc'ed, and its name, a part of PATH. */
static int split(const struct user_report *report, char **directory, const char **name)
{
    const char *slash = strrchr(report->path, '/');

    if (!slash || report->path[0] != '/' || slash[1] == '\0') {
        return user_report(report, -EINVAL, "not the absolute path of a file; correct auth.passwords");
    }
    *directory = slash == report->path ? strdup("/") : strndup(report->path, (size_t)(slash - report->path));
    *name = slash + 1;
    return *directory ? 0 : user_report(report, -ENOMEM, "no memory; try again");
}

int user_file_read(const char *path, json_t **document, char why[USER_FILE_WHY_SIZE])
{
    const struct user_report report = {path, why};
    struct stat status;
    char *directory = NULL;
    const char *name;
    int result = split(&report, &directory, &name);

    *document = NULL;
    if (result < 0) {
        return result;
    }
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (fd < 0 && errno != ENOENT) {
        return user_report(&report, -errno, "%s; only root and the user that runs ringcastd may use it",
                           strerror(errno));
    }
    result = fd < 0 ? -ENOENT : read_in(&report, fd, name, &status, document);
    if (fd >= 0) {
        close(fd);
    }
    return result == -ENOENT ? make_empty(&report, document) : result;
}

/* --- Changing ------------------------------------------------------------------------------------------- */

/* With its parents, as mkdir -p. */
static int make_directory(const struct user_report *report, const char *directory)
{
    char *copy = strdup(directory);
    int result = copy ? 0 : user_report(report, -ENOMEM, "no memory; try again");

    for (char *slash = copy; result == 0 && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash) {
            *slash = '\0';
        }
        if (copy[0] != '\0' && mkdir(copy, 0700) < 0 && errno != EEXIST) {
            result = user_report(
                report, -errno,
                "its directory cannot be made: %s: %s; make it, or run this as root or as the user "
                "that runs ringcastd",
                copy, strerror(errno));
        }
        if (slash) {
            *slash = '/';
        }
    }
    free(copy);
    return result;
}

/* The directory's owner is the user that runs ringcastd. */
static int open_directory(const struct user_report *report, struct user_file *file)
{
    struct stat status;
    int result = make_directory(report, file->directory);

    if (result < 0) {
        return result;
    }
    file->directory_fd = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory_fd < 0 || fstat(file->directory_fd, &status) < 0) {
        return user_report(report, -errno, "%s; only root and the user that runs ringcastd may use it",
                           strerror(errno));
    }
    if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0) {
        return user_report(report, -EPERM, "others may write into its directory (mode %04o); `chmod go-w %s`",
                           (unsigned)status.st_mode & 07777u, file->directory);
    }
    file->owner = status.st_uid;
    file->group = status.st_gid;
    return 0;
}

/* Root's file becomes the owner's. A second name of another file is left alone. */
static int give_away(int fd, uid_t owner, gid_t group)
{
    struct stat status;

    if (geteuid() != 0) {
        return 0;
    }
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
        return -EPERM;
    }
    if (status.st_uid == owner && status.st_gid == group) {
        return 0;
    }
    return fchown(fd, owner, group) < 0 ? -errno : 0;
}

static int open_lock(const struct user_report *report, struct user_file *file)
{
    char *name = NULL;

    if (asprintf(&name, "%s.lock", file->name) < 0) {
        return user_report(report, -ENOMEM, "no memory; try again");
    }
    file->lock_fd = openat(file->directory_fd, name,
                           O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    int result = file->lock_fd < 0 ? -errno : give_away(file->lock_fd, file->owner, file->group);
    if (result < 0) {
        user_report(report, result,
                    "its lock %s cannot be opened: %s; run this as root or as the user that runs ringcastd",
                    name, strerror(-result));
    }
    free(name);
    return result;
}

static int take_lock(const struct user_report *report, const struct user_file *file, int wait_ms)
{
    const struct timespec pause = {.tv_nsec = (long)(LOCK_PAUSE_MS * NS_PER_MS)};
    uint64_t end = clock_now_ms() + (uint64_t)wait_ms;

    while (flock(file->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return user_report(report, -errno, "cannot be locked: %s", strerror(errno));
        }
        if (clock_now_ms() >= end) {
            return user_report(report, -EAGAIN, "another process is changing it; try again");
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int read_locked(const struct user_report *report, struct user_file *file)
{
    struct stat status;
    int result = read_in(report, file->directory_fd, file->name, &status, &file->document);

    if (result == -ENOENT) {
        return make_empty(report, &file->document);
    }
    if (result == 0) {
        file->owner = status.st_uid;
        file->group = status.st_gid;
    }
    return result;
}

int user_file_open(const char *path, int wait_ms, struct user_file **made, char why[USER_FILE_WHY_SIZE])
{
    struct user_file *file = calloc(1, sizeof(*file));
    const struct user_report report = {path, why};

    if (!file) {
        return user_report(&report, -ENOMEM, "no memory; try again");
    }
    file->directory_fd = file->lock_fd = -1;
    file->path = strdup(path);
    const struct user_report own = {file->path, why};
    int result = file->path ? split(&own, &file->directory, &file->name)
                            : user_report(&report, -ENOMEM, "no memory; try again");
    if (result == 0) {
        result = open_directory(&own, file);
    }
    if (result == 0) {
        result = open_lock(&own, file);
    }
    if (result == 0) {
        result = take_lock(&own, file, wait_ms);
    }
    if (result == 0) {
        result = read_locked(&own, file);
    }
    if (result < 0) {
        user_file_close(file);
        return result;
    }
    *made = file;
    return 0;
}

json_t *user_file_document(struct user_file *file)
{
    return file->document;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* TEXT in a new file NAME beside the old one. */
static int write_new(const struct user_file *file, const char *name, const char *text)
{
    unlinkat(file->directory_fd, name, 0); /* what a process that was killed left */
    int fd = openat(file->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int result = write_all(fd, text, strlen(text));
    if (result == 0) {
        result = write_all(fd, "\n", 1);
    }
    if (result == 0) {
        result = give_away(fd, file->owner, file->group);
    }
    if (result == 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0)) {
        result = -errno;
    }
    if (close(fd) < 0 && result == 0) {
        result = -errno;
    }
    return result;
}

static int replace(const struct user_file *file, const char *text)
{
    char *name = NULL;

    if (asprintf(&name, "%s.new", file->name) < 0) {
        return -ENOMEM;
    }
    int result = write_new(file, name, text);
    if (result == 0 && renameat(file->directory_fd, name, file->directory_fd, file->name) < 0) {
        result = -errno;
    }
    if (result < 0) {
        unlinkat(file->directory_fd, name, 0);
    } else if (fsync(file->directory_fd) < 0) {
        result = -errno;
    }
    free(name);
    return result;
}

int user_file_commit(struct user_file *file, char why[USER_FILE_WHY_SIZE])
{
    const struct user_report report = {file->path, why};
    int result = user_document_check(&report, file->document);

    if (result < 0) {
        return result;
    }
    char *text = json_dumps(file->document, JSON_INDENT(2));
    result = text ? replace(file, text) : -ENOMEM;
    secret_free(text);
    return result < 0 ? user_report(&report, result, "cannot be written: %s", strerror(-result)) : 0;
}

void user_file_close(struct user_file *file)
{
    if (!file) {
        return;
    }
    json_decref(file->document);
    if (file->lock_fd >= 0) {
        close(file->lock_fd);
    }
    if (file->directory_fd >= 0) {
        close(file->directory_fd);
    }
    free(file->directory);
    free(file->path);
    free(file);
}
