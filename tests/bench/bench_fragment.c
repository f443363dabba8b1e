/* SPDX-License-Identifier: MIT */
/*
 * bench_fragment: what writing a fragment costs, by ringcast's writer and by libavformat's MP4 muxer, which
 * is flushed after each frame, as live use of it must. The same access unit and sound for both; the muxer's
 * output is thrown away. The two take turns, and of their turns the quickest counts: time on the CPU of this
 * thread, which others on the same machine disturb least. Prints one line of JSON: nanoseconds for each
 * fragment.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavformat/avformat.h>

#include "ingest/codec/sample_writer.h"
#include "ingest/publish/fragment.h"
#include "tests/bench/clock.h"
#include "tests/bench/options.h"

#define MUXER_FLAGS "empty_moov+default_base_moof+frag_custom+skip_trailer"
#define IO_SIZE 65536
#define FRAME_TICKS 3600
#define SOUND_SIZE 160
#define SOUND_TICKS 1024
#define TURNS 20

/* The smallest that the muxer takes: 640x360, Constrained Baseline. */
static const uint8_t parameter_sets[] = {0,    0,    0,    1,    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00,
                                         0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
                                         0x00, 0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48, 0,
                                         0,    0,    1,    0x68, 0xcb, 0x83, 0xcb, 0x20};
static const uint8_t sound_config[] = {0x11, 0x88};

struct settings {
    size_t length, fragments;
};

static size_t muxed; /* bytes */

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* libavformat 61 hands out bytes that may not be written to. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t *muxed_bytes;
#else
typedef uint8_t *muxed_bytes;
#endif

static int discard(void *opaque, muxed_bytes data, int size)
{
    (void)opaque;
    (void)data;
    muxed += (size_t)size;
    return size;
}

static int add_stream(AVFormatContext *muxer, enum AVMediaType type, const uint8_t *extradata, size_t size)
{
    AVStream *stream = avformat_new_stream(muxer, NULL);

    if (stream == NULL) {
        return -ENOMEM;
    }
    AVCodecParameters *parameters = stream->codecpar;
    parameters->codec_type = type;
    parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (parameters->extradata == NULL) {
        return -ENOMEM;
    }
    memcpy(parameters->extradata, extradata, size);
    parameters->extradata_size = (int)size;
    if (type == AVMEDIA_TYPE_VIDEO) {
        parameters->codec_id = AV_CODEC_ID_H264;
        parameters->width = 640;
        parameters->height = 360;
        stream->time_base = (AVRational){1, FRAGMENT_VIDEO_TIMESCALE};
    } else {
        parameters->codec_id = AV_CODEC_ID_AAC;
        parameters->sample_rate = 48000;
        parameters->frame_size = SOUND_TICKS;
        av_channel_layout_default(&parameters->ch_layout, 1);
        stream->time_base = (AVRational){1, 48000};
    }
    return 0;
}

static int open_muxer(AVFormatContext **muxer)
{
    AVDictionary *options = NULL;
    uint8_t *buffer = av_malloc(IO_SIZE);
    int result = avformat_alloc_output_context2(muxer, NULL, "mp4", NULL);

    if (result < 0 || buffer == NULL) {
        av_free(buffer);
        return -ENOMEM;
    }
    (*muxer)->pb = avio_alloc_context(buffer, IO_SIZE, 1, NULL, NULL, discard, NULL);
    result = add_stream(*muxer, AVMEDIA_TYPE_VIDEO, parameter_sets, sizeof(parameter_sets));
    if (result == 0) {
        result = add_stream(*muxer, AVMEDIA_TYPE_AUDIO, sound_config, sizeof(sound_config));
    }
    av_dict_set(&options, "movflags", MUXER_FLAGS, 0);
    if (result == 0) {
        result = avformat_write_header(*muxer, &options);
    }
    av_dict_free(&options);
    return result < 0 ? -EINVAL : 0;
}

static void close_muxer(AVFormatContext *muxer)
{
    if (muxer == NULL) {
        return;
    }
    if (muxer->pb != NULL) {
        av_freep(&muxer->pb->buffer);
        avio_context_free(&muxer->pb);
    }
    avformat_free_context(muxer);
}

static int write_packet(AVFormatContext *muxer, AVPacket *packet, int stream, uint8_t *data, size_t size,
                        int64_t time, int64_t duration)
{
    packet->data = data;
    packet->size = (int)size;
    packet->stream_index = stream;
    packet->pts = packet->dts = time;
    packet->duration = duration;
    packet->flags = AV_PKT_FLAG_KEY;
    return av_write_frame(muxer, packet);
}

