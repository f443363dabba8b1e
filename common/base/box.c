/* SPDX-License-Identifier: MIT */
#include "common/base/box.h"

#include "common/base/bytes.h"

#define HEADER_SIZE 8
#define LARGE_HEADER_SIZE 16

const uint8_t *span_take(struct span *rest, size_t size)
{
    const uint8_t *taken = rest->data;

    if (rest->size < size) {
        return NULL;
    }
    rest->data += size;
    rest->size -= size;
    return taken;
}

bool box_next(struct span *rest, struct box *box)
{
    if (rest->size < HEADER_SIZE) {
        return false;
    }
    uint64_t size = bytes_get_be32(rest->data);
    size_t header = HEADER_SIZE;
    if (size == 1 && rest->size >= LARGE_HEADER_SIZE) {
        size = bytes_get_be64(rest->data + HEADER_SIZE);
        header = LARGE_HEADER_SIZE;
    } else if (size == 0) {
        size = rest->size; /* to the end (4.2) */
    }
    if (size < header || size > rest->size) {
        return false;
    }
    box->type = bytes_get_be32(rest->data + 4);
    box->body = (struct span){.data = rest->data + header, .size = (size_t)size - header};
    return span_take(rest, (size_t)size) != NULL;
}

bool box_find(struct span span, uint32_t type, struct span *body)
{
    struct box box;

    while (box_next(&span, &box)) {
        if (box.type == type) {
            *body = box.body;
            return true;
        }
    }
    return false;
}

bool box_find_path(struct span span, const uint32_t *path, size_t count, struct span *body)
{
    for (size_t i = 0; i < count; i++) {
        if (!box_find(span, path[i], &span)) {
            return false;
        }
    }
    *body = span;
    return true;
}
