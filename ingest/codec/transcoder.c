/* SPDX-License-Identifier: MIT */
#include "ingest/codec/transcoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "common/base/clock.h"
#include "ingest/codec/opus.h"

/* Frames of FLAC and Opus: 20 ms each, as most packets of G.711 have. */
#define FRAMES_PER_SECOND 50

/* Bits for each sample of AAC and Opus: transparent for speech at 8 kHz (24 kbit/s). */
#define BITS_PER_SAMPLE 3

/* Samples in a packet that are believed, all channels: 1 s of stereo at 48 kHz. */
#define PACKET_SAMPLES_MAX 96000

/* More channels than any camera has; their samples are interleaved in 16 bits. */
#define CHANNELS_MAX 2

/* By what factor a packet may change its length, and how many more samples the resampler may give. */
#define STRETCH_MAX 8
#define STRETCH_SLACK 256

/* "OpusHead": where its pre-skip lies (RFC 7845, 5.1). */
enum { OPUS_PRE_SKIP_AT = 10, OPUS_PRE_SKIP_END = 12 };

struct transcoder {
    enum audio_codec codec;
    AVCodecContext *decoder;
    AVCodecContext *encoder;
    AVPacket *input;
    AVPacket *output;
    AVFrame *decoded;
    SwrContext *resampler; /* NULL: no packet has had to change its length */
    int16_t *stretched;    /* what it made of DECODED; owned */
    size_t stretched_size; /* bytes that are there for it */
    AVFrame *frame;        /* what is to be encoded, being filled */
    int filled;            /* samples in it, of each channel */
    const int16_t *ready;  /* samples to be given to FRAME: of DECODED or STRETCHED */
    int ready_count, used; /* how many there are, and were given */
    int64_t duration;      /* samples of the packet that was put last */
    int64_t silence;       /* samples of silence to be given before them */
    int64_t taken;         /* samples given to FRAME so far */
    int64_t encoded;       /* number of the first sample of the next frame that comes out */
};

static enum AVCodecID decoder_id(enum media_codec codec)
{
    switch (codec) {
    case MEDIA_CODEC_PCMU:
        return AV_CODEC_ID_PCM_MULAW;
    case MEDIA_CODEC_PCMA:
        return AV_CODEC_ID_PCM_ALAW;
    case MEDIA_CODEC_L16:
        return AV_CODEC_ID_PCM_S16BE;
    case MEDIA_CODEC_G722:
        return AV_CODEC_ID_ADPCM_G722;
    case MEDIA_CODEC_G726:
        return AV_CODEC_ID_ADPCM_G726LE;
    default:
        return AV_CODEC_ID_NONE;
    }
}

static const AVCodec *find_encoder(enum audio_codec codec)
{
    switch (codec) {
    case AUDIO_CODEC_AAC:
        return avcodec_find_encoder(AV_CODEC_ID_AAC);
    case AUDIO_CODEC_OPUS:
        return avcodec_find_encoder_by_name("libopus");
    case AUDIO_CODEC_FLAC:
        break;
    }
    return avcodec_find_encoder(AV_CODEC_ID_FLAC);
}

bool transcoder_handles(enum media_codec codec)
{
    return decoder_id(codec) != AV_CODEC_ID_NONE;
}

static int open_decoder(struct transcoder *transcoder, const struct media_stream *stream)
{
    const AVCodec *codec = avcodec_find_decoder(decoder_id(stream->codec));
    AVCodecContext *decoder = codec ? avcodec_alloc_context3(codec) : NULL;

    if (!decoder) {
        return !codec ? -ENOTSUP : -ENOMEM;
    }
    transcoder->decoder = decoder;
    decoder->sample_rate = (int)stream->sample_rate;
    av_channel_layout_default(&decoder->ch_layout, (int)stream->channels);
    decoder->bits_per_coded_sample = (int)stream->sample_bits;
    decoder->thread_count = 1;
    return avcodec_open2(decoder, codec, NULL) < 0 ? -ENOTSUP : 0;
}

