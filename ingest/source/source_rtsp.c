/* SPDX-License-Identifier: MIT */
/*
 * A camera that speaks RTSP, natively: the session gives packets, and a track for each media makes access units of
 * them as soon as the last packet of each has arrived. Here are the deadlines of video and audio, the reports to the
 * camera, and what one connection teaches the next. Of MPEG-TS over RTP (RFC 2250) the tracks give the pieces, which libavformat
 * takes apart (source_libav.c).
 */
#include "common/base/clock.h"
#include "ingest/source/source_backend.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "ingest/rtp/track.h"
#include "ingest/rtsp/rtsp_session.h"

static_assert(SOURCE_ERROR_SIZE == RTSP_ERROR_SIZE, "one buffer is used for both");

/*
 * RFC 3550, section 6.2, asks for reports about every 5 s; some cameras end a session without a report for that long.
 */
#define REPORT_INTERVAL_MS 2500

/* How long video may go on after the camera has sent BYE for it: some cameras send BYE and go on. */
#define BYE_DEADLINE_MS 1000

/* How long after PLAY a camera is told apart that sends packets of another payload type instead of video, and how many are enough. */
#define OTHER_TYPE_MS 1000
#define OTHER_TYPE_PACKETS 10

struct source_rtsp {
    struct source base;
    struct rtsp_session *session;
    struct track *tracks[RTSP_MEDIA_COUNT]; /* NULL: none */
    char *host;
    char unplayed[SDP_ENCODING_SIZE + 16]; /* "G7221/16000": audio that cannot be played */
    int64_t video_ns;                      /* when video is overdue (CLOCK_MONOTONIC) */
    int64_t audio_ns;                      /* when audio is */
    int64_t report_ns;                     /* when reports are due */
    int64_t last_audio_ns;                 /* the last access unit */
    int64_t last_packet_ns;                /* of video */
    struct video_patience *patience;       /* of source_memory, or OWN */
    struct video_patience own;
    size_t video_deadline; /* camera_task */
    bool had_video, audio_missed;
    bool bye;
    void (*note)(void *context, const char *text); /* source_options */
    void *note_context;
    int64_t other_type_ns; /* when to look for other payload types; INT64_MAX: that was done */
    bool ended;            /* the session gives no more */
    int result;            /* then: what source_read says at the end */
    char error[SOURCE_ERROR_SIZE];
};

static int64_t after_ms(int64_t ms)
{
    return clock_now_ns() + ms * NS_PER_MS;
}

static bool plays(const struct sdp_media *media)
{
    enum media_codec codec = track_codec(media);

    return codec != MEDIA_CODEC_NONE && codec != MEDIA_CODEC_OTHER;
}

static int create_track(struct source_rtsp *source, enum rtsp_media media,
                        const struct source_options *options, struct media_stream *stream)
{
    const struct sdp_media *description = rtsp_session_media(source->session, media);
    struct track_options track_options = {.udp = rtsp_session_is_udp(source->session),
                                          .show_damaged = options->task->show_damaged,
                                          .doubt_markers = true};

    if (!description) {
        return 0;
    }
    if (!rtsp_session_ssrc(source->session, media, &track_options.ssrc)) {
        track_options.ssrc = 0;
    }
    int result = track_create(description, &track_options, &source->tracks[media]);
    if (result == 0) {
        *stream = *track_stream(source->tracks[media]);
        stream->frame_rate = description->frame_rate;
    }
    return result;
}

/* Audio that cannot be played is described by its name alone, so that the status can show it. */
static void describe_unplayed(struct source_rtsp *source, const struct sdp_media *media)
{
    const char *name = media->encoding[0] != '\0' ? media->encoding : "a format without a name";

    if (media->secure) {
        name = "SRTP";
    }
    if (media->clock_rate > 0) {
        snprintf(source->unplayed, sizeof(source->unplayed), "%s/%" PRIu32, name, media->clock_rate);
    } else {
        snprintf(source->unplayed, sizeof(source->unplayed), "%s", name);
    }
    source->base.description.audio =
        (struct media_stream){.codec = MEDIA_CODEC_OTHER, .codec_name = source->unplayed};
}

static int create_tracks(struct source_rtsp *source, const struct source_options *options,
                         char error[SOURCE_ERROR_SIZE])
{
    struct media_description *description = &source->base.description;
    int result = create_track(source, RTSP_VIDEO, options, &description->video);

    if (result < 0) {
        snprintf(error, SOURCE_ERROR_SIZE, "%s: %s", source->host,
                 result == -ENOMEM ? "out of memory" : "sends its video in a form that is not supported");
        return result;
    }
    result = create_track(source, RTSP_AUDIO, options, &description->audio);
    const struct sdp_media *unplayed = rtsp_session_unplayed(source->session);
    if (result == -ENOTSUP) {
        unplayed = rtsp_session_media(source->session, RTSP_AUDIO);
    }
    if (unplayed) {
        describe_unplayed(source, unplayed);
    }
    if (result < 0 && result != -ENOTSUP) {
        snprintf(error, SOURCE_ERROR_SIZE, "%s: out of memory", source->host);
    }
    if (source->tracks[RTSP_AUDIO]) {
        track_follow(source->tracks[RTSP_AUDIO], source->tracks[RTSP_VIDEO]);
    }
    return result == -ENOTSUP ? 0 : result;
}

