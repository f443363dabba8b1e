/* SPDX-License-Identifier: MIT */
#include "ingest/warm_up.h"

#include <stdint.h>
#include <string.h>

#include "ingest/codec/aac_check.h"
#include "ingest/codec/transcoder.h"

/* Samples of G.711: 40 ms, longer than a frame of any encoder is at this rate. */
#define SOUND_RATE 8000
#define SOUND_SAMPLES 320

/* u-law's zero. */
#define SILENT_SAMPLE 0xff

static void warm_up_decoder(void)
{
    /* AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): AAC LC, 44100 Hz, stereo. */
    static const uint8_t config[] = {0x12, 0x10};
    uint8_t silence[AAC_SILENCE_SIZE];
    struct aac_frame frames[AAC_CHECK_FRAMES_MAX];
    struct aac_check *check = NULL;

    if (aac_check_create(config, sizeof(config), &check) == 0) {
        aac_check_split(check, silence, aac_silence(2, silence), frames);
    }
    aac_check_destroy(check);
}

static void warm_up_encoder(enum audio_codec codec)
{
    const struct media_stream stream = {.codec = MEDIA_CODEC_PCMU, .sample_rate = SOUND_RATE, .channels = 1};
    struct transcoder *transcoder = NULL;
    struct transcoder_frame frame;
    uint8_t samples[SOUND_SAMPLES];

    memset(samples, SILENT_SAMPLE, sizeof(samples));
    if (transcoder_create(&stream, codec, &transcoder) < 0) {
        return;
    }
    if (transcoder_put(transcoder, samples, sizeof(samples)) == 0) {
        while (transcoder_next(transcoder, &frame) == 1) {
        }
    }
    transcoder_destroy(transcoder);
}

void warm_up_codecs(void)
{
    warm_up_decoder();
    warm_up_encoder(AUDIO_CODEC_FLAC);
    warm_up_encoder(AUDIO_CODEC_OPUS);
    warm_up_encoder(AUDIO_CODEC_AAC);
}
