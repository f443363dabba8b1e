/* SPDX-License-Identifier: MIT */
/*
 * Payloads of MPEG-4 audio (RFC 3640) of any content. The first bytes: widths of the fields in AU headers.
 */
#include <stdint.h>

#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct media_format format;

    if (size < 8) {
        return 0;
    }
    format = (struct media_format){
        .codec = MEDIA_CODEC_AAC,
        .unit_ticks = 1024,
        .au = {.size_length = data[0] % 33,
               .index_length = data[1] % 33,
               .index_delta_length = data[2] % 33,
               .cts_delta_length = data[3] % 33,
               .dts_delta_length = data[4] % 33,
               .random_access = (data[5] & 1) != 0,
               .stream_state_length = data[5] / 2 % 33,
               .auxiliary_size_length = data[6] % 33,
               .constant_size = data[7]},
    };
    feed_depacketizer(depacketizer_aac_create(&format), data + 8, size - 8, NULL);
    return 0;
}
