/*
 * Reads the bits of a NAL unit's payload (ITU-T H.264 and H.265, 7.2 and 9.2/9.3), leaving out the emulation
 * prevention bytes (00 00 03). The reader belongs to its caller and never reads past SIZE: once it would,
 * every further value is 0 and bits_overrun says so. Any process, any thread.
 */
#ifndef INGEST_CODEC_BITS_H
#define INGEST_CODEC_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits {
    const uint8_t *data;
    size_t size;
    size_t next;      /* index of the next byte */
    unsigned current; /* byte being read */
    unsigned left;    /* bits of it not read yet */
    unsigned zeros;   /* zero bytes in a row before NEXT */
    bool overrun;
};

void bits_init(struct bits *bits, const uint8_t *data, size_t size);

/* COUNT ≤ 32 bits, most significant first: u(n). */
uint32_t bits_read(struct bits *bits, unsigned count);

void bits_skip(struct bits *bits, unsigned count);

/* Exp-Golomb codes: ue(v) and se(v). */
uint32_t bits_read_ue(struct bits *bits);
int32_t bits_read_se(struct bits *bits);

bool bits_overrun(const struct bits *bits);

#endif
