/*
 * From a URL to a playing session: OPTIONS, DESCRIBE, SETUP for each media, PLAY. A redirect begins anew with
 * another URL, UDP that stays silent begins anew over TCP.
 */
#include "ingest/rtsp/rtsp_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "ingest/rtsp/media_choice.h"
#include "ingest/rtsp/rtsp_session_private.h"
#include "ingest/rtsp/rtsp_transport.h"

/* Statuses. */
#define STATUS_OK 200
#define STATUS_REDIRECT 300
#define STATUS_ERROR 400

/* What open_once may say besides an error. */
enum outcome { OPENED, REDIRECTED, SILENT };

/* Where to, while it is opened: a redirect changes it. */
struct place {
    struct rtsp_endpoint configured; /* whose credentials we have */
    struct rtsp_endpoint endpoint;
    char url[RTSP_URL_SIZE];
};

static const struct rtsp_message *response(const struct rtsp_session *session)
{
    return &session->talk.input.message;
}

static int request(struct rtsp_session *session, const char *method, const char *uri, const char *headers,
                   char error[RTSP_ERROR_SIZE])
{
    enum rtsp_event event;
    int result = rtsp_talk_begin(&session->talk, method, uri, headers, error);

    return result < 0 ? result : rtsp_talk_await(&session->talk, false, session->deadline_ns, &event, error);
}

/* Takes the new URL from a redirect, if it may be followed. */
static int take_redirect(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    const char *location = rtsp_message_header(response(session), "Location", 0);
    struct rtsp_endpoint endpoint;
    char authority[RTSP_HOST_SIZE + 16];
    char url[RTSP_URL_SIZE];
    char scheme[8] = "";

    if (location == NULL || !rtsp_url_is_absolute(location) ||
        rtsp_url_resolve(url, sizeof(url), "", location) < 0) {
        return rtsp_talk_fail(&session->talk, -EPROTO, error, "redirects to nowhere");
    }
    const char *begin = strstr(url, "://") + 3;
    snprintf(scheme, sizeof(scheme), "%.*s", (int)(begin - 3 - url), url);
    snprintf(authority, sizeof(authority), "%.*s", (int)strcspn(begin, "/?#"), begin);
    if (strlen(authority) + 1 == sizeof(authority) || rtsp_endpoint_parse(scheme, authority, &endpoint) < 0) {
        return rtsp_talk_fail(&session->talk, -EPROTO, error, "redirects to nowhere");
    }
    if (!rtsp_endpoint_equal(&endpoint, &place->configured) && !session->options.allow_redirect) {
        return rtsp_talk_fail(&session->talk, -EPERM, error,
                              "redirects to another host; allow_redirect = true would follow it, without "
                              "the credentials");
    }
    place->endpoint = endpoint;
    snprintf(place->url, sizeof(place->url), "%s", url);
    return REDIRECTED;
}

/* OPENED: the answer is good. */
static int check_status(struct rtsp_session *session, const char *method, struct place *place,
                        char error[RTSP_ERROR_SIZE])
{
    int status = response(session)->status;

    if (status >= STATUS_REDIRECT && status < STATUS_ERROR) {
        return take_redirect(session, place, error);
    }
    return status < STATUS_REDIRECT ? OPENED : rtsp_talk_refused(&session->talk, method, status, error);
}

/* A camera that knows no OPTIONS says so, and is none the worse. */
static int ask_options(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    int result = request(session, "OPTIONS", place->url, "", error);

    if (result < 0) {
        return result;
    }
    int status = response(session)->status;
    session->has_get_parameter = rtsp_message_lists(response(session), "Public", "GET_PARAMETER");
    return status >= STATUS_REDIRECT && status < STATUS_ERROR ? take_redirect(session, place, error) : OPENED;
}

/* What relative control URLs are relative to, and where the whole session is controlled. */
static int take_base(struct rtsp_session *session, const struct place *place)
{
    const char *base = rtsp_message_header(response(session), "Content-Base", 0);

    if (base == NULL || !rtsp_url_is_absolute(base)) {
        base = rtsp_message_header(response(session), "Content-Location", 0);
    }
    if (base == NULL || !rtsp_url_is_absolute(base)) {
        base = place->url;
    }
    if (rtsp_url_is_absolute(session->sdp.control)) {
        base = session->sdp.control;
    }
    int result = rtsp_url_resolve(session->base, sizeof(session->base), base, "");
    if (result == 0) {
        result = rtsp_url_resolve(session->aggregate, sizeof(session->aggregate), session->base,
                                  session->sdp.control);
    }
    return result;
}

