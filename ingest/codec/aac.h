/* SPDX-License-Identifier: MIT */
/*
 * The AudioSpecificConfig of an AAC stream (ISO/IEC 14496-3, 1.6.2.1), which names its object type, rate and
 * frame length. Pure functions: any process, any thread.
 */
#ifndef INGEST_CODEC_AAC_H
#define INGEST_CODEC_AAC_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that aac_write_config writes at most. */
#define AAC_CONFIG_SIZE 5

struct aac_config {
    unsigned object_type;  /* as in RFC 6381: 5 or 29 if SBR or PS is signalled explicitly */
    uint32_t sample_rate;  /* of the AAC core, Hz */
    unsigned channels;     /* channelConfiguration; 0: described elsewhere */
    unsigned frame_length; /* samples of the AAC core in an access unit: 1024 or 960 */
    size_t size;           /* bytes of the configuration itself; those after it do not belong to it */
};

/* The rate of samplingFrequencyIndex INDEX in Hz (table 1.18); 0: it has none. */
uint32_t aac_frequency(unsigned index);

/* 0; -EBADMSG: truncated, or not a kind of AAC that goes into `mp4a`. */
int aac_parse_config(const uint8_t *data, size_t size, struct aac_config *config);

/* Writes the configuration of OBJECT_TYPE (1…4) without extensions. Returns its bytes. */
size_t aac_write_config(unsigned object_type, uint32_t sample_rate, unsigned channels,
                        uint8_t out[AAC_CONFIG_SIZE]);

#endif
