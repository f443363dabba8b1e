/*
 * libavformat as a source. It blocks inside av_read_frame and asks interrupt() at least every 100 ms;
 * deadlines live there. Streams are taken as the camera's description (SDP) gives them: probing them would
 * cost seconds.
 *
 * libavformat follows an RTSP redirect with the credentials of the first host. It replaces
 * AVFormatContext.url before it connects anew and asks interrupt() before it writes, so interrupt() compares
 * the host.
 */
#include "source_backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <libavformat/avformat.h>

#include "source_libav_error.h"

#define NS_PER_SECOND 1000000000LL
#define NS_PER_MS 1000000LL

/* How long saying goodbye to the camera may take. */
#define CLOSE_DEADLINE_MS 300

/* libavformat waits this long for UDP before it tries TCP, if it may choose. */
#define UDP_TRIAL_MS 10000

/* Bytes of user information that libavformat's RTSP client has room for (RTSPState.auth). */
#define USERINFO_MAX 127

/* Streams that no SDP describes (HTTP, RTMP) are probed; this much at most. */
#define PROBE_BYTES 262144
#define PROBE_US 1000000

enum phase { PHASE_OPENING, PHASE_READING, PHASE_CLOSING };

struct source_libav {
    struct source base;
    AVFormatContext *format;
    AVPacket *packet;
    char *host;
    bool (*interrupted)(void *context);
    void *context;
    enum phase phase;
    int64_t deadline_ns; /* CLOCK_MONOTONIC */
    bool expired;
    bool cancelled;
    bool redirected; /* to another host: refused */
    bool had_video;
    bool has_decode_times; /* RTP carries none: what libavformat gives for them is a guess */
    int video_index;       /* -1: none */
    int audio_index;
    int64_t first_frame_ms;
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static void set_deadline(struct source_libav *source, int64_t ms)
{
    source->deadline_ns = clock_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;
}

static bool same_host(const struct source_libav *source, const char *url)
{
    struct source_url parsed;

    if (source_url_parse(url, &parsed) < 0)
        return false;
    bool same = strcasecmp(parsed.host, source->host) == 0;
    source_url_finish(&parsed);
    return same;
}

/* AVIOInterruptCB: anything but 0 makes libavformat give up. */
static int interrupt(void *opaque)
{
    struct source_libav *source = opaque;

    source->expired = source->expired || clock_ns(CLOCK_MONOTONIC) > source->deadline_ns;
    if (source->phase == PHASE_CLOSING)
        return source->expired;
    if (source->phase == PHASE_OPENING && source->format != NULL && source->format->url != NULL)
        source->redirected = source->redirected || !same_host(source, source->format->url);
    source->cancelled = source->cancelled || source->interrupted(source->context);
    return source->expired || source->cancelled || source->redirected;
}

static enum source_codec codec_of(enum AVCodecID id)
{
    switch (id) {
    case AV_CODEC_ID_H264:
        return SOURCE_CODEC_H264;
    case AV_CODEC_ID_HEVC:
        return SOURCE_CODEC_H265;
    case AV_CODEC_ID_AAC:
        return SOURCE_CODEC_AAC;
    default:
        return SOURCE_CODEC_OTHER;
    }
}

static int find_stream(const AVFormatContext *format, enum AVMediaType type)
{
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->codecpar->codec_type == type)
            return (int)i;
    return -1;
}

static void describe(struct source_libav *source, int index, struct source_stream *stream)
{
    if (index < 0)
        return;
    const AVCodecParameters *parameters = source->format->streams[index]->codecpar;
    stream->codec = codec_of(parameters->codec_id);
    stream->codec_name = avcodec_get_name(parameters->codec_id);
    stream->extradata = parameters->extradata;
    stream->extradata_size = parameters->extradata != NULL ? (size_t)parameters->extradata_size : 0;
    if (parameters->sample_rate > 0)
        stream->sample_rate = (uint32_t)parameters->sample_rate;
    if (parameters->ch_layout.nb_channels > 0)
        stream->channels = (uint32_t)parameters->ch_layout.nb_channels;
}

/* Everything that nobody wants is not even parsed. */
static void choose_streams(struct source_libav *source, bool audio)
{
    AVFormatContext *format = source->format;

    source->video_index = find_stream(format, AVMEDIA_TYPE_VIDEO);
    source->audio_index = audio ? find_stream(format, AVMEDIA_TYPE_AUDIO) : -1;
    describe(source, source->video_index, &source->base.description.video);
    describe(source, source->audio_index, &source->base.description.audio);
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != source->video_index && (int)i != source->audio_index)
            format->streams[i]->discard = AVDISCARD_ALL;
}

static bool is_rtsp(const struct source_url *url)
{
    return strcmp(url->scheme, "rtsp") == 0 || strcmp(url->scheme, "rtsps") == 0;
}