static int open_encoder(struct transcoder *transcoder, const struct media_stream *stream)
{
    const AVCodec *codec = find_encoder(transcoder->codec);
    AVCodecContext *encoder = codec ? avcodec_alloc_context3(codec) : NULL;

    if (!encoder) {
        return !codec ? -ENOTSUP : -ENOMEM;
    }
    transcoder->encoder = encoder;
    encoder->sample_rate = (int)stream->sample_rate;
    encoder->time_base = (AVRational){1, encoder->sample_rate};
    encoder->sample_fmt = transcoder->codec == AUDIO_CODEC_AAC ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&encoder->ch_layout, (int)stream->channels);
    encoder->bit_rate = (int64_t)stream->sample_rate * stream->channels * BITS_PER_SAMPLE;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    encoder->thread_count = 1;
    if (transcoder->codec == AUDIO_CODEC_FLAC) {
        encoder->frame_size = encoder->sample_rate / FRAMES_PER_SECOND;
    }
    if (avcodec_open2(encoder, codec, NULL) < 0 || encoder->frame_size <= 0 || encoder->extradata_size <= 0) {
        return -ENOTSUP;
    }
    /* The delay is part of the frames' times, so nothing is skipped. */
    if (transcoder->codec == AUDIO_CODEC_OPUS && encoder->extradata_size >= OPUS_PRE_SKIP_END) {
        memset(encoder->extradata + OPUS_PRE_SKIP_AT, 0, OPUS_PRE_SKIP_END - OPUS_PRE_SKIP_AT);
    }
    transcoder->encoded = -encoder->initial_padding;
    return 0;
}

static int allocate(struct transcoder *transcoder)
{
    const AVCodecContext *encoder = transcoder->encoder;

    transcoder->input = av_packet_alloc();
    transcoder->output = av_packet_alloc();
    transcoder->decoded = av_frame_alloc();
    transcoder->frame = av_frame_alloc();
    if (!transcoder->input || !transcoder->output || !transcoder->decoded || !transcoder->frame) {
        return -ENOMEM;
    }
    transcoder->frame->format = encoder->sample_fmt;
    transcoder->frame->sample_rate = encoder->sample_rate;
    transcoder->frame->nb_samples = encoder->frame_size;
    if (av_channel_layout_copy(&transcoder->frame->ch_layout, &encoder->ch_layout) < 0 ||
        av_frame_get_buffer(transcoder->frame, 0) < 0) {
        return -ENOMEM;
    }
    return 0;
}

int transcoder_create(const struct media_stream *stream, enum audio_codec codec,
                      struct transcoder **transcoder)
{
    struct transcoder *made = calloc(1, sizeof(*made));

    *transcoder = NULL;
    if (!made) {
        return -ENOMEM;
    }
    made->codec = codec;
    bool usable = stream->channels >= 1 && stream->channels <= CHANNELS_MAX &&
                  stream->sample_rate >= FRAMES_PER_SECOND && stream->sample_rate <= INT32_MAX;
    int result = usable ? open_decoder(made, stream) : -ENOTSUP;
    if (result == 0) {
        result = open_encoder(made, stream);
    }
    if (result == 0) {
        result = allocate(made);
    }
    if (result < 0) {
        transcoder_destroy(made);
        return result;
    }
    *transcoder = made;
    return 0;
}

void transcoder_destroy(struct transcoder *transcoder)
{
    if (!transcoder) {
        return;
    }
    avcodec_free_context(&transcoder->decoder);
    avcodec_free_context(&transcoder->encoder);
    av_packet_free(&transcoder->input);
    av_packet_free(&transcoder->output);
    av_frame_free(&transcoder->decoded);
    av_frame_free(&transcoder->frame);
    swr_free(&transcoder->resampler);
    free(transcoder->stretched);
    free(transcoder);
}

static uint32_t track_rate(const struct transcoder *transcoder)
{
    return transcoder->codec == AUDIO_CODEC_OPUS ? OPUS_RATE : (uint32_t)transcoder->encoder->sample_rate;
}

struct transcoder_format transcoder_format(const struct transcoder *transcoder)
{
    const AVCodecContext *encoder = transcoder->encoder;
    uint32_t rate = track_rate(transcoder);

    return (struct transcoder_format){
        .codec = transcoder->codec,
        .config = encoder->extradata,
        .config_size = (size_t)encoder->extradata_size,
        .rate = rate,
        .channels = (uint32_t)encoder->ch_layout.nb_channels,
        .duration = (uint32_t)((uint64_t)encoder->frame_size * rate / (uint64_t)encoder->sample_rate),
    };
}

