/* SPDX-License-Identifier: MIT */
#include "supervisor/helpers/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/secret.h"

/* Bytes: more than any key or chain of certificates takes. */
#define KEY_FILE_MAX 262144

static int refuse(char problem[KEY_FILE_PROBLEM_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(char problem[KEY_FILE_PROBLEM_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, KEY_FILE_PROBLEM_SIZE, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

void key_file_finish(struct key_file *file)
{
    if (file->text) {
        secret_wipe(file->text, file->length);
        free(file->text);
    }
    *file = (struct key_file){0};
}

static int read_open_file(int fd, mode_t forbidden, struct key_file *file,
                          char problem[KEY_FILE_PROBLEM_SIZE])
{
    struct stat status;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        return refuse(problem, "not a file; name one");
    }
    if ((status.st_mode & forbidden) != 0) {
        return refuse(
            problem,
            "other users may read or change it (mode %03o); chmod 600, or 640 for a group of its own",
            (unsigned)status.st_mode & 0777);
    }
    if (status.st_size == 0 || status.st_size > KEY_FILE_MAX) {
        return refuse(problem, "%lld bytes, which no such file has; name another", (long long)status.st_size);
    }
    file->length = (size_t)status.st_size;
    file->text = calloc(1, file->length + 1);
    if (!file->text || pread(fd, file->text, file->length, 0) != (ssize_t)file->length) {
        key_file_finish(file);
        return refuse(problem, "cannot be read as a whole; try again");
    }
    return 0;
}

int key_file_read(const char *path, mode_t forbidden, struct key_file *file,
                  char problem[KEY_FILE_PROBLEM_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *file = (struct key_file){0};
    if (fd < 0) {
        return refuse(problem, "%s; correct the path, or let ringcastd's user read it", strerror(errno));
    }
    int result = read_open_file(fd, forbidden, file, problem);
    close(fd);
    return result;
}
