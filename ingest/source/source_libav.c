/* SPDX-License-Identifier: MIT */
/*
 * libavformat as a source, for everything that is not RTSP: live containers over HTTP, RTMP and SRT, and files, which
 * are paced to real time and start again at their end. It blocks inside av_read_frame, which calls interrupt() at
 * least every 100 ms; the deadlines are checked there. Or libavformat takes a transport stream apart that another source brings
 * in pieces: MPEG-TS over RTP (RFC 2250).
 */
#include "ingest/source/source_backend.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavformat/avformat.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "ingest/source/source_libav_adts.h"
#include "ingest/source/source_libav_error.h"
#include "ingest/source/source_libav_pieces.h"

/* How long closing a connection may take. */
#define CLOSE_DEADLINE_MS 300

/* A frame of a file that is due later than that has a broken timestamp; it is not a pause. */
#define FILE_PAUSE_MAX_NS (10 * NS_PER_SECOND)

/* How long a file waits for its time before it asks whether to stop. */
#define FILE_WAIT_MS 250

/* How much of a stream is probed at most. */
#define PROBE_BYTES 262144
#define PROBE_US 1000000

/* Packets in which the first sound of MPEG-TS is looked for: one to two seconds. */
#define HELD_MAX 128

/* A file's own time against the clock. */
struct file_clock {
    bool started;
    int64_t base_ns;  /* CLOCK_MONOTONIC at time 0 of the file's first round */
    int64_t round_ns; /* added to the file's times in the present round */
    int64_t last_ns;  /* what was due last, rounds included */
    int64_t frames;   /* of video, rounds included; when the first is shown, and the one that is shown last */
    int64_t first_frame_ns, last_frame_ns;
};

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
    bool described; /* its streams are known */
    bool had_video;
    struct video_patience *patience; /* of source_memory, or OWN */
    struct video_patience own;
    size_t video_deadline; /* camera_task */
    bool is_file;
    int attention; /* source_options.attention */
    struct file_clock clock;
    int video_index; /* -1: none */
    int audio_index;
    struct source_libav_pieces *pieces; /* NULL: libavformat itself reads from the camera */
    bool show_damaged;                  /* camera_task */
    bool lost;                          /* pieces, or pictures of them, are missing before the next picture */
    struct source_libav_adts *adts;     /* NULL: the description has the sound's configuration */
    AVPacket *held[HELD_MAX];           /* packets read before the first frame with that configuration */
    unsigned held_count, held_next;
};

static void set_deadline(struct source_libav *source, int64_t ms)
{
    source->deadline_ns = clock_now_ns() + ms * NS_PER_MS;
}

/* AVIOInterruptCB: anything but 0 makes libavformat give up. */
static int interrupt(void *opaque)
{
    struct source_libav *source = opaque;

    source->expired = source->expired || clock_now_ns() > source->deadline_ns;
    if (source->phase == PHASE_CLOSING) {
        return source->expired;
    }
    source->cancelled = source->cancelled || source->interrupted(source->context);
    return source->expired || source->cancelled;
}

static enum media_codec codec_of(enum AVCodecID id)
{
    switch (id) {
    case AV_CODEC_ID_H264:
        return MEDIA_CODEC_H264;
    case AV_CODEC_ID_HEVC:
        return MEDIA_CODEC_H265;
    case AV_CODEC_ID_AAC:
        return MEDIA_CODEC_AAC;
    case AV_CODEC_ID_OPUS:
        return MEDIA_CODEC_OPUS;
    case AV_CODEC_ID_PCM_MULAW:
        return MEDIA_CODEC_PCMU;
    case AV_CODEC_ID_PCM_ALAW:
        return MEDIA_CODEC_PCMA;
    case AV_CODEC_ID_PCM_S16BE:
        return MEDIA_CODEC_L16;
    case AV_CODEC_ID_ADPCM_G722:
        return MEDIA_CODEC_G722;
    default:
        return MEDIA_CODEC_OTHER;
    }
}