int transcoder_put(struct transcoder *transcoder, const uint8_t *data, size_t size)
{
    av_frame_unref(transcoder->decoded);
    transcoder->ready = NULL;
    transcoder->ready_count = transcoder->used = 0;
    transcoder->duration = 0;
    /* G.722 and G.726 make two to four samples of a byte. */
    if (size > PACKET_SAMPLES_MAX || av_new_packet(transcoder->input, (int)size) < 0) {
        return -EBADMSG;
    }
    memcpy(transcoder->input->data, data, size);
    int result = avcodec_send_packet(transcoder->decoder, transcoder->input);
    av_packet_unref(transcoder->input);
    if (result < 0 || avcodec_receive_frame(transcoder->decoder, transcoder->decoded) < 0) {
        return -EBADMSG;
    }
    const AVFrame *decoded = transcoder->decoded;
    if (decoded->format != AV_SAMPLE_FMT_S16 ||
        decoded->ch_layout.nb_channels != transcoder->encoder->ch_layout.nb_channels) {
        av_frame_unref(transcoder->decoded);
        return -EBADMSG;
    }
    transcoder->ready = (const int16_t *)(const void *)decoded->data[0];
    transcoder->ready_count = decoded->nb_samples;
    transcoder->duration = decoded->nb_samples;
    return 0;
}

static int64_t to_ns(const struct transcoder *transcoder, int64_t samples)
{
    return samples * NS_PER_SECOND / transcoder->encoder->sample_rate;
}

static int64_t to_samples(const struct transcoder *transcoder, int64_t ns)
{
    return ns / NS_PER_SECOND * transcoder->encoder->sample_rate +
           ns % NS_PER_SECOND * transcoder->encoder->sample_rate / NS_PER_SECOND;
}

int64_t transcoder_duration_ns(const struct transcoder *transcoder)
{
    return to_ns(transcoder, transcoder->duration);
}

int64_t transcoder_pending_ns(const struct transcoder *transcoder)
{
    int64_t rate = transcoder->encoder->sample_rate;
    int64_t held = transcoder->resampler ? swr_get_delay(transcoder->resampler, rate) : 0;

    return to_ns(transcoder, transcoder->taken - transcoder->encoded + transcoder->silence +
                                 transcoder->ready_count - transcoder->used + held);
}

static int open_resampler(struct transcoder *transcoder)
{
    int rate = transcoder->encoder->sample_rate;
    AVChannelLayout layout =
        transcoder->encoder->ch_layout; /* one or two channels: there is nothing to free */

    if (transcoder->resampler) {
        return 0;
    }
    int result = swr_alloc_set_opts2(&transcoder->resampler, &layout, AV_SAMPLE_FMT_S16, rate, &layout,
                                     AV_SAMPLE_FMT_S16, rate, 0, NULL);
    if (result < 0 || av_opt_set_int(transcoder->resampler, "flags", SWR_FLAG_RESAMPLE, 0) < 0 ||
        swr_init(transcoder->resampler) < 0) {
        swr_free(&transcoder->resampler);
        return -ENOMEM;
    }
    return 0;
}

/* Room for so many samples of each channel. */
static int reserve_stretched(struct transcoder *transcoder, int count)
{
    size_t size = sizeof(int16_t) * (size_t)count * (size_t)transcoder->encoder->ch_layout.nb_channels;

    if (size <= transcoder->stretched_size) {
        return 0;
    }
    int16_t *larger = realloc(transcoder->stretched, size);
    if (!larger) {
        return -ENOMEM;
    }
    transcoder->stretched = larger;
    transcoder->stretched_size = size;
    return 0;
}

/* LENGTH plus MORE, within what is allowed, less LENGTH. */
static int bounded_change(int length, int64_t more)
{
    int64_t least = length / STRETCH_MAX - length;
    int64_t most = (int64_t)length * STRETCH_MAX - length;

    return (int)(more < least ? least : more > most ? most : more);
}

