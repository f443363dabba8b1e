/* SPDX-License-Identifier: MIT */
/*
 * Boxes of ISO/IEC 14496-12, in memory that nobody has checked: sizes are compared with what is there before anything is read.
 * Pure functions: any thread.
 */
#ifndef COMMON_BASE_BOX_H
#define COMMON_BASE_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of somebody else's memory. */
struct span {
    const uint8_t *data;
    size_t size;
};

/* A box: its type and what follows its header. */
struct box {
    uint32_t type;
    struct span body;
};

#define BOX_TYPE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* Takes the box at the beginning of REST off. False: there is none, or it is larger than REST. */
bool box_next(struct span *rest, struct box *box);

/* The first box of TYPE in SPAN. False: there is none. */
bool box_find(struct span span, uint32_t type, struct span *body);

/* What the boxes of PATH, COUNT types from the outside in, hold. False: one is missing. */
bool box_find_path(struct span span, const uint32_t *path, size_t count, struct span *body);

/* Takes SIZE bytes off the beginning of REST. NULL: there are fewer. */
const uint8_t *span_take(struct span *rest, size_t size);

#endif