static int set_options(AVDictionary **dictionary, const struct source_options *options, bool rtsp)
{
    static const char *const transports[] = {
        [SOURCE_TRANSPORT_AUTO] = NULL,
        [SOURCE_TRANSPORT_TCP] = "tcp",
        [SOURCE_TRANSPORT_UDP] = "udp",
    };
    int failed = 0;

    if (rtsp) {
        failed |= av_dict_set_int(dictionary, "timeout", SOURCE_CONNECT_DEADLINE_MS * 1000LL, 0) < 0;
        failed |= av_dict_set(dictionary, "rtsp_transport", transports[options->transport], 0) < 0;
        failed |=
            av_dict_set(dictionary, "allowed_media_types", options->audio ? "video+audio" : "video", 0) < 0;
        failed |= av_dict_set(dictionary, "user_agent", "ringcast/" RINGCAST_VERSION, 0) < 0;
        failed |= av_dict_set(dictionary, "protocol_whitelist", "tcp,tls,udp,rtp", 0) < 0;
        failed |= av_dict_set(dictionary, "format_whitelist", "rtsp,rtp,sdp", 0) < 0;
    } else {
        failed |= av_dict_set(dictionary, "protocol_whitelist", "http,https,rtmp,tcp,tls", 0) < 0;
        /* Live containers only: a playlist could name any other resource, and a file is not paced. */
        failed |= av_dict_set(dictionary, "format_whitelist", "flv,live_flv,mpegts", 0) < 0;
        failed |= av_dict_set_int(dictionary, "probesize", PROBE_BYTES, 0) < 0;
        failed |= av_dict_set_int(dictionary, "analyzeduration", PROBE_US, 0) < 0;
    }
    failed |= av_dict_set(dictionary, "fflags", "+nobuffer", 0) < 0;
    return failed != 0 ? -ENOMEM : 0;
}

/* Why libavformat gave up: one of our own reasons, or ERROR_CODE of libavformat. */
static int explain(const struct source_libav *source, int error_code, char error[SOURCE_ERROR_SIZE])
{
    if (source->cancelled) {
        snprintf(error, SOURCE_ERROR_SIZE, "interrupted");
        return -ECANCELED;
    }
    if (source->redirected) {
        snprintf(error, SOURCE_ERROR_SIZE, "%s redirects to another host, which would get the credentials",
                 source->host);
        return -EPERM;
    }
    if (!source->expired)
        return source_libav_error(source->host, error_code, error);
    if (source->phase == PHASE_OPENING)
        snprintf(error, SOURCE_ERROR_SIZE, "%s: no answer within %d s", source->host,
                 SOURCE_CONNECT_DEADLINE_MS / 1000);
    else if (!source->had_video)
        snprintf(error, SOURCE_ERROR_SIZE, "%s: connected, but no video within %d s", source->host,
                 (int)(source->first_frame_ms / 1000));
    else
        snprintf(error, SOURCE_ERROR_SIZE, "%s: no video for %d s", source->host,
                 SOURCE_VIDEO_DEADLINE_MS / 1000);
    return -ETIMEDOUT;
}

/* The URL with credentials in the form that libavformat understands. NULL and ERROR if it cannot carry them.
 */
static char *authorized_url(const struct source_options *options, const struct source_url *url, int *result,
                            char error[SOURCE_ERROR_SIZE])
{
    const char *username = options->username != NULL ? options->username : url->username;
    const char *password = options->password != NULL ? options->password : url->password;
    char *joined = source_url_join(url, username, password);
    char *plain = source_url_join(url, NULL, NULL);

    *result = joined == NULL || plain == NULL ? -ENOMEM : 0;
    if (*result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "out of memory");
    } else if (strlen(joined) - strlen(plain) > USERINFO_MAX) {
        snprintf(error, SOURCE_ERROR_SIZE, "username and password are too long for this source");
        *result = -ENOTSUP;
    }
    free(plain);
    if (*result < 0 && joined != NULL) {
        explicit_bzero(joined, strlen(joined));
        free(joined);
        joined = NULL;
    }
    return joined;
}

static void libav_close(struct source *base)
{
    struct source_libav *source = (struct source_libav *)base;

    source->phase = PHASE_CLOSING;
    source->expired = false;
    set_deadline(source, CLOSE_DEADLINE_MS);
    avformat_close_input(&source->format); /* sends TEARDOWN */
    av_packet_free(&source->packet);
    free(source->host);
    free(source);
}

/* Frees SOURCE->format on failure, as avformat_open_input does. */
static int open_input(struct source_libav *source, const struct source_options *options, const char *url,
                      bool rtsp)
{
    AVDictionary *dictionary = NULL;
    int result = set_options(&dictionary, options, rtsp);

    source_libav_quiet_log(true);
    if (result == 0)
        result = avformat_open_input(&source->format, url, NULL, &dictionary);
    source_libav_quiet_log(false);
    av_dict_free(&dictionary);
    if (result < 0)
        return result;
    if (!rtsp)
        result = avformat_find_stream_info(source->format, NULL);
    return result < 0 ? result : 0;
}

