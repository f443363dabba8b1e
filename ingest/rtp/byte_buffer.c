/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/byte_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Room to begin with: most frames of a sub-stream. */
#define FIRST_ROOM 16384

/* The average is over about so many units. */
#define USUAL_UNITS 16

/* A smaller rest is not worth a system call, and the page faults of later units. */
#define REST_MIN 16384

void byte_buffer_init(struct byte_buffer *buffer, size_t limit)
{
    *buffer = (struct byte_buffer){.limit = limit};
}

void byte_buffer_finish(struct byte_buffer *buffer)
{
    free(buffer->data);
    byte_buffer_init(buffer, buffer->limit);
}

/* Of the memory behind the addresses from FROM to TO of the buffer, whole pages. What was in them is lost. */
static void give_back(const struct byte_buffer *buffer, size_t from, size_t to)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)buffer->data + from + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)buffer->data + to) & ~(page - 1);

    if (begin < end) {
        madvise(buffer->data + (begin - (uintptr_t)buffer->data), end - begin, MADV_DONTNEED);
    }
}

void byte_buffer_clear(struct byte_buffer *buffer)
{
    size_t keep = 2 * buffer->usual > FIRST_ROOM ? 2 * buffer->usual : FIRST_ROOM;

    if (buffer->size > keep + REST_MIN) {
        give_back(buffer, keep, buffer->size);
    }
    buffer->usual += buffer->size / USUAL_UNITS;
    buffer->usual -= buffer->usual / USUAL_UNITS;
    buffer->size = 0;
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
