/* SPDX-License-Identifier: MIT */
/*
 * Turns an access unit (a coded picture with what belongs to it) into a sample of MP4: NAL units after 4-byte
 * lengths, without delimiters and parameter sets (ISO/IEC 14496-15, 5.3.2 and 8.3.2). It points into the
 * access unit that it has read, and copies only when it writes the sample. Owned by the publisher; one
 * thread.
 */
#ifndef INGEST_CODEC_SAMPLE_WRITER_H
#define INGEST_CODEC_SAMPLE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/nal.h"

/* Slices and SEI of a picture: cameras that cut slices to the size of a packet reach about 200 at 4K. */
#define SAMPLE_WRITER_NALS_MAX 512

/* Parameter sets in one access unit; further ones are left out. */
#define SAMPLE_WRITER_PARAMETERS_MAX 16

struct sample_writer {
    struct nal nals[SAMPLE_WRITER_NALS_MAX];
    size_t count;
    struct nal parameters[SAMPLE_WRITER_PARAMETERS_MAX];
    size_t parameter_count;
    size_t sample_size; /* bytes that sample_writer_write writes */
    bool picture;       /* it has coded picture data */
    bool keyframe;      /* decoding can begin here */
    bool b_slices;      /* H.264: a bi-predicted slice */
};

/*
 * Finds the NAL units of an access unit. KEY_HINT: the source takes it for a keyframe, although none of its NAL
 * units is one (gradual refresh, recovery point). 0; -E2BIG: more NAL units than SAMPLE_WRITER_NALS_MAX. Of an access
 * unit that is damaged at its end, the units before the damage are kept.
 */
int sample_writer_read(struct sample_writer *writer, enum nal_codec codec, struct nal_reader *reader,
                       bool key_hint);

/* Writes the sample to OUT and returns the place after it. */
uint8_t *sample_writer_write(const struct sample_writer *writer, uint8_t *out);

#endif
