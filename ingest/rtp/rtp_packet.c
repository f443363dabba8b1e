/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/rtp_packet.h"

#include <errno.h>

#include "common/base/bytes.h"

#define HEADER_SIZE 12

enum { VERSION_2 = 0x80, VERSION_MASK = 0xc0, PADDING = 0x20, EXTENSION = 0x10, CSRC_COUNT = 0x0f };

/* Bytes of the header extension that *size bytes at DATA begin with, or -EBADMSG. */
static int extension_size(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return -EBADMSG;
    }
    int length = 4 + 4 * bytes_get_be16(data + 2);
    return (size_t)length > size ? -EBADMSG : length;
}

int rtp_packet_parse(const uint8_t *data, size_t size, struct rtp_packet *packet)
{
    if (size < HEADER_SIZE || (data[0] & VERSION_MASK) != VERSION_2) {
        return -EBADMSG;
    }
    packet->marker = (data[1] & 0x80) != 0;
    packet->payload_type = data[1] & 0x7f;
    packet->sequence = bytes_get_be16(data + 2);
    packet->timestamp = bytes_get_be32(data + 4);
    packet->ssrc = bytes_get_be32(data + 8);

    size_t begin = HEADER_SIZE + 4 * (size_t)(data[0] & CSRC_COUNT);
    if (begin > size) {
        return -EBADMSG;
    }
    if ((data[0] & EXTENSION) != 0) {
        int extension = extension_size(data + begin, size - begin);
        if (extension < 0) {
            return extension;
        }
        begin += (size_t)extension;
    }
    size_t padding = 0;
    if ((data[0] & PADDING) != 0) {
        padding = size > begin ? data[size - 1] : 0;
        if (padding == 0 || padding > size - begin) {
            return -EBADMSG;
        }
    }
    packet->payload = data + begin;
    packet->size = size - begin - padding;
    return 0;
}