static int describe(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    const struct rtsp_message *message = response(session);
    int result = request(session, "DESCRIBE", place->url, "Accept: application/sdp\r\n", error);

    if (result == 0) {
        result = check_status(session, "DESCRIBE", place, error);
    }
    if (result != OPENED) {
        return result;
    }
    if (message->body_size == 0 ||
        sdp_parse(message->body, message->body_size, session->options.plays, &session->sdp) < 0) {
        return rtsp_talk_fail(&session->talk, -EPROTO, error, "describes no media");
    }
    if (take_base(session, place) < 0) {
        return rtsp_talk_fail(&session->talk, -EPROTO, error, "a url in its description is too long");
    }
    return OPENED;
}

static int choose_media(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    struct media_choice choice;
    char words[MEDIA_CHOICE_WORDS_SIZE];
    int result =
        media_choice_make(&session->sdp, session->options.audio, session->options.plays, &choice, words);

    if (result < 0) {
        return rtsp_talk_fail(&session->talk, result, error, "%s", words);
    }
    session->streams[RTSP_VIDEO].media = choice.video;
    session->streams[RTSP_AUDIO].media = choice.audio;
    session->unplayed = choice.unplayed;
    return 0;
}

/* The Transport header for one media. */
static int offer(struct rtsp_session *session, enum rtsp_media media, struct rtsp_transport *transport,
                 char *out, size_t size)
{
    struct rtsp_stream *stream = &session->streams[media];
    struct sockaddr_storage local, peer;

    *transport = (struct rtsp_transport){.rtp_channel = (int)media * 2, .rtcp_channel = (int)media * 2 + 1};
    if (!session->udp) {
        snprintf(out, size, "Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n", transport->rtp_channel,
                 transport->rtcp_channel);
        return 0;
    }
    int result = rtsp_socket_local(session->talk.socket, &local);
    if (result == 0) {
        result = rtsp_socket_peer(session->talk.socket, &peer);
    }
    if (result == 0 && stream->udp.rtp < 0) {
        result = rtsp_udp_open(&stream->udp, &local, &peer);
    }
    snprintf(out, size, "Transport: RTP/AVP;unicast;client_port=%d-%d\r\n", stream->udp.port,
             stream->udp.port + 1);
    return result;
}

/* What the camera made of the offer. */
static int take_transport(struct rtsp_session *session, enum rtsp_media media,
                          struct rtsp_transport *transport, char error[RTSP_ERROR_SIZE])
{
    struct rtsp_stream *stream = &session->streams[media];
    const char *value = rtsp_message_header(response(session), "Transport", 0);

    if (value != NULL && rtsp_transport_parse(value, transport) < 0) {
        return rtsp_talk_fail(&session->talk, -EPROTO, error,
                              "answers SETUP with a Transport that cannot be");
    }
    if (transport->multicast || (session->udp && transport->tcp)) {
        return rtsp_talk_fail(&session->talk, -EPROTONOSUPPORT, error,
                              "answers SETUP with another transport than it was asked for");
    }
    if (session->udp) {
        rtsp_udp_aim(&stream->udp, transport->source, transport->server_rtp_port,
                     transport->server_rtcp_port);
        return 0;
    }
    stream->rtp_channel = transport->rtp_channel;
    stream->rtcp_channel = transport->rtcp_channel;
    rtsp_input_expect(&session->talk.input, (uint8_t)transport->rtp_channel);
    rtsp_input_expect(&session->talk.input, (uint8_t)transport->rtcp_channel);
    return 0;
}

static int take_session(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    const char *value = rtsp_message_header(response(session), "Session", 0);
    struct rtsp_talk *talk = &session->talk;

    if (value == NULL) {
        return 0; /* some cameras have one session for a connection */
    }
    int result = rtsp_session_parse(value, talk->session_id, sizeof(talk->session_id), &session->timeout_s);
    return result < 0 ? rtsp_talk_fail(talk, -EPROTO, error, "answers SETUP with a Session that cannot be")
                      : 0;
}

