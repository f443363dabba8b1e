/* SPDX-License-Identifier: MIT */
/*
 * The messages of bench_floor: a header, then filler up to the given length. Host byte order, same machine.
 * Pure functions: any thread.
 */
#ifndef TESTS_BENCH_RAW_MESSAGE_H
#define TESTS_BENCH_RAW_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a viewer sends to be served. */
#define RAW_HELLO "floor\n"

struct raw_header {
    uint32_t length;   /* of the whole message, this header included */
    uint32_t sequence; /* 1, 2, 3 … */
    int64_t sent_ns;   /* CLOCK_MONOTONIC, before the first viewer's send */
};

struct raw_stream {
    struct raw_header header;
    size_t have; /* bytes of the present message */
};

/*
 * Takes bytes from *data, which has *length, up to the end of the present message. True: it is complete, and
 * stream->header describes it until the next call.
 */
bool raw_stream_next(struct raw_stream *stream, const uint8_t **data, size_t *length);

#endif
