/* SPDX-License-Identifier: MIT */
#include "ingest/rtp/codec_probe.h"

#include "common/base/bytes.h"

#define FORBIDDEN_BIT 0x80

/* Whether the unit whose length is at AT, with MORE bytes between both, ends within SIZE bytes of PAYLOAD. */
static bool unit_fits(size_t size, size_t at, const uint8_t *payload, size_t more)
{
    return size > at + 2 + more && bytes_get_be16(payload + at) <= size - at - 2 - more;
}

/* H.264: RFC 6184, table 1, and ITU-T H.264, table 7-1 and 7.4.1 (nal_ref_idc). */
static bool may_be_h264(const uint8_t *payload, size_t size)
{
    unsigned reference = payload[0] >> 5 & 3;

    if ((payload[0] & FORBIDDEN_BIT) != 0) {
        return false;
    }
    switch (payload[0] & 0x1f) {
    case 1: /* slice */
        return true;
    case 5: /* IDR */
    case 7: /* SPS */
    case 8: /* PPS */
        return reference != 0;
    case 6:  /* SEI */
    case 9:  /* delimiter */
    case 12: /* filler */
        return reference == 0;
    case 24: /* STAP-A: a length that fits */
        return unit_fits(size, 1, payload, 0);
    case 25: /* STAP-B: behind a decoding order number */
        return unit_fits(size, 3, payload, 0);
    case 26: /* MTAP16 and MTAP24: and before another one and a time */
        return unit_fits(size, 3, payload, 3);
    case 27:
        return unit_fits(size, 3, payload, 4);
    case 28: /* FU-A, FU-B: their reserved bit is 0; what is cut is a slice, SEI or a parameter set */
    case 29:
        return size > 1 && (payload[1] & 0x20) == 0 &&
               ((payload[1] & 0x1f) == 1 || ((payload[1] & 0x1f) >= 5 && (payload[1] & 0x1f) <= 8));
    default:
        return false;
    }
}

/* H.265, of the base layer: RFC 7798, 1.1.4 and 4.4, and ITU-T H.265, table 7-1. */
static bool may_be_h265(const uint8_t *payload, size_t size)
{
    unsigned type = payload[0] >> 1 & 0x3f;

    if (size < 2 || (payload[0] & (FORBIDDEN_BIT | 1)) != 0 || payload[1] >> 3 != 0 ||
        (payload[1] & 7) == 0) {
        return false;
    }
    return type <= 9                      /* slices */
           || (type >= 16 && type <= 21)  /* BLA, IDR, CRA */
           || (type >= 32 && type <= 40)  /* parameter sets, delimiter, SEI */
           || (type >= 48 && type <= 50); /* AP, FU, PACI */
}

enum media_codec codec_probe_look(struct codec_probe *probe, const uint8_t *payload, size_t size)
{
    if (probe->settled) {
        return probe->expected;
    }
    if (size == 0) {
        return MEDIA_CODEC_NONE;
    }
    bool h264 = may_be_h264(payload, size);
    bool h265 = may_be_h265(payload, size);
    if (h264 == h265) {
        return MEDIA_CODEC_NONE;
    }
    enum media_codec speaks_for = h264 ? MEDIA_CODEC_H264 : MEDIA_CODEC_H265;
    if (speaks_for != probe->expected && ++probe->others < CODEC_PROBE_PROOF && probe->announced) {
        return MEDIA_CODEC_NONE;
    }
    probe->expected = speaks_for;
    probe->settled = true;
    return speaks_for;
}
