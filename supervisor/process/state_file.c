/* SPDX-License-Identifier: MIT */
#include "supervisor/process/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log/log.h"

struct state_file {
    char *directory;
    char *path, *next_path; /* the file, and what becomes it */
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

/* What stands at the path is opened only if it is a file: anything else could hold us up. */
json_t *state_file_load(const struct state_file *state, const char **problem)
{
    struct stat status;
    json_t *file = NULL;
    int fd = open(state->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

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

void state_file_put_aside(const struct state_file *state, const char *what, const char *problem)
{
    char *aside = NULL;

    log_error("%s: %s: %s; the file is put aside as %s.bad", what, state->path, problem, state->path);
    if (asprintf(&aside, "%s.bad", state->path) >= 0 && rename(state->path, aside) < 0) {
        log_error("%s: %s", aside, strerror(errno));
    }
    free(aside);
}

int state_file_create(const char *directory, const char *name, struct state_file **made)
{
    int result = check_directory(directory);

    return result < 0 ? result : state_file_name(directory, name, made);
}

int state_file_name(const char *directory, const char *name, struct state_file **made)
{
    struct state_file *state = calloc(1, sizeof(*state));

    if (!state) {
        return -ENOMEM;
    }
    state->directory = strdup(directory);
    if (!state->directory || asprintf(&state->path, "%s/%s", directory, name) < 0 ||
        asprintf(&state->next_path, "%s.new", state->path) < 0) {
        state_file_destroy(state);
        return -ENOMEM;
    }
    *made = state;
    return 0;
}

void state_file_destroy(struct state_file *state)
{
    if (!state) {
        return;
    }
    free(state->next_path);
    free(state->path);
    free(state->directory);
    free(state);
}

const char *state_file_path(const struct state_file *state)
{
    return state->path;
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

static int write_all(int fd, const char *text, size_t length, bool durable)
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
    return durable && fsync(fd) < 0 ? -errno : 0;
}

/* What an earlier write left at PATH is removed; what cannot be removed is not written into. */
static int write_file(const char *path, const char *text, bool durable)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int result = write_all(fd, text, strlen(text), durable);
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

int state_file_replace(const struct state_file *state, const json_t *body, bool durable)
{
    char *text = json_dumps(body, JSON_INDENT(2));
    int result = !text ? -ENOMEM : make_directory(state->directory);

    if (result == 0) {
        result = check_directory(state->directory);
    }
    if (result == 0) {
        result = write_file(state->next_path, text, durable);
    }
    if (result == 0 && rename(state->next_path, state->path) < 0) {
        result = -errno;
    }
    if (result < 0) {
        unlink(state->next_path);
    }
    if (text) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
    return result == 0 && durable ? sync_directory(state->directory) : result;
}
