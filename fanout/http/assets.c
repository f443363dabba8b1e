/* SPDX-License-Identifier: MIT */
#include "fanout/http/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/hash.h"

/* Far above what the player is; guards against a wrong directory. */
#define ASSETS_MAX 256u
#define ASSET_SIZE_MAX 8388608
#define DEPTH_MAX 4

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".jpg", "image/jpeg"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".woff2", "font/woff2"},
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(dot, types[i].suffix) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

/* malloc'ed content of FD, or NULL with errno. */
static uint8_t *read_all(int fd, size_t length)
{
    uint8_t *data = malloc(length + 1);
    size_t done = 0;
    while (data && done < length) {
        ssize_t count = read(fd, data + done, length - done);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            errno = count == 0 ? EIO : errno;
            free(data);
            return NULL;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return data;
}

static int append(struct assets *assets, char *path, uint8_t *data, size_t length)
{
    struct asset *list =
        assets->count < ASSETS_MAX ? reallocarray(assets->list, assets->count + 1, sizeof(*list)) : NULL;
    if (!list) {
        return assets->count < ASSETS_MAX ? -ENOMEM : -E2BIG;
    }
    assets->list = list;
    struct asset *asset = &list[assets->count++];
    *asset = (struct asset){.path = path, .type = type_of(path), .data = data, .length = length};
    snprintf(asset->etag, sizeof(asset->etag), "\"%016" PRIx64 "\"", hash_add(HASH_START, data, length));
    return 0;
}

static int load_file(struct assets *assets, int fd, const struct stat *status, const char *path)
{
    if (status->st_size > ASSET_SIZE_MAX) {
        return -EFBIG;
    }
    uint8_t *data = read_all(fd, (size_t)status->st_size);
    if (!data) {
        return -errno;
    }
    char *copy = strdup(path);
    int result = copy ? append(assets, copy, data, (size_t)status->st_size) : -ENOMEM;
    if (result < 0) {
        free(copy);
        free(data);
    }
    return result;
}

static int load_directory(struct assets *assets, int fd, const char *path, int depth);

/* Loads NAME in DIRECTORY, whatever it is. */
static int load_entry(struct assets *assets, int directory, const char *parent, const char *name, int depth)
{
    char *path = NULL;
    struct stat status;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    int result = -ENOMEM;
    if (asprintf(&path, "%s/%s", parent, name) < 0) {
        path = NULL;
        goto close_file;
    }
    result = fstat(fd, &status) < 0 ? -errno : 0;
    if (result == 0 && S_ISDIR(status.st_mode)) {
        result = depth < DEPTH_MAX ? load_directory(assets, dup(fd), path, depth + 1) : -ELOOP;
    } else if (result == 0 && S_ISREG(status.st_mode)) {
        result = load_file(assets, fd, &status, path);
    }

close_file:
    free(path);
    close(fd);
    return result;
}

/* FD becomes this function's. */
static int load_directory(struct assets *assets, int fd, const char *path, int depth)
{
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return -error;
    }
    int result = 0;
    struct dirent *entry;
    while (result == 0 && (entry = readdir(stream))) {
        if (entry->d_name[0] != '.') {
            result = load_entry(assets, dirfd(stream), path, entry->d_name, depth);
        }
    }
    closedir(stream);
    return result;
}

int assets_load(struct assets *assets, const char *directory)
{
    *assets = (struct assets){0};
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = load_directory(assets, fd, "", 0);
    if (result < 0) {
        assets_finish(assets);
    }
    return result;
}

const struct asset *assets_find(const struct assets *assets, const char *path)
{
    const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;
    for (size_t i = 0; i < assets->count; i++) {
        if (strcmp(assets->list[i].path, wanted) == 0) {
            return &assets->list[i];
        }
    }
    return NULL;
}

void assets_finish(struct assets *assets)
{
    for (size_t i = 0; i < assets->count; i++) {
        free(assets->list[i].path);
        free(assets->list[i].data);
    }
    free(assets->list);
    *assets = (struct assets){0};
}
