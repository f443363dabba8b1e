/* SPDX-License-Identifier: MIT */
/*
 * Payloads that are H.264 or H.265: the first byte says which is announced, and whether it is; then payloads as rtp_fuzz_feed.h
 * has them. What is clear once stays so.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ingest/rtp/codec_probe.h"
#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed_item item;
    enum media_codec found = MEDIA_CODEC_NONE;

    if (size == 0) {
        return 0;
    }
    struct codec_probe probe = {.expected = (data[0] & 1) != 0 ? MEDIA_CODEC_H265 : MEDIA_CODEC_H264,
                                .announced = (data[0] & 2) != 0};
    struct feed feed = {data + 1, size - 1};
    while (feed_next(&feed, &item) == 1) {
        enum media_codec codec = codec_probe_look(&probe, item.data, item.size);
        free(item.data);
        if (codec != MEDIA_CODEC_NONE && codec != MEDIA_CODEC_H264 && codec != MEDIA_CODEC_H265) {
            abort();
        }
        if (found != MEDIA_CODEC_NONE && codec != found) {
            abort();
        }
        found = codec;
    }
    return 0;
}
