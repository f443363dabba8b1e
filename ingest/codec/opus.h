/* SPDX-License-Identifier: MIT */
/*
 * The structure of an Opus packet (RFC 6716, 3). Pure functions: any process, any thread.
 */
#ifndef INGEST_CODEC_OPUS_H
#define INGEST_CODEC_OPUS_H

#include <stddef.h>
#include <stdint.h>

/* Hz: the rate of all times of Opus, whatever the sampling rate was. */
#define OPUS_RATE 48000

/* Samples of the packet, at OPUS_RATE; 0: it breaks one of the rules of 3.4, so it is damaged or not Opus. */
uint32_t opus_packet_duration(const uint8_t *data, size_t size);

#endif
