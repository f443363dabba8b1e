/* SPDX-License-Identifier: MIT */
/*
 * The answers to `GET /api/cameras`, kept as text: one for each set of cameras that visitors may watch. Only the rows that
 * have changed since the last request are written again, and a row is the same for all. Without a change a request costs
 * nothing, however many cameras there are; that matters because the same thread sends the fragments.
 * ringcast-fanout's only thread.
 */
#ifndef FANOUT_CAMERA_LIST_H
#define FANOUT_CAMERA_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "common/visitor/visitor.h"
#include "fanout/camera_groups.h"
#include "fanout/http/assets.h"
#include "fanout/stream.h"

/* Answers that are kept. With more sets of cameras those that were not asked for longest are made anew. */
#define CAMERA_LIST_BODIES 32u

/* What those who may watch the same get. */
struct camera_list_body {
    char *text; /* NULL: this place is free */
    size_t length, room;
    char etag[ASSET_ETAG_SIZE];
    bool everything;       /* for those who may watch every camera; otherwise RIGHTS say which */
    struct rights *rights; /* NULL: none */
    uint64_t changes;      /* feed_set.changes when it was made */
    uint64_t prefix;       /* a hash of the prefix that it was made with */
    uint64_t used;         /* when it was last asked for: counts requests */
    char *groups;          /* its member `groups`, as text; NULL: not made yet */
    uint64_t groups_key;   /* the same while the groups and the cameras' names are */
};

struct camera_list {
    struct camera_list_body bodies[CAMERA_LIST_BODIES];
    struct camera_groups groups; /* when they change, so do the streams' set's `changes` */
    uint64_t requests;
    uint64_t rows_made; /* how many since the start */
};

/*
 * The cameras that VISITOR may watch, with PREFIX before each path in it; valid until the next call. NULL: no memory.
 */
const struct camera_list_body *camera_list_get(struct camera_list *list, const struct streams *streams,
                                               const struct visitor *visitor, const char *prefix);

void camera_list_finish(struct camera_list *list);

#endif
