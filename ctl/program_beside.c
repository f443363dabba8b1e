/* SPDX-License-Identifier: MIT */
#include "ctl/program_beside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int program_beside(const char *name, char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (length < 0) {
        snprintf(path, PATH_MAX, "%s", name);
        return -errno;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    size_t used = slash ? (size_t)(slash - path) + 1 : 0;
    snprintf(path + used, PATH_MAX - used, "%s", name);
    return access(path, X_OK) == 0 ? 0 : -errno;
}
