/*
 * The answer to `GET /api/cameras`, kept as text. Only the rows that have changed since the last request are
 * written again. Without a change a request costs nothing, however many cameras there are; that matters
 * because the same thread sends the fragments. ringcast-fanout's only thread.
 */
#ifndef FANOUT_CAMERA_LIST_H
#define FANOUT_CAMERA_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "fanout/http/assets.h"
#include "fanout/stream.h"

struct camera_list {
    char *body; /* NULL before the first request */
    size_t length, room;
    char etag[ASSET_ETAG_SIZE];
    uint64_t changes;   /* feed_set.changes when the body was made */
    uint64_t prefix;    /* a hash of the prefix that it was made with */
    uint64_t rows_made; /* how many since the start */
};

/* Brings the list up to date, with PREFIX before each path in it. 0; -ENOMEM: there is no body now. */
int camera_list_update(struct camera_list *list, const struct streams *streams, const char *prefix);

void camera_list_finish(struct camera_list *list);

#endif
