#include "supervisor/overrides.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log/log.h"

/* Of the file, not of the control protocol. */
#define FILE_VERSION 1

struct overrides {
    char *directory;
    char *path, *next_path; /* the file, and what becomes it */
    json_t *now;
};

/*
 * A user who can write into the directory chooses what cameras there are. 0, also if it is not there or
 * cannot be looked at, which reading and writing will tell; -EPERM or -ENOTDIR, logged.
 */
static int check_directory(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0) {
        return 0;
    }
    if (!S_ISDIR(status.st_mode)) {
        log_error("state_dir %s is not a directory: choose another `state_dir`", path);
        return -ENOTDIR;
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        log_error("state_dir %s belongs to user %u, not to us (%u): choose another `state_dir`", path,
                  (unsigned)status.st_uid, (unsigned)geteuid());
        return -EPERM;
    }
    if ((status.st_mode & 022) != 0) {
        log_error("state_dir %s can be written by others (mode %04o): `chmod go-w %s`", path,
                  (unsigned)status.st_mode & 07777u, path);
        return -EPERM;
    }
    return 0;
}

/*
 * What stands at the path is opened only if it is a file: anything else could hold us up. NULL: see *PROBLEM.
 */
static json_t *load_file(const char *path, const char **problem)
{
    struct stat status;
    json_t *file = NULL;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    *problem = NULL;
    if (fd < 0) {
        *problem = errno == ENOENT ? NULL : "it cannot be read";
        return NULL;
    }
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        *problem = "it is not a file";
    } else {
        file = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
        *problem = file ? NULL : "it is not JSON, or cannot be read";
    }
    close(fd);
    return file;
}

/* A new object; NULL: see *PROBLEM. */
static json_t *read_cameras(const struct overrides *overrides, const char **problem)
{
    json_t *file = load_file(overrides->path, problem);
    json_t *cameras = json_object_get(file, "cameras");

    if (!file) {
        return *problem ? NULL : json_object();
    }
    if (json_integer_value(json_object_get(file, "v")) != FILE_VERSION) {
        *problem = "it is of another version";
    } else if (!json_is_object(cameras)) {
        *problem = "it has no cameras";
    }
    cameras = *problem ? NULL : json_incref(cameras);
    json_decref(file);
    return cameras;
}

static void put_aside(const struct overrides *overrides, const char *problem)
{
    char *aside = NULL;

    log_error("what was changed at run time is ignored: %s: %s; the file is put aside as %s.bad",
              overrides->path, problem, overrides->path);
    if (asprintf(&aside, "%s.bad", overrides->path) >= 0 && rename(overrides->path, aside) < 0) {
        log_error("%s: %s", aside, strerror(errno));
    }
    free(aside);
}

int overrides_open(const char *state_dir, const char *instance, struct overrides **made)
{
    const char *problem;
    int result = check_directory(state_dir);

    if (result < 0) {
        return result;
    }
    struct overrides *overrides = calloc(1, sizeof(*overrides));
    if (!overrides) {
        return -ENOMEM;
    }
    overrides->directory = strdup(state_dir);
    if (!overrides->directory || asprintf(&overrides->path, "%s/%s.json", state_dir, instance) < 0 ||
        asprintf(&overrides->next_path, "%s.new", overrides->path) < 0) {
        overrides_close(overrides);
        return -ENOMEM;
    }
    overrides->now = read_cameras(overrides, &problem);
    if (!overrides->now) {
        put_aside(overrides, problem);
        overrides->now = json_object();
    }
    *made = overrides;
    return 0;
}

void overrides_close(struct overrides *overrides)
{
    if (!overrides) {
        return;
    }
    json_decref(overrides->now);
    free(overrides->next_path);
    free(overrides->path);
    free(overrides->directory);
    free(overrides);
}

const json_t *overrides_now(const struct overrides *overrides)
{
    return overrides->now;
}

/* With its parents, as mkdir -p. */
static int make_directory(const char *path)
{
    char *copy = strdup(path);
    int result = !copy ? -ENOMEM : 0;

    for (char *slash = copy; result == 0 && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash) {
            *slash = '\0';
        }
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
            result = -errno;
        }
        if (slash) {
            *slash = '/';
        }
    }
    free(copy);
    return result;
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
    return fsync(fd) < 0 ? -errno : 0;
}

/* What an earlier write left at PATH is removed; what cannot be removed is not written into. */
static int write_file(const char *path, const char *text)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int result = write_all(fd, text, strlen(text));
    if (close(fd) < 0 && result == 0) {
        result = -errno;
    }
    return result;
}

/* A rename is on the disk when its directory is. */
static int sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    int result = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static int replace_file(const struct overrides *overrides, const char *text)
{
    int result = make_directory(overrides->directory);

    if (result == 0) {
        result = check_directory(overrides->directory);
    }
    if (result == 0) {
        result = write_file(overrides->next_path, text);
    }
    if (result == 0 && rename(overrides->next_path, overrides->path) < 0) {
        result = -errno;
    }
    if (result < 0) {
        unlink(overrides->next_path);
        return result;
    }
    return sync_directory(overrides->directory);
}

int overrides_commit(struct overrides *overrides, json_t *next)
{
    json_t *file = json_pack("{s:i, s:O}", "v", FILE_VERSION, "cameras", next);
    char *text = !file ? NULL : json_dumps(file, JSON_INDENT(2));
    int result = !text ? -ENOMEM : replace_file(overrides, text);

    json_decref(file);
    if (text) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
    if (result < 0) {
        log_error("%s cannot be written: %s", overrides->path, strerror(-result));
        json_decref(next);
        return result;
    }
    json_decref(overrides->now);
    overrides->now = next;
    return 0;
}
