/* SPDX-License-Identifier: MIT */
/*
 * The header of an AAC frame where nothing else describes the stream (ADTS; ISO/IEC 14496-3,
 * 1.A.2.2). Pure functions: any process, any thread.
 */
#ifndef INGEST_CODEC_ADTS_H
#define INGEST_CODEC_ADTS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a header without its checksum: what adts_parse needs. */
#define ADTS_HEADER_SIZE 7

struct adts_header {
    unsigned object_type; /* 1…4 */
    uint32_t sample_rate; /* Hz */
    unsigned channels;    /* channelConfiguration; 0: described in the frame */
    size_t header_size;   /* with the checksum, if there is one */
    size_t frame_size;    /* header included */
};

/* 0; -EBADMSG: not a header, or one of a kind that cameras do not send (several blocks in a frame). */
int adts_parse(const uint8_t *data, size_t size, struct adts_header *header);

#endif
