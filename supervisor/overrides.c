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

static json_t *read_cameras(const struct overrides *changes, const char **problem)
{
    json_error_t error;
    json_t *file = json_load_file(changes->path, JSON_REJECT_DUPLICATES, &error);
    json_t *cameras = json_object_get(file, "cameras");

    *problem = NULL;
    if (!file && access(changes->path, F_OK) < 0 && errno == ENOENT) {
        return json_object();
    }
    if (!file) {
        *problem = "it is not JSON, or cannot be read";
    } else if (json_integer_value(json_object_get(file, "v")) != FILE_VERSION) {
        *problem = "it is of another version";
    } else if (!json_is_object(cameras)) {
        *problem = "it has no cameras";
    }
    cameras = !*problem ? json_incref(cameras) : NULL;
    json_decref(file);
    return cameras;
}

static void put_aside(const struct overrides *changes, const char *problem)
{
    char *aside = NULL;

    log_error("what was changed at run time is ignored: %s: %s; the file is put aside as %s.bad",
              changes->path, problem, changes->path);
    if (asprintf(&aside, "%s.bad", changes->path) >= 0 && rename(changes->path, aside) < 0) {
        log_error("%s: %s", aside, strerror(errno));
    }
    free(aside);
}

struct overrides *overrides_open(const char *state_dir, const char *instance)
{
    struct overrides *changes = calloc(1, sizeof(*changes));
    const char *problem;

    if (!changes) {
        return NULL;
    }
    changes->directory = strdup(state_dir);
    if (!changes->directory || asprintf(&changes->path, "%s/%s.json", state_dir, instance) < 0 ||
        asprintf(&changes->next_path, "%s.new", changes->path) < 0) {
        overrides_close(changes);
        return NULL;
    }
    changes->now = read_cameras(changes, &problem);
    if (!changes->now) {
        put_aside(changes, problem);
        changes->now = json_object();
    }
    return changes;
}

void overrides_close(struct overrides *changes)
{
    if (!changes) {
        return;
    }
    json_decref(changes->now);
    free(changes->next_path);
    free(changes->path);
    free(changes->directory);
    free(changes);
}

const json_t *overrides_now(const struct overrides *changes)
{
    return changes->now;
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

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

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

static int replace_file(const struct overrides *changes, const char *text)
{
    int result = make_directory(changes->directory);

    if (result == 0) {
        result = write_file(changes->next_path, text);
    }
    if (result == 0 && rename(changes->next_path, changes->path) < 0) {
        result = -errno;
    }
    if (result < 0) {
        unlink(changes->next_path);
        return result;
    }
    return sync_directory(changes->directory);
}

int overrides_commit(struct overrides *changes, json_t *next)
{
    json_t *file = json_pack("{s:i, s:O}", "v", FILE_VERSION, "cameras", next);
    char *text = !file ? NULL : json_dumps(file, JSON_INDENT(2));
    int result = !text ? -ENOMEM : replace_file(changes, text);

    json_decref(file);
    if (text) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
    if (result < 0) {
        log_error("%s cannot be written: %s", changes->path, strerror(-result));
        json_decref(next);
        return result;
    }
    json_decref(changes->now);
    changes->now = next;
    return 0;
}
