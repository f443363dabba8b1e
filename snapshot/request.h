/* SPDX-License-Identifier: MIT */
/*
 * What a question for a picture asks for in detail. Pure; any process, any thread.
 */
#ifndef SNAPSHOT_REQUEST_H
#define SNAPSHOT_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

/* Pixels that may be asked for. */
#define REQUEST_WIDTH_MIN 16
#define REQUEST_WIDTH_MAX 8192

struct request {
    unsigned width; /* 0: as wide as the picture */
    bool fresh;     /* the newest picture, not the newest keyframe */
};

/* Reads QUERY, an object of strings; names that it does not know are left out. NULL, or why it cannot be: a static text. */
const char *request_read(const json_t *query, struct request *request);

#endif
