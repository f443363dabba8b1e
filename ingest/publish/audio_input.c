#include "ingest/publish/audio_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log/log.h"
#include "ingest/codec/aac.h"

#define OPUS_RATE 48000

/* Longest packet of Opus (RFC 6716, 3.2.5): 120 ms. */
#define OPUS_DURATION_MAX (OPUS_RATE / 1000 * 120)

static int keep_config(struct audio_input *input, const uint8_t *config, size_t size)
{
    if (config == NULL || size == 0 || size > sizeof(input->config)) {
        return -ENOTSUP;
    }
    memcpy(input->config, config, size);
    input->config_size = size;
    return 0;
}

static int begin_aac(struct audio_input *input, const struct media_stream *stream)
{
    struct aac_config aac;

    if (keep_config(input, stream->extradata, stream->extradata_size) < 0 ||
        aac_parse_config(input->config, input->config_size, &aac) < 0) {
        return -ENOTSUP;
    }
    uint32_t rate = stream->sample_rate != 0 ? stream->sample_rate : aac.sample_rate;
    input->codec = AUDIO_CODEC_AAC;
    input->object_type = aac.object_type;
    input->channels = aac.channels != 0 ? aac.channels : stream->channels;
    input->duration = (uint32_t)((uint64_t)aac.frame_length * rate / aac.sample_rate);
    return audio_track_configure(&input->track, rate);
}

static int begin_opus(struct audio_input *input, const struct media_stream *stream)
{
    if (keep_config(input, stream->extradata, stream->extradata_size) < 0) {
        return -ENOTSUP;
    }
    input->codec = AUDIO_CODEC_OPUS;
    input->opus_packets = true;
    input->channels = stream->channels;
    return audio_track_configure(&input->track, OPUS_RATE);
}

static int begin_transcoding(struct audio_input *input, const struct media_stream *stream,
                             enum audio_codec target)
{
    int result = transcoder_create(stream, target, &input->transcoder);

    if (result == -ENOTSUP && target != AUDIO_CODEC_FLAC) {
        log_warning("audio of %u Hz cannot be encoded as configured; FLAC takes it as it is",
                    (unsigned)stream->sample_rate);
        result = transcoder_create(stream, AUDIO_CODEC_FLAC, &input->transcoder);
    }
    if (result < 0) {
        return result;
    }
    struct transcoder_format format = transcoder_format(input->transcoder);
    result = keep_config(input, format.config, format.config_size);
    if (result < 0) {
        return result;
    }
    input->codec = format.codec;
    input->object_type = 2; /* AAC LC is what libavcodec encodes */
    input->channels = format.channels;
    input->duration = format.duration;
    return audio_track_configure(&input->track, format.rate);
}

static int begin(struct audio_input *input, const struct media_stream *stream, enum audio_codec target)
{
    if (stream->codec == MEDIA_CODEC_AAC) {
        return begin_aac(input, stream);
    }
    if (stream->codec == MEDIA_CODEC_OPUS) {
        return begin_opus(input, stream);
    }
    return transcoder_handles(stream->codec) ? begin_transcoding(input, stream, target) : -ENOTSUP;
}

/* Audio that cannot be served is left out and said so once; video goes on without it. */
int audio_input_begin(struct audio_input *input, const struct media_stream *stream, enum audio_codec target)
{
    transcoder_destroy(input->transcoder);
    input->transcoder = NULL;
    input->opus_packets = false;
    input->config_size = 0;
    int result = stream->codec != MEDIA_CODEC_NONE ? begin(input, stream, target) : -ENOTSUP;
    if (result != -ENOTSUP) {
        return result;
    }
    if (stream->codec != MEDIA_CODEC_NONE) {
        log_warning("no sound: the camera sends %s, which is not supported", stream->codec_name);
    }
    transcoder_destroy(input->transcoder);
    input->transcoder = NULL;
    return audio_track_configure(&input->track, 0);
}

void audio_input_finish(struct audio_input *input)
{
    transcoder_destroy(input->transcoder);
    audio_track_finish(&input->track);
    *input = (struct audio_input){0};
}

bool audio_input_has_track(const struct audio_input *input)
{
    return input->track.rate != 0;
}

/* Samples of 48 kHz in a packet of Opus (RFC 6716, 3.1); 0: it is none. */
static uint32_t opus_duration(const uint8_t *data, size_t size)
{
    static const uint16_t silk[] = {480, 960, 1920, 2880};
    static const uint16_t celt[] = {120, 240, 480, 960};
    unsigned configuration = data[0] >> 3;
    uint32_t frame;
    uint32_t frames = (data[0] & 3) == 0 ? 1 : 2;

    if (configuration < 12) {
        frame = silk[configuration % 4];
    } else if (configuration < 16) {
        frame = silk[configuration % 2];
    } else {
        frame = celt[configuration % 4];
    }
    if ((data[0] & 3) == 3) {
        frames = size > 1 ? data[1] & 0x3fu : 0;
    }
    return frame * frames <= OPUS_DURATION_MAX ? frame * frames : 0;
}

static void transcode(struct audio_input *input, const uint8_t *data, size_t size, int64_t decode_ns,
                      bool exact)
{
    struct transcoder_frame frame;

    if (transcoder_put(input->transcoder, data, size, decode_ns) < 0) {
        return;
    }
    while (transcoder_next(input->transcoder, &frame) == 1) {
        audio_track_put(&input->track, frame.data, frame.size, input->duration, frame.time_ns, exact);
    }
}

void audio_input_put(struct audio_input *input, const uint8_t *data, size_t size, int64_t decode_ns,
                     bool exact)
{
    if (!audio_input_has_track(input) || size == 0) {
        return;
    }
    if (input->transcoder != NULL) {
        transcode(input, data, size, decode_ns, exact);
    } else {
        audio_track_put(&input->track, data, size,
                        input->opus_packets ? opus_duration(data, size) : input->duration, decode_ns, exact);
    }
}

struct init_audio audio_input_init(const struct audio_input *input)
{
    return (struct init_audio){
        .codec = input->codec,
        .config = input->config,
        .config_size = input->config_size,
        .sample_rate = input->track.rate,
        .channels = input->channels,
    };
}

void audio_input_codec_string(const struct audio_input *input, char out[CODEC_STRING_SIZE])
{
    switch (input->codec) {
    case AUDIO_CODEC_AAC:
        codec_string_aac(out, input->object_type);
        return;
    case AUDIO_CODEC_OPUS:
        snprintf(out, CODEC_STRING_SIZE, "opus");
        return;
    case AUDIO_CODEC_FLAC:
        snprintf(out, CODEC_STRING_SIZE, "flac");
        return;
    }
}
