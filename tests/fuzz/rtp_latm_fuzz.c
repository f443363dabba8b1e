/* SPDX-License-Identifier: MIT */
/*
 * Payloads of MPEG-4 audio as LATM (RFC 6416) of any content. The first bytes: the kind of configuration.
 */
#include <stdint.h>

#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct media_format format;

    if (size < 3) {
        return 0;
    }
    format = (struct media_format){
        .codec = MEDIA_CODEC_AAC,
        .latm = true,
        .unit_ticks = 1024,
        .latm_mux = {.in_band = (data[0] & 1) != 0, .subframes = data[1] % 65, .other_bits = data[2]},
        .extradata = {0x12, 0x10},
        .extradata_size = 2,
    };
    feed_depacketizer(depacketizer_latm_create(&format), data + 3, size - 3, NULL);
    return 0;
}