/* 0; 1: the camera refuses this transport; negative errno. */
static int set_up(struct rtsp_session *session, enum rtsp_media media, char error[RTSP_ERROR_SIZE])
{
    const struct rtsp_stream *stream = &session->streams[media];
    struct rtsp_transport transport;
    char header[128];
    char uri[RTSP_URL_SIZE];

    if (rtsp_url_resolve(uri, sizeof(uri), session->base, stream->media->control) < 0) {
        return rtsp_talk_fail(&session->talk, -EPROTO, error, "a url in its description is too long");
    }
    int result = offer(session, media, &transport, header, sizeof(header));
    if (result < 0) {
        return rtsp_talk_fail(&session->talk, result, error, "no pair of UDP ports: %s", strerror(-result));
    }
    result = request(session, "SETUP", uri, header, error);
    if (result < 0) {
        return result;
    }
    int status = response(session)->status;
    if (status >= STATUS_REDIRECT) {
        rtsp_talk_refused(&session->talk, "SETUP", status, error);
        return session->udp && status != 404 && status != 403 && status != 454 ? 1 : -EPROTO;
    }
    result = take_transport(session, media, &transport, error);
    if (result == 0) {
        result = take_session(session, error);
    }
    return session->udp && result == -EPROTONOSUPPORT ? 1 : result;
}

static void close_ports(struct rtsp_session *session)
{
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        rtsp_udp_finish(&session->streams[i].udp);
    }
}

/* Video has to be; audio that the camera refuses is left out. */
static int set_up_all(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    int result = set_up(session, RTSP_VIDEO, error);

    if (result == 1 && session->options.transport == RTSP_BEST) {
        log_info("UDP is refused, TCP is tried: %s", error);
        close_ports(session);
        session->udp = false;
        result = set_up(session, RTSP_VIDEO, error);
    }
    if (result != 0) {
        return result == 1 ? -EPROTONOSUPPORT : result;
    }
    if (session->streams[RTSP_AUDIO].media == NULL) {
        return 0;
    }
    result = set_up(session, RTSP_AUDIO, error);
    if (result != 0 && result != 1 && result != -EPROTO) {
        return result;
    }
    if (result != 0) {
        log_warning("no audio: %s", error);
        session->streams[RTSP_AUDIO].media = NULL;
        rtsp_udp_finish(&session->streams[RTSP_AUDIO].udp);
    }
    return 0;
}

/* Over TCP the first packets may come before the answer, which rtsp_session_read takes then. */
static int play(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    enum rtsp_event event = RTSP_EVENT_NONE;
    int result = rtsp_talk_begin(&session->talk, "PLAY", session->aggregate, "Range: npt=0.000-\r\n", error);

    if (result == 0) {
        result = rtsp_talk_await(&session->talk, !session->udp, session->deadline_ns, &event, error);
    }
    if (result < 0) {
        return result;
    }
    if (event == RTSP_EVENT_PACKET) {
        session->pending = RTSP_PENDING_PLAY;
        session->pending_ns = rtsp_now_ns();
        return OPENED;
    }
    return check_status(session, "PLAY", place, error);
}

/* Whether a packet of the video comes. Packets stay where they are. */
static int await_udp(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    struct rtsp_udp *udp = &session->streams[RTSP_VIDEO].udp;
    int64_t deadline = rtsp_now_ns() + RTSP_UDP_SILENCE_MS * RTSP_NS_PER_MS;

    while (!rtsp_udp_waiting(udp)) {
        struct pollfd ready = {.fd = udp->rtp, .events = POLLIN};
        int result =
            rtsp_now_ns() < deadline ? rtsp_wait_poll(&session->wait, &ready, 1, deadline) : -ETIMEDOUT;
        if (result == -ETIMEDOUT) {
            log_info("no packet over UDP within %d s, TCP is tried", RTSP_UDP_SILENCE_MS / 1000);
            return SILENT;
        }
        if (result < 0) {
            return rtsp_talk_fail(&session->talk, result, error, "%s", rtsp_socket_words(result));
        }
    }
    return OPENED;
}

