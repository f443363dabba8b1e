/*
 * One access unit (coded picture with what belongs to it) as a sample of MP4 wants it: NAL units with 4-byte
 * lengths, without delimiters and parameter sets (ISO/IEC 14496-15, 5.3.2 and 8.3.2). Points into the data
 * that it was parsed from. Owned by the publisher; one thread.
 */
#ifndef INGEST_CODEC_SAMPLE_WRITER_H
#define INGEST_CODEC_SAMPLE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/nal.h"

/* Slices and SEI of a picture: cameras that cut slices to the size of a packet reach about 200 at 4K. */
#define ACCESS_UNIT_NALS_MAX 512

/* Parameter sets in one access unit; further ones are left out. */
#define ACCESS_UNIT_PARAMETERS_MAX 16

/* Bytes of the length before each NAL unit of a sample (lengthSizeMinusOne is 3). */
#define ACCESS_UNIT_LENGTH_SIZE 4

struct access_unit {
    struct nal nals[ACCESS_UNIT_NALS_MAX];
    size_t count;
    struct nal parameters[ACCESS_UNIT_PARAMETERS_MAX];
    size_t parameter_count;
    size_t sample_size; /* bytes that access_unit_write writes */
    bool picture;       /* there is coded picture data */
    bool keyframe;      /* decoding can begin here */
    bool b_slices;      /* H.264: a bi-predicted slice */
};

/*
 * KEY_HINT: the source holds this for a keyframe, though no NAL unit says so (gradual refresh, recovery
 * point). 0; -E2BIG: more NAL units than there is room for. A unit damaged at its end keeps what came before.
 */
int access_unit_parse(struct access_unit *unit, enum nal_codec codec, struct nal_reader *reader,
                      bool key_hint);

/* Writes the sample and returns the place after it. */
uint8_t *access_unit_write(const struct access_unit *unit, uint8_t *out);

#endif
