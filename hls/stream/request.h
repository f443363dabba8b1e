/* SPDX-License-Identifier: MIT */
/*
 * What a client asks for: the name behind `/hls/NAME/`, and the delivery directives in its query (RFC 8216bis, 6.2.5). Both come
 * from the network. Pure functions; any process, any thread.
 */
#ifndef HLS_STREAM_REQUEST_H
#define HLS_STREAM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_kind {
    REQUEST_UNKNOWN,  /* nothing has that name */
    REQUEST_BAD,      /* directives that cannot be */
    REQUEST_INDEX,    /* `index.m3u8`: the multivariant playlist */
    REQUEST_PLAYLIST, /* `main.m3u8`, `sub.m3u8` */
    REQUEST_INIT,     /* `main-HOLD-i1.mp4` */
    REQUEST_SEGMENT,  /* `main-HOLD-s1.m4s` */
    REQUEST_PART,     /* `main-HOLD-p1.m4s` */
};

enum request_stream { REQUEST_MAIN, REQUEST_SUB, REQUEST_STREAMS };

struct request {
    enum request_kind kind;
    enum request_stream stream;
    uint32_t hold;   /* of which time that the stream was held */
    uint64_t number; /* of init segment, segment, part */
    /* Of a playlist: */
    bool blocks;      /* `_HLS_msn` is there */
    bool names_part;  /* `_HLS_part` is there, too */
    bool skips;       /* `_HLS_skip` */
    uint64_t segment; /* `_HLS_msn` */
    uint64_t part;    /* `_HLS_part` */
};

/* The values of a query that count here; NULL: not there. */
struct request_query {
    const char *segment, *part, *skip;
};

/* NAME: the path behind `/hls/NAME/`. */
struct request request_read(const char *name, const struct request_query *query);

/* "main", "sub". */
const char *request_stream_name(enum request_stream stream);

#endif
