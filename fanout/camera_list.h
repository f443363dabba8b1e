/*
 * The answer to `GET /api/cameras`, kept as text. Only the rows that have changed since the last request are
 * made again, and without a change a request costs nothing, however many cameras there are: it is answered on
 * the thread that sends the fragments. ringcast-fanout's only thread.
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
    uint64_t changes;   /* feed_set.changes that the body shows */
    uint64_t rows_made; /* since the start */
};

/* Brings the list up to date. 0 or -ENOMEM: then there is no body. */
int camera_list_update(struct camera_list *list, const struct streams *streams);

void camera_list_finish(struct camera_list *list);

#endif
