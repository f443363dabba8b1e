/* SPDX-License-Identifier: MIT */
/*
 * The pictures of one stream: decodes from its ring when one is asked for, and keeps what was made for a while, so that many requests
 * cost one decode. Owned by the server; one thread.
 */
#ifndef SNAPSHOT_SHOTS_H
#define SNAPSHOT_SHOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/program/program.h"
#include "snapshot/request.h"

/* Milliseconds in which a picture is not made anew. */
#define SHOTS_FRESH_MS 1000

struct shots;

/* A JPEG. */
struct shot {
    int fd; /* a sealed memory file */
    size_t length;
    char etag[64];
    int64_t capture_ns; /* CLOCK_MONOTONIC: when the camera took it */
    int64_t wall_ns;    /* the same by CLOCK_REALTIME */
};

/* CAMERA must outlive it. NULL: no memory. */
struct shots *shots_create(struct program_camera *camera);
void shots_destroy(struct shots *shots);

/*
 * The picture for REQUEST, of a keyframe that is in the ring. AFTER_NS: it must have been published later than that (CLOCK_MONOTONIC); 0:
 * any. 0, and *SHOT is valid until the next call; -EAGAIN: there is no keyframe yet; -EBADMSG, -ENOTSUP: it cannot be decoded; -ENOMEM;
 * other negative errno: the ring cannot be read.
 */
int shots_get(struct shots *shots, const struct request *request, int64_t after_ns, const struct shot **shot);

/* What all streams together have decoded and encoded. */
struct shots_counts {
    json_int_t decoded, encoded, failed;
};
struct shots_counts shots_counts(void);

/* Forgets what is old. True: something is kept still. */
bool shots_clean(struct shots *shots, uint64_t now_ms);

#endif
