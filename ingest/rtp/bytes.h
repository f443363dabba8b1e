/*
 * Numbers of a network protocol: big-endian, at any address. Any process, any thread.
 */
#ifndef INGEST_RTP_BYTES_H
#define INGEST_RTP_BYTES_H

#include <stdint.h>

static inline uint16_t bytes_read16(const uint8_t *data)
{
    return (uint16_t)(data[0] << 8 | data[1]);
}

static inline uint32_t bytes_read32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static inline uint8_t *bytes_write32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
    return out + 4;
}

#endif
