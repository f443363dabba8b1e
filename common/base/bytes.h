/* SPDX-License-Identifier: MIT */
/*
 * Numbers in network byte order (big-endian), as RTP, ISO BMFF boxes and parameter sets hold them, at any
 * alignment. The caller has checked that the bytes are there. Pure functions: any process, any thread.
 */
#ifndef COMMON_BASE_BYTES_H
#define COMMON_BASE_BYTES_H

#include <stdint.h>

static inline uint16_t bytes_get_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t bytes_get_be24(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
}

static inline uint32_t bytes_get_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes_get_be16(bytes) << 16 | bytes_get_be16(bytes + 2);
}

static inline uint64_t bytes_get_be64(const uint8_t *bytes)
{
    return (uint64_t)bytes_get_be32(bytes) << 32 | bytes_get_be32(bytes + 4);
}

static inline void bytes_put_be16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* The low 24 bits of VALUE. */
static inline void bytes_put_be24(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 16);
    bytes_put_be16(bytes + 1, (uint16_t)value);
}

static inline void bytes_put_be32(uint8_t *bytes, uint32_t value)
{
    bytes_put_be16(bytes, (uint16_t)(value >> 16));
    bytes_put_be16(bytes + 2, (uint16_t)value);
}

static inline void bytes_put_be64(uint8_t *bytes, uint64_t value)
{
    bytes_put_be32(bytes, (uint32_t)(value >> 32));
    bytes_put_be32(bytes + 4, (uint32_t)value);
}

#endif
