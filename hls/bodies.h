/* SPDX-License-Identifier: MIT */
/*
 * Bodies of answers as sealed memory files. The newest are kept, because all clients of a camera ask for the same at about the same time.
 * Owned by a presentation; one thread.
 */
#ifndef HLS_BODIES_H
#define HLS_BODIES_H

#include <stddef.h>
#include <stdint.h>

/* How many are kept: playlists, and the last parts or segments of two streams. */
#define BODIES_MAX 8

struct body_key {
    unsigned kind, stream, detail; /* whose numbers these are is the caller's */
    uint64_t number, version;
};

struct bodies {
    struct body {
        struct body_key key;
        int fd; /* 0: the place is free */
    } kept[BODIES_MAX];
    unsigned next; /* the place that is used next */
};

/* The descriptor of the body, which stays this cache's; -1: it is not here. */
int bodies_find(const struct bodies *bodies, const struct body_key *key);

/* Keeps FD, which becomes the cache's, in place of the oldest. */
void bodies_keep(struct bodies *bodies, const struct body_key *key, int fd);

void bodies_clear(struct bodies *bodies);

#endif
