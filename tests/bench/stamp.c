/* SPDX-License-Identifier: MIT */
#include "tests/bench/stamp.h"

#include <string.h>

#define SEI_NAL 0x06
#define SEI_USER_DATA_UNREGISTERED 5
#define NUMBER_DIGITS 16
#define UUID_SIZE 16
#define RBSP_TRAILING 0x80

/* Without a zero byte, for the same reason as the digits. */
static const uint8_t UUID[UUID_SIZE] = {0x72, 0x69, 0x6e, 0x67, 0x63, 0x61, 0x73, 0x74,
                                        0xa5, 0x62, 0x65, 0x6e, 0x63, 0x68, 0xc3, 0x91};

static uint8_t *write_number(uint8_t *out, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        *out++ = (uint8_t) "0123456789abcdef"[(value >> shift) & 15];
    }
    return out;
}

static bool read_number(const uint8_t *in, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < NUMBER_DIGITS; i++) {
        uint8_t digit = in[i];
        if (digit >= '0' && digit <= '9') {
            *value = *value << 4 | (uint64_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            *value = *value << 4 | (uint64_t)(digit - 'a' + 10);
        } else {
            return false;
        }
    }
    return true;
}

void stamp_write(uint8_t nal[STAMP_NAL_SIZE], const struct stamp *stamp)
{
    uint8_t *out = nal;
    *out++ = SEI_NAL;
    *out++ = SEI_USER_DATA_UNREGISTERED;
    *out++ = UUID_SIZE + 2 * NUMBER_DIGITS;
    memcpy(out, UUID, UUID_SIZE);
    out = write_number(out + UUID_SIZE, (uint64_t)stamp->capture_ns);
    out = write_number(out, stamp->frame);
    *out = RBSP_TRAILING;
}

bool stamp_read(const uint8_t *nal, size_t length, struct stamp *stamp)
{
    if (length < STAMP_NAL_SIZE || (nal[0] & 0x1f) != SEI_NAL || nal[1] != SEI_USER_DATA_UNREGISTERED) {
        return false;
    }
    if (memcmp(nal + 3, UUID, UUID_SIZE) != 0) {
        return false;
    }
    uint64_t capture;
    const uint8_t *numbers = nal + 3 + UUID_SIZE;
    if (!read_number(numbers, &capture) || !read_number(numbers + NUMBER_DIGITS, &stamp->frame)) {
        return false;
    }
    stamp->capture_ns = (int64_t)capture;
    return true;
}
