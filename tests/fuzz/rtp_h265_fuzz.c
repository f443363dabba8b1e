/* SPDX-License-Identifier: MIT */
/*
 * Payloads of H.265 (RFC 7798) of any content. The first byte: whether damaged pictures are wanted, and
 * whether there are decoding order numbers.
 */
#include <stdint.h>

#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct depacketizer *h265 = depacketizer_h265_create((data[0] & 2) != 0);
    if (h265 != NULL) {
        h265->show_damaged = (data[0] & 1) != 0;
    }
    feed_depacketizer(h265, data + 1, size - 1, feed_check_h265);
    return 0;
}