static int find_stream(const AVFormatContext *format, enum AVMediaType type)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (format->streams[i]->codecpar->codec_type == type) {
            return (int)i;
        }
    }
    return -1;
}

static void describe(struct source_libav *source, int index, struct media_stream *stream)
{
    if (index < 0) {
        return;
    }
    const AVCodecParameters *parameters = source->format->streams[index]->codecpar;
    stream->codec = codec_of(parameters->codec_id);
    stream->codec_name = avcodec_get_name(parameters->codec_id);
    stream->extradata = parameters->extradata;
    stream->extradata_size = parameters->extradata ? (size_t)parameters->extradata_size : 0;
    if (parameters->sample_rate > 0) {
        stream->sample_rate = (uint32_t)parameters->sample_rate;
    }
    if (parameters->ch_layout.nb_channels > 0) {
        stream->channels = (uint32_t)parameters->ch_layout.nb_channels;
    }
}

/* Streams that are not wanted are not even parsed. */
static void choose_streams(struct source_libav *source, bool audio)
{
    AVFormatContext *format = source->format;

    source->video_index = find_stream(format, AVMEDIA_TYPE_VIDEO);
    source->audio_index = audio ? find_stream(format, AVMEDIA_TYPE_AUDIO) : -1;
    describe(source, source->video_index, &source->base.description.video);
    describe(source, source->audio_index, &source->base.description.audio);
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if ((int)i != source->video_index && (int)i != source->audio_index) {
            format->streams[i]->discard = AVDISCARD_ALL;
        }
    }
}

/*
 * Live containers only over a network: a playlist could name any other resource. A file may be any container
 * that names nothing outside itself.
 */
static int set_options(AVDictionary **dictionary, bool is_file)
{
    int failed = 0;

    if (is_file) {
        failed |= av_dict_set(dictionary, "protocol_whitelist", "file", 0) < 0;
        failed |= av_dict_set(dictionary, "format_whitelist", "mov,matroska,mpegts,flv,avi,h264,hevc", 0) < 0;
    } else {
        failed |=
            av_dict_set(dictionary, "protocol_whitelist", "http,https,rtmp,rtmps,srt,tcp,tls,udp", 0) < 0;
        failed |= av_dict_set(dictionary, "format_whitelist", "flv,live_flv,mpegts", 0) < 0;
        failed |= av_dict_set_int(dictionary, "probesize", PROBE_BYTES, 0) < 0;
        failed |= av_dict_set_int(dictionary, "analyzeduration", PROBE_US, 0) < 0;
        /* Packets that were read while probing are already late. */
        failed |= av_dict_set(dictionary, "fflags", "+nobuffer", 0) < 0;
    }
    return failed != 0 ? -ENOMEM : 0;
}

/* Why libavformat gave up: one of our own reasons, or ERROR_CODE of libavformat. */
static int explain(const struct source_libav *source, int error_code, char error[SOURCE_ERROR_SIZE])
{
    if (source->cancelled) {
        snprintf(error, SOURCE_ERROR_SIZE, "interrupted");
        return -ECANCELED;
    }
    if (source->pieces) {
        int result = source_libav_pieces_result(source->pieces, error);
        if (result != 1) {
            return result;
        }
        if (!source->expired) {
            snprintf(error, SOURCE_ERROR_SIZE, "%s: sends an MPEG transport stream (MPEG-TS), %s",
                     source->host,
                     error_code == AVERROR(ENOMEM) ? "for which there is no memory"
                                                   : "in which there is nothing that can be shown");
            return error_code == AVERROR(ENOMEM) ? -ENOMEM : -EBADMSG;
        }
    }
    /* While it plays no name is looked up, an error that libavformat reports in the same way. */
    if (error_code == AVERROR(EIO) && source->had_video) {
        error_code = AVERROR(ECONNRESET);
    }
    if (!source->expired) {
        return source_libav_error(source->host, error_code, error);
    }
    if (source->phase == PHASE_OPENING) {
        snprintf(error, SOURCE_ERROR_SIZE, "%s: no answer within %d s", source->host,
                 SOURCE_CONNECT_DEADLINE_MS / MS_PER_SECOND);
    } else {
        snprintf(error, SOURCE_ERROR_SIZE, "%s: %s %d s", source->host,
                 source->had_video ? "no video for" : "connected, but no video within",
                 (int)((source->described ? video_patience_ms(source->patience, source->video_deadline)
                                          : SOURCE_CONNECT_DEADLINE_MS) /
                       MS_PER_SECOND));
        video_patience_overdue(source->patience);
    }
    return -ETIMEDOUT;
}

