/* SPDX-License-Identifier: MIT */
/*
 * NAL units of H.264 (ISO/IEC 14496-10) and H.265 (ISO/IEC 23008-2): finding them in an access unit and
 * telling their kinds. Nothing is copied: a unit points into the data that is read. Any process, any thread.
 */
#ifndef INGEST_CODEC_NAL_H
#define INGEST_CODEC_NAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nal_codec { NAL_H264, NAL_H265 };

/* Bytes of the length before each NAL unit of a sample (lengthSizeMinusOne is 3), and of an access unit that
 * came over RTP. */
#define NAL_LENGTH_SIZE 4

/* One NAL unit, header included, start code or length excluded; never empty. */
struct nal {
    const uint8_t *data;
    size_t size;
};

/* What a unit is for, as far as a muxer has to know. */
enum nal_kind {
    NAL_KIND_SLICE,    /* coded picture data that needs earlier pictures */
    NAL_KIND_KEYFRAME, /* coded picture data where decoding can begin: IDR, CRA, BLA */
    NAL_KIND_VPS,
    NAL_KIND_SPS,
    NAL_KIND_PPS,
    NAL_KIND_DISPOSABLE, /* AUD, filler, end of sequence, end of stream: left out of a sample of MP4 */
    NAL_KIND_OTHER,      /* SEI, and all else that goes along with the picture */
};

/* A place in an access unit. LENGTH_SIZE 0: Annex B byte stream; 1…4: each unit follows its length. */
struct nal_reader {
    const uint8_t *next;
    const uint8_t *end;
    unsigned length_size;
};

/* The first 00 00 01 between BEGIN and END (Annex B), or END. */
const uint8_t *nal_find_start_code(const uint8_t *begin, const uint8_t *end);

void nal_reader_init(struct nal_reader *reader, const uint8_t *data, size_t size, unsigned length_size);

/*
 * The next unit that is not empty. 1: *nal is set; 0: the end; -EBADMSG: a length reaches past the end; the
 * units before it are good.
 */
int nal_reader_next(struct nal_reader *reader, struct nal *nal);

enum nal_kind nal_kind(enum nal_codec codec, const struct nal *nal);

/* True for a slice of a bi-predicted picture. H.264 only: H.265 declares reordering in its SPS, H.264 may leave it out. */
bool nal_is_b_slice(enum nal_codec codec, const struct nal *nal);

/*
 * True for SEI with a recovery point (ITU-T H.264, D.1.8; H.265, D.2.8): a decoder that begins there has
 * whole pictures after some time, although no keyframe comes. A message of more than 256 bytes hides what follows it.
 */
bool nal_has_recovery_point(enum nal_codec codec, const struct nal *nal);

#endif
