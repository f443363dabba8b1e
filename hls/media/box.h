/* SPDX-License-Identifier: MIT */
/*
 * Boxes of ISO/IEC 14496-12 (4.2), read within bounds and written in place. Pure functions on the caller's memory; any process,
 * any thread.
 */
#ifndef HLS_MEDIA_BOX_H
#define HLS_MEDIA_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/bytes.h"

#define BOX_HEADER 8

/* Bytes of a box, or of what is in it. */
struct box_span {
    const uint8_t *data;
    size_t length;
};

struct box {
    uint32_t type;
    struct box_span whole;   /* with its header */
    struct box_span content; /* behind the header */
};

#define BOX_TYPE(text)                                                                                       \
    ((uint32_t)(uint8_t)(text)[0] << 24 | (uint32_t)(uint8_t)(text)[1] << 16 |                               \
     (uint32_t)(uint8_t)(text)[2] << 8 | (uint8_t)(text)[3])

/* Takes the next box off REST. 1; 0: there is nothing left; -1: what is left is not a box (or one of 64 bits). */
static inline int box_next(struct box_span *rest, struct box *box)
{
    if (rest->length == 0) {
        return 0;
    }
    if (rest->length < BOX_HEADER) {
        return -1;
    }
    size_t size = bytes_get_be32(rest->data);
    if (size < BOX_HEADER || size > rest->length) {
        return -1;
    }
    *box = (struct box){.type = bytes_get_be32(rest->data + 4),
                        .whole = {rest->data, size},
                        .content = {rest->data + BOX_HEADER, size - BOX_HEADER}};
    rest->data += size;
    rest->length -= size;
    return 1;
}

/* The one box of TYPE among those in SPAN. False: there is none, or several, or not all are boxes. */
static inline bool box_find(struct box_span span, uint32_t type, struct box *found)
{
    struct box box;
    int count = 0, result;

    while ((result = box_next(&span, &box)) == 1) {
        if (box.type == type) {
            *found = box;
            count++;
        }
    }
    return result == 0 && count == 1;
}

/* Takes 4 bytes off SPAN; false: they are not there. */
static inline bool box_take32(struct box_span *span, uint32_t *value)
{
    if (span->length < 4) {
        return false;
    }
    *value = bytes_get_be32(span->data);
    span->data += 4;
    span->length -= 4;
    return true;
}

static inline bool box_take64(struct box_span *span, uint64_t *value)
{
    uint32_t high, low;

    if (!box_take32(span, &high) || !box_take32(span, &low)) {
        return false;
    }
    *value = (uint64_t)high << 32 | low;
    return true;
}

/* Writing: each returns the place behind what it wrote. */

static inline uint8_t *box_put32(uint8_t *out, uint32_t value)
{
    bytes_put_be32(out, value);
    return out + 4;
}

static inline uint8_t *box_put64(uint8_t *out, uint64_t value)
{
    bytes_put_be64(out, value);
    return out + 8;
}

static inline uint8_t *box_put(uint8_t *out, size_t size, uint32_t type)
{
    return box_put32(box_put32(out, (uint32_t)size), type);
}

/* A full box: version and flags after the header. */
static inline uint8_t *box_put_full(uint8_t *out, size_t size, uint32_t type, unsigned version,
                                    uint32_t flags)
{
    return box_put32(box_put(out, size, type), (uint32_t)version << 24 | flags);
}

#endif
