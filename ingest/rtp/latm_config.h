/* SPDX-License-Identifier: MIT */
/*
 * The StreamMuxConfig of MPEG-4 audio (ISO/IEC 14496-3, 1.7.3.2.3), of the kind that cameras send: one
 * program with one layer of AAC, each frame after its length. Pure functions: any process, any
 * thread.
 */
#ifndef INGEST_RTP_LATM_CONFIG_H
#define INGEST_RTP_LATM_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/bits.h"

/* Bytes of the longest AudioSpecificConfig that is read here. */
#define LATM_CONFIG_AUDIO_MAX 16

struct latm_config {
    unsigned subframes;                   /* AUs in an element */
    unsigned other_bits;                  /* bits of other data after them */
    uint8_t audio[LATM_CONFIG_AUDIO_MAX]; /* AudioSpecificConfig, from a whole byte on */
    size_t audio_size;
};

/* Reads one from BITS (plain), which then stands behind it. 0; -EBADMSG: cut off; -ENOTSUP: of another kind. */
int latm_config_read(struct bits *bits, struct latm_config *config);

#endif