static const char *username(const struct source_options *options, const struct camera_url *url)
{
    return options->task->username ? options->task->username : url->username;
}

/* The URL with credentials in the form that libavformat understands; a path for a file. */
static char *full_url(const struct source_options *options, const struct camera_url *url, bool is_file)
{
    char *text = NULL;

    if (is_file) {
        return asprintf(&text, "file:%s", url->path) < 0 ? NULL : text;
    }
    return camera_url_join(url, username(options, url),
                           options->task->password ? options->task->password : url->password);
}

static void libav_close(struct source *base)
{
    struct source_libav *source = (struct source_libav *)base;

    source->phase = PHASE_CLOSING;
    source->expired = false;
    set_deadline(source, CLOSE_DEADLINE_MS);
    avformat_close_input(&source->format);
    source_libav_pieces_destroy(source->pieces);
    source_libav_adts_destroy(source->adts);
    while (source->held_count > 0) {
        av_packet_free(&source->held[--source->held_count]);
    }
    av_packet_free(&source->packet);
    free(source->host);
    free(source);
}

static int find_streams(struct source_libav *source)
{
    int result = avformat_find_stream_info(source->format, NULL);

    return result < 0 ? result : 0;
}

/* Frees SOURCE->format on failure, as avformat_open_input does. */
static int open_input(struct source_libav *source, const char *url)
{
    AVDictionary *dictionary = NULL;
    int result = set_options(&dictionary, source->is_file);

    source_libav_quiet_log(true);
    if (result == 0) {
        result = avformat_open_input(&source->format, url, NULL, &dictionary);
    }
    source_libav_quiet_log(false);
    av_dict_free(&dictionary);
    return result < 0 ? result : find_streams(source);
}

/* The same for pieces: they are a transport stream, whatever is in them, and libavformat opens nothing. */
static int open_pieces(struct source_libav *source)
{
    AVDictionary *dictionary = NULL;
    int result = set_options(&dictionary, false);

    source->format->pb = source_libav_pieces_io(source->pieces);
    source->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    if (result == 0) {
        source_libav_quiet_log(true);
        result = avformat_open_input(&source->format, "", av_find_input_format("mpegts"), &dictionary);
        source_libav_quiet_log(false);
    }
    av_dict_free(&dictionary);
    return result < 0 ? result : find_streams(source);
}

/* As open_input, once the gate allows it. Without a user name the server can refuse none. */
static int log_in(struct source_libav *source, const char *url, const struct login_gate *gate,
                  char error[SOURCE_ERROR_SIZE], bool *denied)
{
    char why[LOGIN_ERROR_SIZE];
    int result = gate ? gate->ask(gate->context, false, why) : 0;

    *denied = result < 0;
    if (result == -EACCES) { /* names the host itself */
        snprintf(error, SOURCE_ERROR_SIZE, "%s", why);
        return result;
    }
    if (result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "%.100s: %.150s", source->host, why);
        return result;
    }
    set_deadline(source, SOURCE_CONNECT_DEADLINE_MS);
    result = open_input(source, url);
    if (!gate) {
        return result;
    }
    if (result == AVERROR_HTTP_UNAUTHORIZED) {
        gate->tell(gate->context, LOGIN_REFUSED);
    } else if (result == AVERROR_HTTP_FORBIDDEN) {
        gate->tell(gate->context, LOGIN_FORBIDDEN);
    } else {
        gate->tell(gate->context, result < 0 ? LOGIN_UNANSWERED : LOGIN_ACCEPTED);
    }
    return result;
}