/* Nanoseconds for each fragment, or a negative errno. */
static double measure_muxer(const struct settings *settings, uint8_t *sample, uint8_t *sound)
{
    AVFormatContext *muxer = NULL;
    AVPacket *packet = av_packet_alloc();
    int result = packet != NULL ? open_muxer(&muxer) : -ENOMEM;
    int64_t begun = cpu_ns();

    for (size_t i = 0; result >= 0 && i < settings->fragments; i++) {
        int64_t n = (int64_t)i;
        result = write_packet(muxer, packet, 0, sample, settings->length, n * FRAME_TICKS, FRAME_TICKS);
        for (int64_t k = 0; result >= 0 && k < 2; k++) {
            result =
                write_packet(muxer, packet, 1, sound, SOUND_SIZE, (2 * n + k) * SOUND_TICKS, SOUND_TICKS);
        }
        if (result >= 0) {
            result = av_write_frame(muxer, NULL);
        }
        avio_flush(muxer->pb);
    }
    double each = (double)(cpu_ns() - begun) / (double)settings->fragments;
    av_packet_free(&packet);
    close_muxer(muxer);
    return result < 0 ? -EINVAL : each;
}

static double measure_writer(const struct settings *settings, const uint8_t *sample, const uint8_t *sound,
                             uint8_t *out)
{
    static struct sample_writer picture;
    static const uint32_t sizes[] = {SOUND_SIZE, SOUND_SIZE};
    static const uint32_t durations[] = {SOUND_TICKS, SOUND_TICKS};
    int64_t begun = cpu_ns();

    for (size_t i = 0; i < settings->fragments; i++) {
        struct nal_reader reader;
        nal_reader_init(&reader, sample, settings->length, 0);
        if (sample_writer_read(&picture, NAL_H264, &reader, false) < 0) {
            return -EINVAL;
        }
        const struct fragment fragment = {.sequence = (uint32_t)i,
                                          .picture = &picture,
                                          .decode_time = (int64_t)i * FRAME_TICKS,
                                          .duration = FRAME_TICKS,
                                          .clock = FRAGMENT_CLOCK_ARRIVAL,
                                          .audio_count = 2,
                                          .audio_sizes = sizes,
                                          .audio_durations = durations,
                                          .audio_data = sound,
                                          .audio_length = sizeof(sizes) / sizeof(sizes[0]) * SOUND_SIZE,
                                          .audio_time = 2 * (int64_t)i * SOUND_TICKS};
        fragment_write(&fragment, out);
    }
    return (double)(cpu_ns() - begun) / (double)settings->fragments;
}

/* An access unit of one IDR slice, as a byte stream: what depacketizers give. */
static void fill_sample(uint8_t *sample, size_t length)
{
    static const uint8_t begin[] = {0, 0, 0, 1, 0x65, 0x88};

    memset(sample, 0x5a, length);
    memcpy(sample, begin, sizeof(begin));
}

static int measure(const struct settings *settings, uint8_t *sample, uint8_t *out)
{
    static uint8_t sound[2 * SOUND_SIZE];

    double writer = INFINITY, muxer = INFINITY;

    fill_sample(sample, settings->length);
    for (int i = 0; i < TURNS; i++) {
        double ours = measure_writer(settings, sample, sound, out);
        double theirs = measure_muxer(settings, sample, sound);
        if (ours < 0 || theirs < 0) {
            return -EINVAL;
        }
        writer = fmin(writer, ours);
        muxer = fmin(muxer, theirs);
    }
    if (muxed < settings->length * settings->fragments * TURNS) {
        return -EINVAL;
    }
    printf("{\"event\":\"result\",\"length\":%zu,\"fragments\":%zu,\"writer_ns\":%.0f,\"muxer_ns\":%.0f}\n",
           settings->length, settings->fragments, writer, muxer);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {.length = 10000, .fragments = 5000};
    const struct option_spec specs[] = {
        {"--length", OPTION_COUNT, &settings.length, "bytes of an access unit; default 10000"},
        {"--fragments", OPTION_COUNT, &settings.fragments, "how many to write in a turn; default 5000"},
    };

    if (options_parse(specs, sizeof(specs) / sizeof(specs[0]), argc, argv) < 0 || settings.length < 8 ||
        settings.fragments == 0) {
        return 2;
    }
    uint8_t *sample = malloc(settings.length + AV_INPUT_BUFFER_PADDING_SIZE);
    uint8_t *out = malloc(settings.length + 4096);
    int result = sample != NULL && out != NULL ? measure(&settings, sample, out) : -ENOMEM;
    if (result < 0) {
        fprintf(stderr, "bench_fragment: %s\n", strerror(-result));
    }
    free(out);
    free(sample);
    return result < 0 ? 1 : 0;
}