static int open_once(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    const struct rtsp_session_options *options = &session->options;
    struct rtsp_socket_options socket = {.endpoint = place->endpoint,
                                         .tls_verify = options->tls_verify,
                                         .tls_fingerprint = options->tls_fingerprint};
    bool stranger = !rtsp_endpoint_equal(&place->endpoint, &place->configured);
    int result = rtsp_talk_connect(&session->talk, &socket, stranger, session->deadline_ns, error);

    if (result == 0) {
        result = ask_options(session, place, error);
    }
    if (result == OPENED) {
        result = describe(session, place, error);
    }
    if (result == OPENED) {
        result = choose_media(session, error);
    }
    if (result == OPENED) {
        result = set_up_all(session, error);
    }
    if (result == OPENED) {
        result = play(session, place, error);
    }
    if (result == OPENED && session->udp && options->transport == RTSP_BEST) {
        result = await_udp(session, error);
    }
    return result;
}

static void begin_deadline(struct rtsp_session *session)
{
    session->deadline_ns = rtsp_now_ns() + session->options.connect_ms * RTSP_NS_PER_MS;
}

static int open_all(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    int redirects = 0;

    begin_deadline(session);
    for (;;) {
        int result = open_once(session, place, error);
        if (result <= OPENED) {
            return result;
        }
        close_ports(session);
        if (result == SILENT) {
            rtsp_session_goodbye(session);
            session->udp = false;
            begin_deadline(session);
        } else if (++redirects > RTSP_REDIRECTS_MAX) {
            return rtsp_talk_fail(&session->talk, -ELOOP, error, "redirects without end");
        }
    }
}

/* What outlives the opening. */
static int copy_strings(struct rtsp_session *session)
{
    const struct rtsp_session_options *options = &session->options;
    const char *password = options->password != NULL ? options->password : "";

    session->name = strdup(options->authority);
    if (options->username != NULL) {
        session->username = strdup(options->username);
        session->password = strdup(password);
    }
    bool missing = options->username != NULL && (session->username == NULL || session->password == NULL);
    return session->name == NULL || missing ? -ENOMEM : 0;
}

static int prepare(struct rtsp_session *session, const struct rtsp_session_options *options,
                   struct place *place, char error[RTSP_ERROR_SIZE])
{
    session->options = *options;
    session->wait = options->wait;
    session->timeout_s = 60;
    session->udp = options->transport != RTSP_TCP;
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        rtsp_udp_init(&session->streams[i].udp);
    }
    if (copy_strings(session) < 0 || rtsp_talk_init(&session->talk, session->name, &session->wait,
                                                    session->username, session->password) < 0) {
        return rtsp_talk_fail(&session->talk, -ENOMEM, error, "out of memory");
    }
    if (rtsp_endpoint_parse(options->scheme, options->authority, &place->configured) < 0) {
        return rtsp_talk_fail(&session->talk, -ENOTSUP, error, "the url has no valid host and port");
    }
    if (rtsp_url_format(place->url, sizeof(place->url), options->scheme, options->authority, options->path) <
        0) {
        return rtsp_talk_fail(&session->talk, -ENOTSUP, error, "the url is too long");
    }
    place->endpoint = place->configured;
    if (place->endpoint.tls && options->transport == RTSP_UDP) {
        return rtsp_talk_fail(&session->talk, -ENOTSUP, error,
                              "rtsps protects nothing that goes over UDP; use transport = \"tcp\"");
    }
    session->udp = session->udp && !place->endpoint.tls;
    session->datagram = session->udp ? malloc(RTSP_UDP_PACKET_MAX) : NULL;
    return session->udp && session->datagram == NULL
               ? rtsp_talk_fail(&session->talk, -ENOMEM, error, "out of memory")
               : 0;
}

int rtsp_session_open(const struct rtsp_session_options *options, struct rtsp_session **out,
                      char error[RTSP_ERROR_SIZE])
{
    struct rtsp_session *session = calloc(1, sizeof(*session));
    struct place place;

    *out = NULL;
    if (session == NULL) {
        snprintf(error, RTSP_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    session->talk.name = options->authority;
    int result = prepare(session, options, &place, error);
    if (result == 0) {
        result = open_all(session, &place, error);
    }
    if (result < 0) {
        rtsp_session_close(session);
        return result;
    }
    session->authenticated = session->talk.auth.accepted;
    rtsp_session_rest(session);
    *out = session;
    return 0;
}