static int64_t to_ns(int64_t time, AVRational timebase)
{
    if (time == AV_NOPTS_VALUE) {
        return MEDIA_TIME_UNKNOWN;
    }
    return av_rescale_q_rnd(time, timebase, (AVRational){1, (int)NS_PER_SECOND},
                            AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX);
}

static void fill_unit(struct source_libav *source, struct media_unit *unit)
{
    const AVPacket *packet = source->packet;
    const AVStream *stream = source->format->streams[packet->stream_index];

    *unit = (struct media_unit){
        .video = packet->stream_index == source->video_index,
        .keyframe = (packet->flags & AV_PKT_FLAG_KEY) != 0,
        .data = packet->data,
        .size = (size_t)packet->size,
        .presentation_ns = to_ns(packet->pts, stream->time_base),
        .decode_ns = to_ns(packet->dts, stream->time_base),
        .capture_ns = clock_now_ns(),
        .wall_ns = clock_wall_ns(),
        .synced = true,
    };
    if (unit->video) {
        unit->lost = source->lost && !source->show_damaged;
        source->lost = false;
    }
}

/* Of a picture that was read in pieces: parts of it are missing. */
static bool is_damaged(struct source_libav *source)
{
    const AVPacket *packet = source->packet;

    if (!source->pieces || packet->stream_index != source->video_index) {
        return false;
    }
    bool damaged = (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
    source->lost = source_libav_pieces_lost(source->pieces) || damaged || source->lost;
    return damaged && !source->show_damaged;
}

static bool is_wanted(struct source_libav *source)
{
    const AVPacket *packet = source->packet;

    return packet->size > 0 && !is_damaged(source) &&
           (packet->stream_index == source->video_index || packet->stream_index == source->audio_index);
}

/* Starts the file again, one interval after its last frame. */
static int rewind_file(struct source_libav *source)
{
    struct file_clock *clock = &source->clock;
    int64_t length = clock->last_frame_ns - clock->first_frame_ns;

    /*
     * A file without two frames would be read for ever, and so would one whose reading gives none any more.
     */
    if (clock->frames < 2 || length + length / (clock->frames - 1) <= clock->round_ns) {
        return AVERROR_EOF;
    }
    clock->round_ns = length + length / (clock->frames - 1);
    return avformat_seek_file(source->format, -1, INT64_MIN, 0, INT64_MAX, 0);
}

static void note_frame(struct file_clock *clock, int64_t shown)
{
    if (clock->frames == 0) {
        clock->first_frame_ns = clock->last_frame_ns = shown;
    }
    if (shown > clock->last_frame_ns) {
        clock->last_frame_ns = shown;
    }
    clock->frames++;
}

static void add_time(int64_t *time, int64_t ns)
{
    if (*time != MEDIA_TIME_UNKNOWN) {
        *time += ns;
    }
}

/* Moves a file's unit to its round. When it is due, on the clock of its rounds. */
static int64_t place_unit(struct file_clock *clock, struct media_unit *unit)
{
    add_time(&unit->presentation_ns, clock->round_ns);
    add_time(&unit->decode_ns, clock->round_ns);
    int64_t due = unit->decode_ns != MEDIA_TIME_UNKNOWN ? unit->decode_ns : clock->last_ns;
    bool jumps = due - clock->last_ns > FILE_PAUSE_MAX_NS || clock->last_ns - due > FILE_PAUSE_MAX_NS;
    if (!clock->started || jumps) {
        clock->base_ns = clock_now_ns() - due;
    }
    if (unit->video) {
        note_frame(clock, unit->presentation_ns != MEDIA_TIME_UNKNOWN ? unit->presentation_ns : due);
    }
    clock->last_ns = due;
    clock->started = true;
    return clock->base_ns + due;
}

/* False: told to stop. */
static bool wait_until(struct source_libav *source, int64_t due_ns)
{
    struct pollfd attention = {.fd = source->attention, .events = POLLIN};
    int64_t left_ms;

    while ((left_ms = (due_ns - clock_now_ns()) / NS_PER_MS) > 0) {
        poll(&attention, 1, (int)(left_ms < FILE_WAIT_MS ? left_ms : FILE_WAIT_MS));
        set_deadline(source, VIDEO_PATIENCE_MS);
        if (interrupt(source) != 0) {
            return false;
        }
    }
    return true;
}

static bool pace(struct source_libav *source, struct media_unit *unit)
{
    bool goes_on = wait_until(source, place_unit(&source->clock, unit));

    unit->capture_ns = clock_now_ns();
    unit->wall_ns = clock_wall_ns();
    return goes_on;
}

/* 0; negative: there is nothing in it. */
static int prepare_packet(struct source_libav *source)
{
    bool framed = source->adts && source->packet->stream_index == source->audio_index;

    return framed ? source_libav_adts_strip(source->adts, source->packet) : 0;
}

/* The next packet that is wanted. 0, or an error of libavformat. */
static int next_packet(struct source_libav *source)
{
    for (;;) {
        av_packet_unref(source->packet);
        int result = av_read_frame(source->format, source->packet);
        /* A stream of audio alone never waits, so the deadline is looked at here too. */
        if (result == 0 && interrupt(source) != 0) {
            result = AVERROR_EXIT;
        }
        if (result == AVERROR(EAGAIN) && interrupt(source) == 0) {
            continue;
        }
        if (result == AVERROR_EOF && source->is_file && rewind_file(source) >= 0) {
            continue;
        }
        if (result < 0) {
            return result;
        }
        if (is_wanted(source) && prepare_packet(source) == 0) {
            return 0;
        }
    }
}

/* Reads until the first frame of sound, which has its configuration. The packets are handed out later. */
static int find_audio_config(struct source_libav *source)
{
    struct media_stream *audio = &source->base.description.audio;
    int result = source_libav_adts_create(source->format->streams[source->audio_index], &source->adts);

    if (result < 0) {
        return AVERROR(-result);
    }
    while (!audio->extradata && source->held_count < HELD_MAX) {
        result = next_packet(source);
        if (result < 0) {
            return result == AVERROR_EOF ? 0 : result;
        }
        AVPacket *held = av_packet_clone(source->packet);
        if (!held) {
            return AVERROR(ENOMEM);
        }
        source->held[source->held_count++] = held;
        audio->extradata = source_libav_adts_config(source->adts, &audio->extradata_size);
    }
    return 0;
}

static int describe_audio(struct source_libav *source)
{
    const struct media_stream *audio = &source->base.description.audio;
    bool told = audio->codec != MEDIA_CODEC_AAC || audio->extradata;

    return told ? 0 : find_audio_config(source);
}

/* next_packet(), after those that are held. */
static int take_packet(struct source_libav *source)
{
    if (source->held_next == source->held_count) {
        return next_packet(source);
    }
    av_packet_unref(source->packet);
    av_packet_move_ref(source->packet, source->held[source->held_next++]);
    return 0;
}

static int libav_read(struct source *base, struct media_unit *unit, char error[SOURCE_ERROR_SIZE])
{
    struct source_libav *source = (struct source_libav *)base;
    int result = take_packet(source);

    if (result == AVERROR_EOF && source->pieces) {
        return explain(source, result, error);
    }
    if (result == AVERROR_EOF && interrupt(source) == 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "%s ended the stream", source->host);
        return 0;
    }
    if (result < 0) {
        return explain(source, result, error);
    }
    fill_unit(source, unit);
    if (source->is_file && !pace(source, unit)) {
        return explain(source, AVERROR_EXIT, error);
    }
    if (unit->video) {
        source->had_video = true;
        video_patience_picture(source->patience, clock_now_ns());
        set_deadline(source, video_patience_ms(source->patience, source->video_deadline));
    }
    return 1;
}

