/* SPDX-License-Identifier: MIT */
/*
 * Payloads of H.264 (RFC 6184) of any content. The first byte: whether damaged pictures are wanted, and
 * whether the first one waits for slices behind its marker.
 */
#include <stdint.h>

#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct depacketizer *h264 = depacketizer_h264_create();
    if (h264) {
        h264->show_damaged = (data[0] & 1) != 0;
        h264->doubts_markers = (data[0] & 2) != 0;
    }
    feed_depacketizer(h264, data + 1, size - 1, feed_check_h264);
    return 0;
}
