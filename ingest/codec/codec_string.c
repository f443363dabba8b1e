/* SPDX-License-Identifier: MIT */
#include "ingest/codec/codec_string.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint32_t reverse_bits(uint32_t value)
{
    uint32_t out = 0;

    for (unsigned i = 0; i < 32; i++) {
        out |= (value >> i & 1u) << (31 - i);
    }
    return out;
}

static void hevc_string(char out[CODEC_STRING_SIZE], const struct sps_profile *profile)
{
    static const char *const spaces[] = {"", "A", "B", "C"};
    size_t constraints = sizeof(profile->constraints);
    int length = snprintf(out, CODEC_STRING_SIZE, "hvc1.%s%u.%" PRIX32 ".%c%u", spaces[profile->space & 3],
                          profile->idc, reverse_bits(profile->compatibility), profile->tier != 0 ? 'H' : 'L',
                          profile->level);

    while (constraints > 0 && profile->constraints[constraints - 1] == 0) {
        constraints--;
    }
    for (size_t i = 0; i < constraints; i++) {
        length += snprintf(out + length, CODEC_STRING_SIZE - (size_t)length, ".%X", profile->constraints[i]);
    }
}

void codec_string_video(char out[CODEC_STRING_SIZE], enum nal_codec codec, const struct sps *sps)
{
    if (codec == NAL_H264) {
        snprintf(out, CODEC_STRING_SIZE, "avc1.%02X%02X%02X", sps->avc_profile[0], sps->avc_profile[1],
                 sps->avc_profile[2]);
    } else {
        hevc_string(out, &sps->hevc_profile);
    }
}

void codec_string_aac(char out[CODEC_STRING_SIZE], unsigned object_type)
{
    snprintf(out, CODEC_STRING_SIZE, "mp4a.40.%u", object_type);
}