int transcoder_stretch(struct transcoder *transcoder, int64_t ns)
{
    int length = transcoder->ready_count - transcoder->used;
    int change = bounded_change(length, to_samples(transcoder, ns));
    size_t channels = (size_t)transcoder->encoder->ch_layout.nb_channels;

    if (length <= 0 || (change == 0 && !transcoder->resampler)) {
        return 0;
    }
    if (open_resampler(transcoder) < 0 ||
        reserve_stretched(transcoder, length + change + STRETCH_SLACK) < 0) {
        return -ENOMEM;
    }
    const uint8_t *in = (const uint8_t *)(transcoder->ready + (size_t)transcoder->used * channels);
    uint8_t *out = (uint8_t *)transcoder->stretched;
    swr_set_compensation(transcoder->resampler, change, length + change);
    int count = swr_convert(transcoder->resampler, &out, length + change + STRETCH_SLACK, &in, length);
    transcoder->ready = transcoder->stretched;
    transcoder->ready_count = count > 0 ? count : 0;
    transcoder->used = 0;
    return 0;
}

bool transcoder_stretches(const struct transcoder *transcoder)
{
    return transcoder->resampler;
}

void transcoder_skip(struct transcoder *transcoder, int64_t ns)
{
    int64_t left = transcoder->ready_count - transcoder->used;
    int64_t count = to_samples(transcoder, ns);

    transcoder->used += (int)(count < left ? count : left);
}

void transcoder_silence(struct transcoder *transcoder, int64_t ns)
{
    transcoder->silence += to_samples(transcoder, ns);
}

/* COUNT samples, silent ones if FROM is NULL, to place FILLED of what is to be encoded. */
static void copy_samples(struct transcoder *transcoder, const int16_t *from, int count)
{
    AVFrame *frame = transcoder->frame;
    int channels = frame->ch_layout.nb_channels;

    if (frame->format == AV_SAMPLE_FMT_S16) {
        int16_t *to = (int16_t *)(void *)frame->data[0] + (ptrdiff_t)transcoder->filled * channels;
        size_t size = sizeof(*to) * (size_t)count * (size_t)channels;
        if (from) {
            memcpy(to, from, size);
        } else {
            memset(to, 0, size);
        }
        return;
    }
    for (int channel = 0; channel < channels; channel++) {
        float *to = (float *)(void *)frame->data[channel] + transcoder->filled;
        for (int i = 0; i < count; i++) {
            to[i] = from ? (float)from[i * channels + channel] / 32768.0F : 0;
        }
    }
}

/* Gives at most COUNT of the samples that are there. Returns how many. */
static int give(struct transcoder *transcoder, int count)
{
    int channels = transcoder->frame->ch_layout.nb_channels;
    const int16_t *from = NULL;

    if (transcoder->silence > 0) {
        count = transcoder->silence < count ? (int)transcoder->silence : count;
        transcoder->silence -= count;
    } else {
        int left = transcoder->ready_count - transcoder->used;
        count = left < count ? left : count;
        from = count > 0 ? transcoder->ready + (ptrdiff_t)transcoder->used * channels : NULL;
        transcoder->used += count;
    }
    if (count > 0) {
        copy_samples(transcoder, from, count);
    }
    transcoder->filled += count;
    transcoder->taken += count;
    return count;
}

/* True: the frame is full. */
static bool fill(struct transcoder *transcoder)
{
    int missing = transcoder->frame->nb_samples - transcoder->filled;

    while (missing > 0) {
        int count = give(transcoder, missing);
        if (count == 0) {
            return false;
        }
        missing -= count;
    }
    return true;
}

static bool encode(struct transcoder *transcoder)
{
    AVFrame *frame = transcoder->frame;

    transcoder->filled = 0;
    frame->pts = transcoder->taken - frame->nb_samples;
    /* The encoder may still hold the last one. */
    if (avcodec_send_frame(transcoder->encoder, frame) < 0) {
        return false;
    }
    return av_frame_make_writable(frame) >= 0;
}

int transcoder_next(struct transcoder *transcoder, struct transcoder_frame *frame)
{
    AVPacket *output = transcoder->output;

    av_packet_unref(output);
    while (avcodec_receive_packet(transcoder->encoder, output) < 0) {
        if (!fill(transcoder) || !encode(transcoder)) {
            return 0;
        }
    }
    frame->data = output->data;
    frame->size = (size_t)output->size;
    transcoder->encoded += transcoder->encoder->frame_size;
    return 1;
}