static void rtsp_close(struct source *base)
{
    struct source_rtsp *source = (struct source_rtsp *)base;

    track_destroy(source->tracks[RTSP_AUDIO]);
    track_destroy(source->tracks[RTSP_VIDEO]);
    rtsp_session_close(source->session);
    free(source->host);
    free(source);
}

/* A unit is about to be handed out. */
static void take_note(struct source_rtsp *source, const struct media_unit *unit)
{
    if (unit->video) {
        source->had_video = true;
        source->bye = false;
        int64_t now = clock_now_ns();
        video_patience_picture(source->patience, now);
        source->video_ns = now + video_patience_ms(source->patience, source->video_deadline) * NS_PER_MS;
        return;
    }
    if (source->audio_missed) {
        log_info("audio is back");
    }
    source->audio_missed = false;
    source->last_audio_ns = clock_now_ns();
    source->audio_ns = source->last_audio_ns + SOURCE_AUDIO_DEADLINE_MS * NS_PER_MS;
}

static bool next_unit(struct source_rtsp *source, struct media_unit *unit)
{
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        if (source->tracks[i] && track_next(source->tracks[i], unit) == 1) {
            take_note(source, unit);
            return true;
        }
    }
    return false;
}

/* True if a track has given up something overdue, so that there may be a unit. */
static bool flush_tracks(struct source_rtsp *source, int64_t now)
{
    bool flushed = false;

    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        if (!source->tracks[i] || track_deadline(source->tracks[i]) > now) {
            continue;
        }
        track_flush(source->tracks[i], now);
        flushed = true;
    }
    return flushed;
}

/* RFC 3550, section 6.2; sooner if the camera gives up sessions sooner, because some cameras count reports as signs of
 * life. */
static int64_t report_interval_ns(const struct source_rtsp *source)
{
    int64_t half_ms = rtsp_session_timeout_ms(source->session) / 2;

    return (half_ms < REPORT_INTERVAL_MS ? half_ms : REPORT_INTERVAL_MS) * NS_PER_MS;
}

static void send_reports(struct source_rtsp *source, int64_t now)
{
    uint8_t report[TRACK_REPORT_SIZE];

    if (now < source->report_ns) {
        return;
    }
    source->report_ns = now + report_interval_ns(source);
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        size_t size = source->tracks[i] ? track_report(source->tracks[i], now, report) : 0;
        if (size > 0) {
            rtsp_session_send_rtcp(source->session, (enum rtsp_media)i, report, size);
        }
    }
}

/* Video goes on without sound, so this only logs it. */
static void watch_audio(struct source_rtsp *source, int64_t now)
{
    if (!source->tracks[RTSP_AUDIO] || source->audio_missed || now < source->audio_ns) {
        return;
    }
    source->audio_missed = true;
    log_warning("no audio for %d s; video goes on", SOURCE_AUDIO_DEADLINE_MS / 1000);
}

/* Whether instead of video come packets of a payload type that is not its own; then TEXT says so. */
static bool sends_other_type(const struct source_rtsp *source, char *text, size_t size)
{
    const struct track_counters *counters = track_counters(source->tracks[RTSP_VIDEO]);

    if (counters->packets > 0 || counters->other_type < 0 || counters->foreign < OTHER_TYPE_PACKETS) {
        return false;
    }
    bool stream = source->base.description.video.codec == MEDIA_CODEC_MPEGTS;
    snprintf(text, size, "its video is announced as payload type %u%s, and it sends %d",
             rtsp_session_media(source->session, RTSP_VIDEO)->payload_type, stream ? " (MPEG-TS)" : "",
             counters->other_type);
    return true;
}

/* Tells early what the deadline of video would tell. */
static void watch_types(struct source_rtsp *source, int64_t now)
{
    char words[SOURCE_ERROR_SIZE / 2];
    char text[SOURCE_ERROR_SIZE];

    if (now < source->other_type_ns) {
        return;
    }
    source->other_type_ns = INT64_MAX;
    if (source->note && sends_other_type(source, words, sizeof(words))) {
        snprintf(text, sizeof(text), "%s: no video yet: %s", source->host, words);
        log_warning("%s", words);
        source->note(source->note_context, text);
    }
}