static void libav_statistics(const struct source *base, struct source_statistics *statistics)
{
    const struct source_libav *source = (const struct source_libav *)base;

    if (source->pieces) {
        source_statistics(source_libav_pieces_source(source->pieces), statistics);
    }
}

static const struct source_operations operations = {
    .read = libav_read, .close = libav_close, .statistics = libav_statistics};

static struct source_libav *create(const struct source_options *options, const char *host)
{
    struct source_libav *source = calloc(1, sizeof(*source));

    if (!source) {
        return NULL;
    }
    source->base.operations = &operations;
    source->interrupted = options->interrupted;
    source->context = options->context;
    source->video_index = source->audio_index = -1;
    source->attention = options->attention;
    source->patience = options->memory ? &options->memory->patience : &source->own;
    source->video_deadline = options->task->video_deadline;
    source->show_damaged = options->task->show_damaged;
    video_patience_begin(source->patience);
    source->host = strdup(host);
    source->packet = av_packet_alloc();
    source->format = avformat_alloc_context();
    if (!source->host || !source->packet || !source->format) {
        libav_close(&source->base);
        return NULL;
    }
    source->format->interrupt_callback = (AVIOInterruptCB){.callback = interrupt, .opaque = source};
    return source;
}

int source_libav_open(const struct source_options *options, const struct camera_url *url,
                      struct source **source, char error[SOURCE_ERROR_SIZE])
{
    bool is_file = strcmp(url->scheme, "file") == 0;
    int result = -ENOMEM;
    char *text = full_url(options, url, is_file);
    struct source_libav *libav = text ? create(options, is_file ? "the file" : url->host) : NULL;

