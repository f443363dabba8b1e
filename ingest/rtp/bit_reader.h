/*
 * Reads bits as they are written, most significant first: MPEG-4 audio has no emulation prevention. Never
 * reads past SIZE: once it would, every further value is 0 and `overrun` says so. Any process, any thread.
 */
#ifndef INGEST_RTP_BIT_READER_H
#define INGEST_RTP_BIT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bit_reader {
    const uint8_t *data;
    size_t size; /* bits */
    size_t next; /* bit */
    bool overrun;
};

void bit_reader_init(struct bit_reader *reader, const uint8_t *data, size_t bytes);

/* COUNT ≤ 32 bits. */
uint32_t bit_reader_read(struct bit_reader *reader, unsigned count);

void bit_reader_skip(struct bit_reader *reader, size_t count);

/* COUNT bytes to OUT, from any bit on. False: there are not so many. */
bool bit_reader_copy(struct bit_reader *reader, uint8_t *out, size_t count);

#endif
