/* SPDX-License-Identifier: MIT */
#include "ingest/codec/nal.h"

#include <errno.h>

#include "ingest/codec/bits.h"

/* ISO/IEC 14496-10, table 7-1. */
enum {
    H264_SLICE = 1,
    H264_SLICE_PARTITION_C = 4,
    H264_IDR = 5,
    H264_SEI = 6,
    H264_SPS = 7,
    H264_PPS = 8,
    H264_AUD = 9,
    H264_END_OF_SEQUENCE = 10,
    H264_END_OF_STREAM = 11,
    H264_FILLER = 12,
};

/* ISO/IEC 23008-2, table 7-1. */
enum {
    H265_SLICE_LAST = 15,
    H265_BLA_W_LP = 16,
    H265_CRA = 21,
    H265_VCL_LAST = 31,
    H265_VPS = 32,
    H265_SPS = 33,
    H265_PPS = 34,
    H265_AUD = 35,
    H265_END_OF_SEQUENCE = 36,
    H265_END_OF_STREAM = 37,
    H265_FILLER = 38,
    H265_SEI_PREFIX = 39,
};

/* SEI: a message of this type, and the longest that is skipped in search of it. */
#define SEI_RECOVERY_POINT 6
#define SEI_SIZE_MAX 256

/* Bytes of a slice header that hold its first two Exp-Golomb codes. */
#define SLICE_HEADER_PROBE 16

void nal_reader_init(struct nal_reader *reader, const uint8_t *data, size_t size, unsigned length_size)
{
    *reader = (struct nal_reader){.next = data, .end = data + size, .length_size = length_size};
}

const uint8_t *nal_find_start_code(const uint8_t *begin, const uint8_t *end)
{
    const uint8_t *p = begin;

    while (end - p >= 3) {
        if (p[2] > 1) {
            p += 3;
        } else if (p[2] == 1 && p[0] == 0 && p[1] == 0) {
            return p;
        } else {
            p++;
        }
    }
    return end;
}

static int next_annexb(struct nal_reader *reader, struct nal *nal)
{
    for (;;) {
        const uint8_t *code = nal_find_start_code(reader->next, reader->end);
        if (code == reader->end) {
            reader->next = reader->end;
            return 0;
        }
        const uint8_t *begin = code + 3;
        const uint8_t *end = nal_find_start_code(begin, reader->end);
        reader->next = end;
        /*
         * Zeros before a start code are its own or trailing ones: a unit never ends in a zero byte (7.4.1).
         */
        while (end > begin && end[-1] == 0) {
            end--;
        }
        if (end > begin) {
            *nal = (struct nal){begin, (size_t)(end - begin)};
            return 1;
        }
    }
}

static int next_prefixed(struct nal_reader *reader, struct nal *nal)
{
    for (;;) {
        size_t left = (size_t)(reader->end - reader->next);
        if (left == 0) {
            return 0;
        }
        if (left < reader->length_size) {
            return -EBADMSG;
        }
        size_t length = 0;
        for (unsigned i = 0; i < reader->length_size; i++) {
            length = length << 8 | reader->next[i];
        }
        if (length > left - reader->length_size) {
            return -EBADMSG;
        }
        *nal = (struct nal){reader->next + reader->length_size, length};
        reader->next += reader->length_size + length;
        if (length > 0) {
            return 1;
        }
    }
}

int nal_reader_next(struct nal_reader *reader, struct nal *nal)
{
    return reader->length_size == 0 ? next_annexb(reader, nal) : next_prefixed(reader, nal);
}

static enum nal_kind h264_kind(unsigned type)
{
    switch (type) {
    case H264_IDR:
        return NAL_KIND_KEYFRAME;
    case H264_SPS:
        return NAL_KIND_SPS;
    case H264_PPS:
        return NAL_KIND_PPS;
    case H264_AUD:
    case H264_END_OF_SEQUENCE:
    case H264_END_OF_STREAM:
    case H264_FILLER:
        return NAL_KIND_DISPOSABLE;
    default:
        return type >= H264_SLICE && type <= H264_SLICE_PARTITION_C ? NAL_KIND_SLICE : NAL_KIND_OTHER;
    }
}

static enum nal_kind h265_kind(unsigned type)
{
    switch (type) {
    case H265_VPS:
        return NAL_KIND_VPS;
    case H265_SPS:
        return NAL_KIND_SPS;
    case H265_PPS:
        return NAL_KIND_PPS;
    case H265_AUD:
    case H265_END_OF_SEQUENCE:
    case H265_END_OF_STREAM:
    case H265_FILLER:
        return NAL_KIND_DISPOSABLE;
    default:
        if (type <= H265_SLICE_LAST) {
            return NAL_KIND_SLICE;
        }
        if (type >= H265_BLA_W_LP && type <= H265_CRA) {
            return NAL_KIND_KEYFRAME;
        }
        return type <= H265_VCL_LAST ? NAL_KIND_SLICE : NAL_KIND_OTHER;
    }
}

enum nal_kind nal_kind(enum nal_codec codec, const struct nal *nal)
{
    if (codec == NAL_H264) {
        return h264_kind(nal->data[0] & 0x1f);
    }
    return h265_kind(nal->data[0] >> 1 & 0x3f);
}

bool nal_is_b_slice(enum nal_codec codec, const struct nal *nal)
{
    struct bits bits;

    if (codec != NAL_H264 || (nal->data[0] & 0x1f) != H264_SLICE) {
        return false;
    }
    bits_init(&bits, nal->data + 1, nal->size - 1 < SLICE_HEADER_PROBE ? nal->size - 1 : SLICE_HEADER_PROBE);
    bits_read_ue(&bits); /* first_mb_in_slice */
    uint32_t slice_type = bits_read_ue(&bits);
    return !bits_overrun(&bits) && slice_type % 5 == 1;
}

bool nal_has_recovery_point(enum nal_codec codec, const struct nal *nal)
{
    size_t header = codec == NAL_H264 ? 1 : 2;
    unsigned type = codec == NAL_H264 ? nal->data[0] & 0x1fu : nal->data[0] >> 1 & 0x3fu;
    struct bits bits;

    if (type != (codec == NAL_H264 ? H264_SEI : H265_SEI_PREFIX) || nal->size <= header) {
        return false;
    }
    bits_init(&bits, nal->data + header, nal->size - header);
    while (!bits_overrun(&bits)) {
        uint32_t payload = bits_read_sum(&bits); /* payloadType and payloadSize, 7.3.2.3.1 */
        uint32_t size = bits_read_sum(&bits);
        if (payload == SEI_RECOVERY_POINT && size > 0) {
            return !bits_overrun(&bits);
        }
        if (size > SEI_SIZE_MAX) {
            return false;
        }
        bits_skip(&bits, size * 8);
    }
    return false;
}
