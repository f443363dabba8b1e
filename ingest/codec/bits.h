/* SPDX-License-Identifier: MIT */
/*
 * Reads bits, most significant first. Two forms: the payload of a NAL unit (ITU-T H.264 and H.265, 7.2 and
 * 9.2/9.3), whose emulation prevention bytes (00 00 03) are left out, and plain bytes, as MPEG-4 audio has
 * them. The reader belongs to its caller and never reads past SIZE: once it would, every further value is 0
 * and bits_overrun is true. Any process, any thread.
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
    unsigned zeros;   /* zero bytes in a row before the next one */
    bool plain;       /* there are no emulation prevention bytes */
    bool overrun;
};

/* DATA is what follows the header of a NAL unit. */
void bits_init(struct bits *bits, const uint8_t *data, size_t size);

void bits_init_plain(struct bits *bits, const uint8_t *data, size_t size);

/* COUNT ≤ 32 bits: u(n). */
uint32_t bits_read(struct bits *bits, unsigned count);

void bits_skip(struct bits *bits, unsigned count);

/* Exp-Golomb codes: ue(v) and se(v). */
uint32_t bits_read_ue(struct bits *bits);
int32_t bits_read_se(struct bits *bits);

/* A number as the sum of bytes, of which the first one below 255 is the last: lengths in SEI messages and LATM. */
uint32_t bits_read_sum(struct bits *bits);

/* Copies COUNT bytes to OUT, from any bit on. Plain only. False: fewer bytes are left. */
bool bits_copy(struct bits *bits, uint8_t *out, size_t count);

/* Bits read so far, and bits that are left. Plain only. */
size_t bits_position(const struct bits *bits);
size_t bits_left(const struct bits *bits);

bool bits_overrun(const struct bits *bits);

#endif
