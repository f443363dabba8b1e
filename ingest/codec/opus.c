/* SPDX-License-Identifier: MIT */
#include "ingest/codec/opus.h"

#include <stdbool.h>

/* Longest packet (rule R5): 120 ms. Longest frame (R2). */
#define DURATION_MAX (OPUS_RATE / 1000 * 120)
#define FRAME_SIZE_MAX 1275

/* Samples of one frame (3.1, table 2). */
static uint32_t frame_duration(uint8_t toc)
{
    static const uint16_t silk[] = {480, 960, 1920, 2880};
    static const uint16_t celt[] = {120, 240, 480, 960};
    unsigned configuration = toc >> 3;

    if (configuration < 12) {
        return silk[configuration % 4];
    }
    return configuration < 16 ? silk[configuration % 2] : celt[configuration % 4];
}

/* A length of one or two bytes (3.2.1). False: cut off. */
static bool read_length(const uint8_t **data, size_t *size, size_t *length)
{
    const uint8_t *bytes = *data;

    if (*size < 1 || (bytes[0] >= 252 && *size < 2)) {
        return false;
    }
    size_t used = bytes[0] >= 252 ? 2 : 1;
    *length = used == 2 ? bytes[1] * (size_t)4 + bytes[0] : bytes[0];
    *data += used;
    *size -= used;
    return true;
}

/* Padding of a packet of code 3 (3.2.5). False: it is longer than the packet. */
static bool take_padding(const uint8_t **data, size_t *size)
{
    size_t padding = 0;
    uint8_t more;

    do {
        if (*size < 1) {
            return false;
        }
        more = **data;
        padding += more == 255 ? 254 : more;
        (*data)++;
        (*size)--;
    } while (more == 255);
    if (padding > *size) {
        return false;
    }
    *size -= padding;
    return true;
}

/* Whether the rest of a packet of code 3 holds COUNT frames, of which each but the last may say its length. */
static bool holds_frames(const uint8_t *data, size_t size, unsigned count, bool variable)
{
    size_t sum = 0;

    if (!variable) {
        return size % count == 0 && size / count <= FRAME_SIZE_MAX;
    }
    for (unsigned i = 0; i + 1 < count; i++) {
        size_t length;
        if (!read_length(&data, &size, &length)) {
            return false;
        }
        sum += length;
    }
    return sum <= size && size - sum <= FRAME_SIZE_MAX;
}

/* Frames of a packet behind its first byte; 0: it breaks a rule. */
static unsigned count_frames(unsigned code, const uint8_t *data, size_t size)
{
    size_t length;

    switch (code) {
    case 0:
        return size <= FRAME_SIZE_MAX ? 1 : 0;
    case 1:
        return size % 2 == 0 && size / 2 <= FRAME_SIZE_MAX ? 2 : 0;
    case 2:
        return read_length(&data, &size, &length) && length <= size && size - length <= FRAME_SIZE_MAX ? 2
                                                                                                       : 0;
    default:
        break;
    }
    if (size < 1) {
        return 0;
    }
    uint8_t head = data[0];
    unsigned count = head & 0x3f;
    data++;
    size--;
    if (count == 0 || ((head & 0x40) != 0 && !take_padding(&data, &size))) {
        return 0;
    }
    return holds_frames(data, size, count, (head & 0x80) != 0) ? count : 0;
}

uint32_t opus_packet_duration(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    uint32_t duration = frame_duration(data[0]) * count_frames(data[0] & 3, data + 1, size - 1);
    return duration <= DURATION_MAX ? duration : 0;
}
