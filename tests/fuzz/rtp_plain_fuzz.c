/* SPDX-License-Identifier: MIT */
/*
 * Payloads of the formats whose packets are whole frames: Opus, G.711, L16, G.722 and G.726. The first byte
 * chooses one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rtp/media_format.h"
#include "tests/fuzz/rtp_fuzz_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sdp_media medias[] = {
    {.kind = SDP_AUDIO, .encoding = "opus", .clock_rate = 48000, .channels = 2},
    {.kind = SDP_AUDIO, .encoding = "PCMU", .clock_rate = 8000, .channels = 1},
    {.kind = SDP_AUDIO, .encoding = "PCMA", .clock_rate = 8000, .channels = 1},
    {.kind = SDP_AUDIO, .encoding = "L16", .clock_rate = 44100, .channels = 2},
    {.kind = SDP_AUDIO, .encoding = "G722", .clock_rate = 8000, .channels = 1},
    {.kind = SDP_AUDIO, .encoding = "G726-32", .clock_rate = 8000, .channels = 1},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct media_format format;

    if (size == 0) {
        return 0;
    }
    if (media_format_read(&medias[data[0] % (sizeof(medias) / sizeof(medias[0]))], &format) < 0) {
        abort();
    }
    feed_depacketizer(depacketizer_create(&format, false), data + 1, size - 1, NULL);
    return 0;
}
