/* SPDX-License-Identifier: MIT */
/*
 * The format parameters of a session description: the first byte chooses the encoding, the second a clock
 * rate, the rest is the fmtp.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rtp/depacketizer.h"
#include "ingest/rtp/media_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    enum sdp_kind kind;
    const char *name;
} encodings[] = {
    {SDP_VIDEO, "H264"},      {SDP_VIDEO, "H265"},    {SDP_AUDIO, "MPEG4-GENERIC"},
    {SDP_AUDIO, "MP4A-LATM"}, {SDP_AUDIO, "opus"},    {SDP_AUDIO, "PCMU"},
    {SDP_AUDIO, "L16"},       {SDP_AUDIO, "G726-32"}, {SDP_VIDEO, "vnd.onvif"},
};

static const uint32_t rates[] = {0, 1, 1000, 8000, 44100, 48000, 90000, UINT32_MAX};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp_media media;
    static struct media_format format;

    if (size < 2) {
        return 0;
    }
    size_t encoding = data[0] % (sizeof(encodings) / sizeof(encodings[0]));
    size_t length = size - 2 < sizeof(media.fmtp) - 1 ? size - 2 : sizeof(media.fmtp) - 1;
    media = (struct sdp_media){
        .kind = encodings[encoding].kind,
        .clock_rate = rates[data[1] % (sizeof(rates) / sizeof(rates[0]))],
        .channels = data[1] >> 4,
    };
    snprintf(media.encoding, sizeof(media.encoding), "%s", encodings[encoding].name);
    memcpy(media.fmtp, data + 2, length);
    if (media_format_read(&media, &format) < 0) {
        return 0;
    }
    if (format.clock_rate < MEDIA_FORMAT_CLOCK_MIN || format.extradata_size > sizeof(format.extradata)) {
        abort();
    }
    depacketizer_destroy(depacketizer_create(&format, false));
    return 0;
}