static int64_t to_ns(int64_t time, AVRational timebase)
{
    if (time == AV_NOPTS_VALUE)
        return SOURCE_TIME_UNKNOWN;
    return av_rescale_q_rnd(time, timebase, (AVRational){1, (int)NS_PER_SECOND},
                            AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX);
}

static void fill_unit(struct source_libav *source, struct source_unit *unit)
{
    const AVPacket *packet = source->packet;
    const AVStream *stream = source->format->streams[packet->stream_index];

    *unit = (struct source_unit){
        .video = packet->stream_index == source->video_index,
        .keyframe = (packet->flags & AV_PKT_FLAG_KEY) != 0,
        .data = packet->data,
        .size = (size_t)packet->size,
        .presentation_ns = to_ns(packet->pts, stream->time_base),
        .decode_ns = source->has_decode_times ? to_ns(packet->dts, stream->time_base) : SOURCE_TIME_UNKNOWN,
        .capture_ns = clock_ns(CLOCK_MONOTONIC),
        .wall_ns = clock_ns(CLOCK_REALTIME),
    };
}

static bool is_wanted(const struct source_libav *source)
{
    const AVPacket *packet = source->packet;

    return packet->size > 0 &&
           (packet->stream_index == source->video_index || packet->stream_index == source->audio_index);
}

static int libav_read(struct source *base, struct source_unit *unit, char error[SOURCE_ERROR_SIZE])
{
    struct source_libav *source = (struct source_libav *)base;

    for (;;) {
        av_packet_unref(source->packet);
        int result = av_read_frame(source->format, source->packet);
        /* A stream of audio alone never waits, so the deadline is looked at here too. */
        if (result == 0 && interrupt(source) != 0)
            result = AVERROR_EXIT;
        if (result == AVERROR(EAGAIN) && interrupt(source) == 0)
            continue;
        if (result == AVERROR_EOF && interrupt(source) == 0) {
            snprintf(error, SOURCE_ERROR_SIZE, "%s ended the stream", source->host);
            return 0;
        }
        if (result < 0)
            return explain(source, result, error);
        if (is_wanted(source))
            break;
    }
    fill_unit(source, unit);
    if (unit->video) {
        /* libavformat's parser loses the time of a connection's first picture, where RTP's clock begins. */
        if (!source->had_video && !source->has_decode_times && unit->presentation_ns == SOURCE_TIME_UNKNOWN)
            unit->presentation_ns = 0;
        source->had_video = true;
        set_deadline(source, SOURCE_VIDEO_DEADLINE_MS);
    }
    return 1;
}

static const struct source_operations operations = {.read = libav_read, .close = libav_close};

static struct source_libav *create(const struct source_options *options, const char *host)
{
    struct source_libav *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return NULL;
    source->base.operations = &operations;
    source->interrupted = options->interrupted;
    source->context = options->context;
    source->video_index = source->audio_index = -1;
    source->first_frame_ms = SOURCE_FIRST_FRAME_DEADLINE_MS;
    if (options->transport == SOURCE_TRANSPORT_AUTO)
        source->first_frame_ms += UDP_TRIAL_MS;
    source->host = strdup(host);
    source->packet = av_packet_alloc();
    source->format = avformat_alloc_context();
    if (source->host == NULL || source->packet == NULL || source->format == NULL) {
        libav_close(&source->base);
        return NULL;
    }
    source->format->interrupt_callback = (AVIOInterruptCB){.callback = interrupt, .opaque = source};
    return source;
}

int source_libav_open(const struct source_options *options, const struct source_url *url,
                      struct source **source, char error[SOURCE_ERROR_SIZE])
{
    int result;
    char *text = authorized_url(options, url, &result, error);

    if (text == NULL)
        return result;
    struct source_libav *libav = create(options, url->host);
    if (libav == NULL) {
        snprintf(error, SOURCE_ERROR_SIZE, "out of memory");
        result = -ENOMEM;
        goto out;
    }
    set_deadline(libav, SOURCE_CONNECT_DEADLINE_MS);
    result = open_input(libav, options, text, is_rtsp(url));
    if (result < 0) {
        result = explain(libav, result, error);
        libav_close(&libav->base);
        goto out;
    }
    choose_streams(libav, options->audio);
    libav->has_decode_times = !is_rtsp(url);
    libav->phase = PHASE_READING;
    set_deadline(libav, libav->first_frame_ms);
    *source = &libav->base;
out:
    explicit_bzero(text, strlen(text));
    free(text);
    return result;
}
