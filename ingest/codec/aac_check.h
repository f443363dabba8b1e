/* SPDX-License-Identifier: MIT */
/*
 * Checks units of AAC before they are published, because a browser whose decoder fails gives up the whole sound. ADTS headers
 * are removed. Each unit must begin as one can (ISO/IEC 14496-3, 4.4.2); until the stream has proved itself, and now and
 * then afterwards, libavcodec must also be able to decode it. Owned by the publisher's audio; one thread.
 */
#ifndef INGEST_CODEC_AAC_CHECK_H
#define INGEST_CODEC_AAC_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aac_check;

/* Frames in one unit that are checked: no packet has more. */
#define AAC_CHECK_FRAMES_MAX 16

/* A raw frame within a unit. */
struct aac_frame {
    const uint8_t *data; /* the unit's */
    size_t size;
    bool good;
};

/* For a stream with this AudioSpecificConfig. 0; -ENOMEM. */
int aac_check_create(const uint8_t *config, size_t size, struct aac_check **check);

/* NULL is allowed. */
void aac_check_destroy(struct aac_check *check);

/*
 * Finds the raw frames of a unit: the unit itself, or those after its ADTS headers. Returns their number, at least 1. A frame
 * that cannot be AAC of this stream is not `good`.
 */
size_t aac_check_split(struct aac_check *check, const uint8_t *data, size_t size,
                       struct aac_frame frames[AAC_CHECK_FRAMES_MAX]);

/* Writes a silent frame for CHANNELS channels and returns its bytes; 0: not known for so many channels. */
#define AAC_SILENCE_SIZE 8
size_t aac_silence(unsigned channels, uint8_t out[AAC_SILENCE_SIZE]);

#endif
