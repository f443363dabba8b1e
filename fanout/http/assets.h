/* SPDX-License-Identifier: MIT */
/*
 * The player's files, read into memory once at start. A request is a look-up in this table and never touches
 * the file system, so no path can lead anywhere else. ringcast-fanout's only thread.
 */
#ifndef FANOUT_HTTP_ASSETS_H
#define FANOUT_HTTP_ASSETS_H

#include <stddef.h>
#include <stdint.h>

/* An ETag: quotes, 16 hexadecimal digits, NUL. */
#define ASSET_ETAG_SIZE 19

struct asset {
    char *path; /* as requested, "/index.html" */
    const char *type;
    uint8_t *data;
    size_t length;
    char etag[ASSET_ETAG_SIZE];
};

struct assets {
    struct asset *list;
    size_t count;
};

/*
 * Reads every regular file of DIRECTORY and of its subdirectories, except hidden ones. 0; negative errno: the
 * directory cannot be read or holds too much, and nothing was loaded.
 */
int assets_load(struct assets *assets, const char *directory);

/* The file behind PATH ("/" is "/index.html"), or NULL. */
const struct asset *assets_find(const struct assets *assets, const char *path);

void assets_finish(struct assets *assets);

#endif
