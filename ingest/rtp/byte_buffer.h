/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are put together, up to a limit. The buffer grows as needed and keeps its addresses, so that a stream whose access
 * units have reached their full size needs no further allocation; of the memory behind them it keeps what most units need. The
 * caller's; one thread.
 */
#ifndef INGEST_RTP_BYTE_BUFFER_H
#define INGEST_RTP_BYTE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct byte_buffer {
    uint8_t *data; /* owned */
    size_t size;
    size_t room;
    size_t limit;
    size_t usual; /* bytes of what was cleared, on the average */
};

void byte_buffer_init(struct byte_buffer *buffer, size_t limit);
void byte_buffer_finish(struct byte_buffer *buffer);

/* Nothing is in it any more. Where it held far more than usual, as a keyframe among other pictures, the pages of the rest are given
 * back: it costs page faults when the next one comes, between its packets. */
void byte_buffer_clear(struct byte_buffer *buffer);

/* 0; -EMSGSIZE: it would be longer than its limit; -ENOMEM. On error nothing is added. */
int byte_buffer_add(struct byte_buffer *buffer, const void *data, size_t size);

#endif
