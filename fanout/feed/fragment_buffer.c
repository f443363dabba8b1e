/* SPDX-License-Identifier: MIT */
#include "fanout/feed/fragment_buffer.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"

/* Size and type of a box. */
#define BOX_HEADER_SIZE 8u

/* Big enough for most frames of a sub-stream, so that the first reads need not grow it. */
#define FIRST_ROOM 65536u

/* Size of the box of TYPE at DATA if it lies within LENGTH, else 0. */
static size_t box_size(const uint8_t *data, size_t length, const char type[4])
{
    if (length < BOX_HEADER_SIZE || memcmp(data + 4, type, 4) != 0) {
        return 0;
    }
    size_t size = bytes_get_be32(data);
    return size >= BOX_HEADER_SIZE && size <= length ? size : 0;
}

bool fragment_buffer_is_whole(const uint8_t *data, size_t length)
{
    size_t prft = box_size(data, length, "prft"); /* 0: there is none */
    size_t moof = box_size(data + prft, length - prft, "moof");
    if (!moof) {
        return false;
    }
    size_t head = prft + moof;
    size_t mdat = box_size(data + head, length - head, "mdat");
    return mdat && head + mdat == length;
}

int fragment_buffer_read(struct fragment_buffer *fragment, const ringcast_reader *reader,
                         ringcast_cursor *cursor)
{
    struct packet *packet = &fragment->packet;
    int result = packet_reserve(packet, FIRST_ROOM);
    if (result < 0) {
        return result;
    }
    result = ringcast_read(reader, cursor, packet_payload(packet), packet->room, &fragment->entry);
    /* The writer may replace the entry between two reads, so one more growth can be needed; capacity bounds
     * it. */
    while (result == -ENOSPC) {
        size_t needed = fragment->entry.length;
        if (needed <= packet->room || needed > ringcast_capacity(reader)) {
            return -EBADMSG;
        }
        result = packet_reserve(packet, needed);
        if (result < 0) {
            return result;
        }
        result = ringcast_read(reader, cursor, packet_payload(packet), packet->room, &fragment->entry);
    }
    if (result != 1) {
        return result;
    }
    packet->length = fragment->entry.length;
    return fragment_buffer_is_whole(packet_payload(packet), packet->length) ? 1 : -EILSEQ;
}
