/* SPDX-License-Identifier: MIT */
/*
 * The configuration's groups of cameras, as ringcastd sends them in the message `http`, for the list of cameras: which cameras
 * are in each group. Rights are asked by name elsewhere, and do not come from here. ringcast-fanout's only thread.
 */
#ifndef FANOUT_CAMERA_GROUPS_H
#define FANOUT_CAMERA_GROUPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fanout/stream.h"

struct camera_groups {
    json_t *list;     /* [{"name", "cameras": [pattern]}]; NULL: none */
    uint64_t changes; /* counts them */
};

/* Takes LIST (not consumed; NULL: none). 0; -EBADMSG: GROUPS are as they were. */
int camera_groups_set(struct camera_groups *groups, json_t *list);

/*
 * [{"name", "cameras": [name]}] with the cameras of STREAMS for which SHOWS is true: in the order of a group's patterns, and for
 * one pattern in that of the configuration. A group with none of them is left out, so its name is not told either. A new
 * array, or NULL: no memory.
 */
json_t *camera_groups_describe(const struct camera_groups *groups, const struct streams *streams,
                               bool (*shows)(const void *context, const struct stream *stream),
                               const void *context);

void camera_groups_finish(struct camera_groups *groups);

#endif