/* Why there is no video, as far as that is known. */
static int video_overdue(struct source_rtsp *source, int64_t now, char error[SOURCE_ERROR_SIZE])
{
    int64_t limit_ms = video_patience_ms(source->patience, source->video_deadline);
    /* Counters from before the last picture say nothing about the time since. */
    int64_t since = now - limit_ms / 2 * NS_PER_MS;
    const char *instead = "";
    char words[SOURCE_ERROR_SIZE / 2] = "; ";

    if (!source->had_video && sends_other_type(source, words + 2, sizeof(words) - 2)) {
        instead = words;
    } else if (source->last_packet_ns > since) {
        instead = "; what it sends makes no frames";
    } else if (source->last_audio_ns > since) {
        instead = "; it sends only audio";
    }
    video_patience_overdue(source->patience);
    snprintf(error, SOURCE_ERROR_SIZE, "%s: %s %d s%s", source->host,
             source->had_video ? "no video for" : "connected, but no video within", (int)(limit_ms / 1000),
             instead);
    return -ETIMEDOUT;
}

static int video_late(const struct source_rtsp *source, int64_t late_ns, char error[SOURCE_ERROR_SIZE])
{
    snprintf(error, SOURCE_ERROR_SIZE,
             "%s: pictures come %d s late; the connection is slower than its stream", source->host,
             (int)(late_ns / NS_PER_SECOND));
    return -ETIME;
}

/* 1: go on; otherwise what source_read says. */
static int watch_video(struct source_rtsp *source, int64_t now, char error[SOURCE_ERROR_SIZE])
{
    int64_t late_ns = track_counters(source->tracks[RTSP_VIDEO])->late_ns;

    if (late_ns > SOURCE_LATE_LIMIT_MS * NS_PER_MS) {
        return video_late(source, late_ns, error);
    }
    if (now < source->video_ns) {
        return 1;
    }
    if (!source->bye) {
        return video_overdue(source, now, error);
    }
    snprintf(error, SOURCE_ERROR_SIZE, "%s: the camera said goodbye", source->host);
    return 0;
}

static void put_packet(struct source_rtsp *source, const struct rtsp_packet *packet)
{
    struct track *track = source->tracks[packet->media];
    struct track *other = source->tracks[packet->media == RTSP_VIDEO ? RTSP_AUDIO : RTSP_VIDEO];

    if (!track) {
        return;
    }
    if (packet->media == RTSP_VIDEO && !packet->rtcp) {
        source->last_packet_ns = packet->arrival_ns;
    }
    if (!packet->rtcp && other) {
        track_note_elsewhere(other);
    }
    if (!packet->rtcp) {
        track_put_rtp(track, packet->data, packet->size, packet->arrival_ns);
    } else if (track_put_rtcp(track, packet->data, packet->size, packet->arrival_ns) == 1 &&
               packet->media == RTSP_VIDEO && source->had_video) {
        source->bye = true;
        source->video_ns = after_ms(BYE_DEADLINE_MS);
    }
}

static int64_t next_deadline(const struct source_rtsp *source)
{
    int64_t deadline = source->video_ns < source->report_ns ? source->video_ns : source->report_ns;

    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        int64_t waits = source->tracks[i] ? track_deadline(source->tracks[i]) : INT64_MAX;
        deadline = waits < deadline ? waits : deadline;
    }
    return deadline;
}

/* Takes one more packet, or the end. 0: go on; -ECANCELED. */
static int read_packet(struct source_rtsp *source)
{
    struct rtsp_packet packet;
    int result = rtsp_session_read(source->session, next_deadline(source), &packet, source->error);

    if (result == 1) {
        put_packet(source, &packet);
    }
    if (result == 1 || result == -ETIMEDOUT) {
        return 0;
    }
    if (result == -ECANCELED) {
        return result;
    }
    source->ended = true;
    source->result = result;
    return 0;
}

/* Units that the tracks still hold are handed out before the end is reported. */
static int rtsp_read(struct source *base, struct media_unit *unit, char error[SOURCE_ERROR_SIZE])
{
    struct source_rtsp *source = (struct source_rtsp *)base;

    for (;;) {
        if (next_unit(source, unit)) {
            return 1;
        }
        int64_t now = clock_now_ns();
        if (flush_tracks(source, source->ended ? INT64_MAX - 1 : now)) {
            continue;
        }
        if (source->ended) {
            snprintf(error, SOURCE_ERROR_SIZE, "%s", source->error);
            return source->result;
        }
        int result = watch_video(source, now, error);
        if (result != 1) {
            return result;
        }
        watch_audio(source, now);
        watch_types(source, now);
        send_reports(source, now);
        result = read_packet(source);
        if (result < 0) {
            return result;
        }
    }
}