    if (!libav) {
        snprintf(error, SOURCE_ERROR_SIZE, "out of memory");
        goto out;
    }
    libav->is_file = is_file;
    bool asks = !is_file && options->gate.ask && username(options, url);
    bool denied = false;
    result = log_in(libav, text, asks ? &options->gate : NULL, error, &denied);
    if (denied) {
        libav_close(&libav->base);
        goto out;
    }
    if (result >= 0) {
        choose_streams(libav, options->task->audio);
        result = describe_audio(libav);
    }
    if (result < 0) {
        result = explain(libav, result, error);
        libav_close(&libav->base);
        goto out;
    }
    libav->phase = PHASE_READING;
    libav->described = true;
    set_deadline(libav, video_patience_ms(libav->patience, libav->video_deadline));
    *source = &libav->base;
out:
    secret_free(text);
    return result;
}

/* Its streams, or why there is no video among them. */
static int describe_pieces(struct source_libav *source, bool audio, char error[SOURCE_ERROR_SIZE])
{
    int result = open_pieces(source);

    if (result >= 0) {
        choose_streams(source, audio);
        result = source->video_index < 0 ? AVERROR_INVALIDDATA : describe_audio(source);
    }
    return result < 0 ? explain(source, result, error) : 0;
}

int source_libav_open_pieces(const struct source_options *options, const char *host, struct source *pieces,
                             struct source **source, char error[SOURCE_ERROR_SIZE])
{
    struct source_libav *libav = create(options, host);

    *source = NULL;
    if (!libav) {
        source_close(pieces);
    } else {
        libav->pieces = source_libav_pieces_create(pieces, libav->host, interrupt, libav);
    }
    if (!libav || !libav->pieces) {
        source_close(libav ? &libav->base : NULL);
        snprintf(error, SOURCE_ERROR_SIZE, "%s: out of memory", host);
        return -ENOMEM;
    }
    /* The session has been opened; now pictures are due. */
    libav->phase = PHASE_READING;
    set_deadline(libav, SOURCE_CONNECT_DEADLINE_MS);
    if (options->note) {
        char text[SOURCE_ERROR_SIZE];
        snprintf(text, sizeof(text),
                 "%s: announces an MPEG transport stream (MPEG-TS); looking for its pictures", host);
        options->note(options->context, text);
    }
    int result = describe_pieces(libav, options->task->audio, error);
    if (result < 0) {
        libav_close(&libav->base);
        return result;
    }
    libav->described = true;
    set_deadline(libav, video_patience_ms(libav->patience, libav->video_deadline));
    *source = &libav->base;
    return 0;
}
