/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/byte_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room to begin with: most frames of a sub-stream. */
#define FIRST_ROOM 16384

void byte_buffer_init(struct byte_buffer *buffer, size_t limit)
{
    *buffer = (struct byte_buffer){.limit = limit};
}

void byte_buffer_finish(struct byte_buffer *buffer)
{
    free(buffer->data);
    byte_buffer_init(buffer, buffer->limit);
}

static int grow(struct byte_buffer *buffer, size_t needed)
{
    size_t room = buffer->room > 0 ? buffer->room : FIRST_ROOM;

    while (room < needed) {
        room *= 2;
    }
    uint8_t *data = realloc(buffer->data, room);
    if (!data) {
        return -ENOMEM;
    }
    buffer->data = data;
    buffer->room = room;
    return 0;
}

int byte_buffer_add(struct byte_buffer *buffer, const void *data, size_t size)
{
    if (size > buffer->limit - buffer->size) {
        return -EMSGSIZE;
    }
    if (size > buffer->room - buffer->size) {
        int result = grow(buffer, buffer->size + size);
        if (result < 0) {
            return result;
        }
    }
    if (size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
    }
    buffer->size += size;
    return 0;
}