static void rtsp_statistics(const struct source *base, struct source_statistics *statistics)
{
    const struct source_rtsp *source = (const struct source_rtsp *)base;

    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        if (!source->tracks[i]) {
            continue;
        }
        const struct track_counters *counters = track_counters(source->tracks[i]);
        statistics->lost += counters->lost;
        statistics->reordered += counters->reordered;
        statistics->duplicates += counters->duplicates;
        statistics->malformed += counters->malformed;
        statistics->marker_errors += counters->marker_errors;
        statistics->discontinuities += counters->discontinuities;
        statistics->dropped += counters->dropped;
    }
    statistics->jitter_ns = track_counters(source->tracks[RTSP_VIDEO])->jitter_ns;
}

static bool rtsp_ask_keyframe(struct source *base)
{
    struct source_rtsp *source = (struct source_rtsp *)base;
    const struct sdp_media *media = rtsp_session_media(source->session, RTSP_VIDEO);
    uint8_t request[TRACK_REPORT_SIZE];
    size_t size = track_ask_keyframe(source->tracks[RTSP_VIDEO], media, clock_now_ns(), request);

    if (size > 0) {
        rtsp_session_send_rtcp(source->session, RTSP_VIDEO, request, size);
    }
    return size > 0;
}

static const struct source_operations operations = {
    .read = rtsp_read, .close = rtsp_close, .statistics = rtsp_statistics, .ask_keyframe = rtsp_ask_keyframe};

static enum rtsp_choice choose_transport(const struct source_options *options)
{
    switch (options->task->transport) {
    case CAMERA_TRANSPORT_UDP:
        return RTSP_UDP;
    case CAMERA_TRANSPORT_AUTO:
        return RTSP_BEST;
    case CAMERA_TRANSPORT_AUTO_TCP:
        return RTSP_TCP_FIRST;
    case CAMERA_TRANSPORT_TCP:
        break;
    }
    return RTSP_TCP;
}

static int open_session(struct source_rtsp *source, const struct source_options *options,
                        const struct camera_url *url, char error[SOURCE_ERROR_SIZE])
{
    const struct rtsp_session_options session = {
        .scheme = url->scheme,
        .authority = url->host,
        .path = url->path,
        .username = options->task->username ? options->task->username : url->username,
        .password = options->task->username ? options->task->password : url->password,
        .transport = choose_transport(options),
        .audio = options->task->audio,
        .tls_verify = options->task->tls_verify,
        .tls_fingerprint = options->task->tls_fingerprint,
        .allow_redirect = options->task->allow_redirect,
        .refuse_basic = !options->task->allow_basic,
        .connect_ms = SOURCE_CONNECT_DEADLINE_MS,
        .plays = plays,
        .memory = options->memory ? &options->memory->rtsp : NULL,
        .gate = options->gate,
        .wait = {.interrupted = options->interrupted,
                 .context = options->context,
                 .attention = options->attention},
    };
    int result = rtsp_session_open(&session, &source->session, error);

    if (result == 0 && options->memory) {
        options->memory->opened = true;
        options->memory->authenticated |= rtsp_session_authenticated(source->session);
    }
    return result;
}

int source_rtsp_open(const struct source_options *options, const struct camera_url *url,
                     struct source **source, char error[SOURCE_ERROR_SIZE])
{
    struct source_rtsp *rtsp = calloc(1, sizeof(*rtsp));

    if (!rtsp || (rtsp->host = strdup(url->host)) == NULL) {
        free(rtsp);
        snprintf(error, SOURCE_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    rtsp->base.operations = &operations;
    rtsp->patience = options->memory ? &options->memory->patience : &rtsp->own;
    rtsp->video_deadline = options->task->video_deadline;
    video_patience_begin(rtsp->patience);
    int result = open_session(rtsp, options, url, error);
    if (result == 0) {
        result = create_tracks(rtsp, options, error);
    }
    if (result < 0) {
        rtsp_close(&rtsp->base);
        return result;
    }
    rtsp->video_ns = after_ms(video_patience_ms(rtsp->patience, rtsp->video_deadline));
    rtsp->audio_ns = after_ms(SOURCE_AUDIO_DEADLINE_MS);
    rtsp->note = options->note;
    rtsp->note_context = options->context;
    rtsp->other_type_ns = after_ms(OTHER_TYPE_MS);
    rtsp->report_ns = clock_now_ns() + report_interval_ns(rtsp);
    if (rtsp->base.description.video.codec == MEDIA_CODEC_MPEGTS) {
        /* Pieces say nothing about the pace of pictures. */
        rtsp->patience = &rtsp->own;
        video_patience_begin(rtsp->patience);
        return source_libav_open_pieces(options, url->host, &rtsp->base, source, error);
    }
    *source = &rtsp->base;
    return 0;
}
