/*
 * What a packet of Opus says of itself (RFC 6716, 3). Pure functions: any process, any thread.
 */
#ifndef INGEST_CODEC_OPUS_H
#define INGEST_CODEC_OPUS_H

#include <stddef.h>
#include <stdint.h>

/* Rate of the times of Opus, in Hz, whatever was sampled. */
#define OPUS_RATE 48000

/* Samples of OPUS_RATE in the packet; 0: it breaks one of the rules of 3.4, so it is not Opus or damaged. */
uint32_t opus_packet_duration(const uint8_t *data, size_t size);

#endif
