/* SPDX-License-Identifier: MIT */
/*
 * From a URL to a playing session: OPTIONS, DESCRIBE, SETUP for each media, PLAY; then packets, and keepalives between
 * them. A redirect starts again with another URL, UDP that stays silent starts again over TCP, and a camera that ends
 * the connection with its challenge gets another connection. How a camera answers is remembered in struct rtsp_memory,
 * so that the next session first asks in a form that this camera accepts.
 */
#include "ingest/rtsp/rtsp_session.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/log/log.h"
#include "ingest/rtsp/media_choice.h"
#include "ingest/rtsp/rtsp_connection.h"
#include "ingest/rtsp/rtsp_gather.h"
#include "ingest/rtsp/rtsp_transport.h"
#include "ingest/rtsp/rtsp_udp.h"

/* Statuses. */
#define STATUS_REDIRECT 300
#define STATUS_ERROR 400
#define STATUS_NOT_FOUND 404
#define STATUS_NO_SESSION 454
#define STATUS_NO_TRANSPORT 461
#define STATUS_CONFUSED 500
#define STATUS_BUSY 503

/* The second byte of RTCP packets, and the payload type and the mark in that of RTP packets. */
enum { RTCP_TYPE_FIRST = 192, RTCP_TYPE_LAST = 223, RTP_TYPE_MASK = 0x7f, RTP_MARKER = 0x80 };

/* Bytes before a packet in the connection (RFC 2326, section 10.12). */
#define INTERLEAVED_HEAD 4

/* Milliseconds: if video over UDP stopped so long ago, the camera has given up the session. */
#define LIFE_SILENCE_MS 2000

/* Milliseconds: a session whose packets stopped longer ago may be one that the camera has forgotten. */
#define SESSION_SILENCE_MS 1000

/* Milliseconds between keepalives that wait for the log-in of another stream. */
#define DOUBT_INTERVAL_MS 1000

/* The results of a step of the opening, besides errors. */
enum outcome {
    OPENED,
    REDIRECTED, /* to another URL, which is in its struct place */
    REFUSED,    /* this transport is refused, and ERROR says how */
    SILENT,     /* no packet comes over this transport */
};

/* Which request is under way while packets come. */
enum pending { PENDING_NONE, PENDING_PLAY, PENDING_KEEPALIVE };

/* The forms of PLAY, in the order in which they are tried. */
enum play_form {
    PLAY_ANNOUNCED,     /* the URL of the description, the session id of the first SETUP */
    PLAY_OTHER_SESSION, /* the session id of the last SETUP */
    PLAY_REQUESTED,     /* the URL that was asked for */
    PLAY_FORMS,
};

/* Where the session is opened: a redirect changes it. */
struct place {
    struct rtsp_endpoint configured; /* the credentials are for its host */
    struct rtsp_endpoint endpoint;
    char url[RTSP_URL_SIZE];
};

struct rtsp_stream {
    const struct sdp_media *media; /* within the session's sdp; NULL: not set up */
    int rtp_channel, rtcp_channel; /* TCP */
    bool heard;                    /* TCP: packets of its payload type have come on its channel */
    bool has_ssrc;
    uint32_t ssrc; /* as the camera named it */
    struct rtsp_udp udp;
    bool rtp_readable, rtcp_readable; /* UDP: the sockets may have something */
};

struct rtsp_session {
    struct rtsp_session_options
        options; /* its pointers, except memory, are valid only while the session is opened */
    struct rtsp_memory *memory;
    struct rtsp_memory own_memory; /* where the caller keeps none */
    struct rtsp_wait wait;
    char *name;     /* host[:port] as configured, owned */
    char *username; /* secrets, owned; or NULL */
    char *password;
    struct rtsp_connection connection;
    struct sdp sdp;
    struct rtsp_stream streams[RTSP_MEDIA_COUNT];
    const struct sdp_media *unplayed; /* within SDP, see media_choice.h */
    bool udp;                         /* packets come as datagrams */
    bool multicast;                   /* then: those of a group */
    bool authenticated;
    char requested[RTSP_URL_SIZE];            /* what DESCRIBE was for */
    char base[RTSP_URL_SIZE];                 /* what relative controls are relative to */
    char aggregate[RTSP_URL_SIZE];            /* PLAY, keepalive and TEARDOWN go there */
    char other_session[RTSP_SESSION_ID_SIZE]; /* a later SETUP's id, if it differs; "": none */
    enum play_form play;
    enum pending pending;
    struct rtsp_keepalive keepalive;
    struct rtsp_gather gather;
    int64_t deadline_ns;  /* of opening */
    int64_t packet_ns;    /* the newest packet */
    bool doubted_session; /* the last keepalive was answered with 454 */
    bool held_back; /* a keepalive was, for a log-in: how long the session lives says nothing of keepalives */
    bool ended;     /* by the camera */
    uint8_t *datagram; /* UDP: owned, RTSP_UDP_PACKET_MAX bytes */
};

const struct sdp_media *rtsp_session_media(const struct rtsp_session *session, enum rtsp_media media)
{
    return session->streams[media].media;
}

const struct sdp_media *rtsp_session_unplayed(const struct rtsp_session *session)
{
    return session->unplayed;
}

bool rtsp_session_is_udp(const struct rtsp_session *session)
{
    return session->udp;
}

bool rtsp_session_authenticated(const struct rtsp_session *session)
{
    return session->authenticated;
}

bool rtsp_session_ssrc(const struct rtsp_session *session, enum rtsp_media media, uint32_t *ssrc)
{
    *ssrc = session->streams[media].ssrc;
    return session->streams[media].has_ssrc;
}

int rtsp_session_timeout_ms(const struct rtsp_session *session)
{
    return rtsp_keepalive_timeout_ms(&session->keepalive);
}

static const struct rtsp_message *response(const struct rtsp_session *session)
{
    return &session->connection.input.message;
}

static int request(struct rtsp_session *session, const char *method, const char *uri, const char *headers,
                   char error[RTSP_ERROR_SIZE])
{
    enum rtsp_event event;
    int result = rtsp_connection_begin(&session->connection, method, uri, headers, error);

    return result < 0
               ? result
               : rtsp_connection_await(&session->connection, false, session->deadline_ns, &event, error);
}

/* --- Redirects ------------------------------------------------------------------------------------------ */

/* Whether ENDPOINT is the host that the connection goes to, named by its address instead of its name. */
static bool is_peer(const struct rtsp_session *session, const struct rtsp_endpoint *endpoint)
{
    struct sockaddr_storage peer;
    char address[NI_MAXHOST];

    if (!session->connection.socket || rtsp_socket_peer(session->connection.socket, &peer) < 0) {
        return false;
    }
    socklen_t size = peer.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return getnameinfo((struct sockaddr *)&peer, size, address, sizeof(address), NULL, 0, NI_NUMERICHOST) ==
               0 &&
           strcasecmp(address, endpoint->host) == 0;
}

/* Whether ENDPOINT may have the credentials: the configured host, on any port, and not without the TLS that protects them. */
static bool is_trusted(const struct rtsp_session *session, const struct place *place,
                       const struct rtsp_endpoint *endpoint)
{
    if (place->configured.tls && !endpoint->tls) {
        return false;
    }
    return strcasecmp(endpoint->host, place->configured.host) == 0 ||
           (strcasecmp(place->endpoint.host, place->configured.host) == 0 && is_peer(session, endpoint));
}

/* Takes the new URL from a redirect, if it may be followed. */
static int take_redirect(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    const char *location = rtsp_message_header(response(session), "Location", 0);
    struct rtsp_endpoint endpoint;
    char authority[RTSP_HOST_SIZE + 16];
    char url[RTSP_URL_SIZE];
    char scheme[8] = "";

    if (!location || rtsp_url_redirect(url, sizeof(url), place->url, location) < 0) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error, "redirects to nowhere");
    }
    const char *begin = strstr(url, "://") + 3;
    snprintf(scheme, sizeof(scheme), "%.*s", (int)(begin - 3 - url), url);
    snprintf(authority, sizeof(authority), "%.*s", (int)strcspn(begin, "/?#"), begin);
    if (strlen(authority) + 1 == sizeof(authority) || rtsp_endpoint_parse(scheme, authority, &endpoint) < 0) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error, "redirects to nowhere");
    }
    if (!is_trusted(session, place, &endpoint)) {
        if (!session->options.allow_redirect) {
            return rtsp_connection_fail(
                &session->connection, -EPERM, error,
                "redirects to another host; allow_redirect = true would follow it, without "
                "the credentials");
        }
        rtsp_auth_use(&session->memory->auth, NULL, NULL);
    } else {
        rtsp_auth_use(&session->memory->auth, session->username, session->password);
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
    return status < STATUS_REDIRECT ? OPENED
                                    : rtsp_connection_refused(&session->connection, method, status, error);
}

/* --- OPTIONS and DESCRIBE ------------------------------------------------------------------------------- */

/* The connection ended, or nothing came, where an answer was to come. */
static bool got_no_answer(const struct rtsp_session *session, int result)
{
    return !session->connection.challenged &&
           (result == -ECONNRESET || result == -EPIPE || result == -ETIMEDOUT);
}

/* A camera that does not know OPTIONS refuses it, and the session goes on; such a camera gets GET_PARAMETER until it
 * refuses that, too. */
static int ask_options(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    session->keepalive.has_get_parameter = true;
    if (session->memory->omit_options) {
        return OPENED;
    }
    int result = request(session, "OPTIONS", place->url, "", error);
    if (result == -ENOTSUP && response(session)->status == 401 &&
        !rtsp_message_header(response(session), "WWW-Authenticate", 0)) {
        return OPENED; /* 401 without a challenge: a refusal of OPTIONS as any other */
    }
    if (result < 0) {
        session->memory->omit_options = got_no_answer(session, result);
        return result;
    }
    int status = response(session)->status;
    session->keepalive.has_get_parameter = rtsp_message_lists(response(session), "Public", "GET_PARAMETER");
    return status >= STATUS_REDIRECT && status < STATUS_ERROR ? take_redirect(session, place, error) : OPENED;
}

/* What relative control URLs are relative to, and where the whole session is controlled. */
static int take_base(struct rtsp_session *session, const struct place *place)
{
    const char *base = rtsp_message_header(response(session), "Content-Base", 0);

    if (!base || !rtsp_url_is_absolute(base)) {
        base = rtsp_message_header(response(session), "Content-Location", 0);
    }
    if (!base || !rtsp_url_is_absolute(base)) {
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
    snprintf(session->requested, sizeof(session->requested), "%s", place->url);
    int result = request(session, "DESCRIBE", place->url, "Accept: application/sdp\r\n", error);

    if (got_no_answer(session, result)) {
        session->memory->omit_options = !session->memory->omit_options;
    }
    if (result == 0) {
        result = check_status(session, "DESCRIBE", place, error);
    }
    if (result != OPENED) {
        return result;
    }
    if (message->body_size == 0 ||
        sdp_parse(message->body, message->body_size, session->options.plays, &session->sdp) < 0) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error, "describes no media");
    }
    if (take_base(session, place) < 0) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error,
                                    "a url in its description is too long");
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
        return rtsp_connection_fail(&session->connection, result, error, "%s", words);
    }
    session->streams[RTSP_VIDEO].media = choice.video;
    session->streams[RTSP_AUDIO].media = choice.audio;
    session->unplayed = choice.unplayed;
    return 0;
}

/* --- SETUP ---------------------------------------------------------------------------------------------- */

/* Opens what the session needs for datagrams. */
static int choose_udp(struct rtsp_session *session)
{
    session->udp = true;
    if (!session->datagram) {
        session->datagram = malloc(RTSP_UDP_PACKET_MAX);
    }
    return session->datagram ? 0 : -ENOMEM;
}

/* The addresses at both ends of the connection. 0 or negative errno. */
static int ends(const struct rtsp_session *session, struct sockaddr_storage *local,
                struct sockaddr_storage *peer)
{
    int result = rtsp_socket_local(session->connection.socket, local);

    return result == 0 ? rtsp_socket_peer(session->connection.socket, peer) : result;
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
    if (session->multicast) {
        snprintf(out, size, "Transport: RTP/AVP;multicast\r\n");
        return 0;
    }
    int result = ends(session, &local, &peer);
    if (result == 0 && stream->udp.rtp < 0) {
        result = rtsp_udp_open(&stream->udp, &local, &peer);
    }
    snprintf(out, size, "Transport: RTP/AVP;unicast;client_port=%d-%d\r\n", stream->udp.port,
             stream->udp.port + 1);
    return result;
}

/* Whether the configuration allows multicast, which nothing protects. */
static bool may_multicast(const struct rtsp_session *session, const struct place *place)
{
    enum rtsp_choice choice = session->options.transport;

    return (choice == RTSP_BEST || choice == RTSP_TCP_FIRST) && !place->endpoint.tls;
}

/* Joins the group that the camera's answer names, or its description. As take_transport. */
static int take_group(struct rtsp_session *session, enum rtsp_media media, const struct place *place,
                      struct rtsp_transport *transport, char error[RTSP_ERROR_SIZE])
{
    const struct sdp_media *description = session->streams[media].media;
    bool port = transport->group_rtp_port > 0;
    const struct rtsp_udp_group group = {
        .address = transport->group[0] != '\0' ? transport->group : description->address,
        .source = transport->source,
        .rtp_port = port ? transport->group_rtp_port : (int)description->port,
        .rtcp_port = port ? transport->group_rtcp_port : (int)description->port + 1,
        .ttl = transport->ttl,
    };
    struct sockaddr_storage local, peer;

    if (!may_multicast(session, place)) {
        return rtsp_connection_fail(
            &session->connection, -EPROTONOSUPPORT, error, "answers SETUP with multicast; %s",
            place->endpoint.tls ? "rtsps protects nothing that goes over it; set the camera to unicast"
                                : "transport = \"auto-tcp\" would use that");
    }
    if (group.rtp_port <= 0 || group.rtp_port > RTSP_UDP_PORT_MAX - 1 || choose_udp(session) < 0) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error,
                                    "answers SETUP with multicast, and names no port for it");
    }
    int result = ends(session, &local, &peer);
    if (result == 0) {
        result = rtsp_udp_join(&session->streams[media].udp, &local, &peer, &group);
    }
    if (result < 0) {
        return rtsp_connection_fail(
            &session->connection, -EPROTO, error,
            "the multicast group \"%s\", port %d, which the camera names, cannot be joined: %s",
            group.address, group.rtp_port, strerror(-result));
    }
    if (!session->multicast) {
        log_info("the camera sends to the multicast group %s, which is joined", group.address);
    }
    session->multicast = true;
    return 0;
}

/* Takes the camera's answer to the offer. */
static int take_transport(struct rtsp_session *session, enum rtsp_media media, const struct place *place,
                          struct rtsp_transport *transport, char error[RTSP_ERROR_SIZE])
{
    struct rtsp_stream *stream = &session->streams[media];
    const char *value = rtsp_message_header(response(session), "Transport", 0);

    if (value && rtsp_transport_parse(value, transport) < 0) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error,
                                    "answers SETUP with a Transport that cannot be");
    }
    stream->has_ssrc = transport->has_ssrc;
    stream->ssrc = transport->ssrc;
    if (transport->multicast) {
        return take_group(session, media, place, transport, error);
    }
    if (session->multicast) {
        return rtsp_connection_fail(&session->connection, -EPROTONOSUPPORT, error,
                                    "answers SETUP over multicast with unicast");
    }
    if (session->udp ? transport->tcp : transport->datagrams) {
        return rtsp_connection_fail(
            &session->connection, -EPROTONOSUPPORT, error, "answers SETUP over %s with %s; %s",
            session->udp ? "UDP" : "TCP", session->udp ? "TCP" : "UDP",
            session->udp ? "transport = \"tcp\" would use that" : "transport = \"udp\" would use that");
    }
    if (session->udp) {
        rtsp_udp_aim(&stream->udp, transport->source, transport->server_rtp_port,
                     transport->server_rtcp_port);
        return 0;
    }
    stream->rtp_channel = transport->rtp_channel;
    stream->rtcp_channel = transport->rtcp_channel;
    rtsp_input_expect(&session->connection.input, (uint8_t)transport->rtp_channel);
    rtsp_input_expect(&session->connection.input, (uint8_t)transport->rtcp_channel);
    return 0;
}

/* Cameras that give each SETUP an id of its own accept the first one, as FFmpeg sends it; PLAY also tries the other
 * one. */
static int take_session(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    const char *value = rtsp_message_header(response(session), "Session", 0);
    struct rtsp_connection *connection = &session->connection;
    char id[RTSP_SESSION_ID_SIZE];
    int timeout_s;

    if (!value) {
        return 0; /* some cameras have one session for a connection */
    }
    int result = rtsp_session_parse(value, id, sizeof(id), &timeout_s);
    if (result == -EBADMSG) {
        return 0; /* as if the header were not there */
    }
    if (result < 0) {
        return rtsp_connection_fail(connection, -EPROTO, error,
                                    "answers SETUP with a Session of more than %d characters",
                                    RTSP_SESSION_ID_SIZE - 1);
    }
    if (connection->session_id[0] == '\0') {
        snprintf(connection->session_id, sizeof(connection->session_id), "%s", id);
        session->keepalive.timeout_s = timeout_s;
    } else if (strcmp(connection->session_id, id) != 0) {
        snprintf(session->other_session, sizeof(session->other_session), "%s", id);
    }
    return 0;
}

/* A refusal that may be about the URL: another form of it may be taken. */
static bool refuses_url(int status)
{
    return status >= STATUS_ERROR && status != 401 && status != 403 && status != 453 &&
           status != STATUS_NO_TRANSPORT && status <= STATUS_CONFUSED;
}

/* A refusal that may be about the transport, although that has a status of its own, 461. */
static bool may_refuse_transport(int status)
{
    return (refuses_url(status) && status != STATUS_NOT_FOUND) ||
           (status > STATUS_CONFUSED && status != STATUS_BUSY);
}

static int transport_refused(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    return rtsp_connection_fail(&session->connection, -EPROTONOSUPPORT, error,
                                session->udp
                                    ? "the camera does not offer RTP over UDP (461); transport = \"tcp\" or "
                                      "\"auto\" would use TCP"
                                    : "the camera does not offer RTP over TCP (461); transport = \"udp\" or "
                                      "\"auto-tcp\" would use UDP");
}

/* One SETUP. An enum outcome; -EAGAIN: this URL is refused; other negative errno. */
static int set_up_as(struct rtsp_session *session, enum rtsp_media media, const char *uri,
                     struct place *place, char error[RTSP_ERROR_SIZE])
{
    struct rtsp_transport transport;
    char header[128];
    int result = offer(session, media, &transport, header, sizeof(header));

    if (result < 0) {
        return rtsp_connection_fail(&session->connection, result, error, "no pair of UDP ports: %s",
                                    strerror(-result));
    }
    result = request(session, "SETUP", uri, header, error);
    if (result < 0) {
        return result;
    }
    int status = response(session)->status;
    if (status == STATUS_NO_TRANSPORT) {
        transport_refused(session, error);
        return REFUSED;
    }
    if (status >= STATUS_ERROR) {
        rtsp_connection_refused(&session->connection, "SETUP", status, error);
        return refuses_url(status) ? -EAGAIN : may_refuse_transport(status) ? REFUSED : -EPROTO;
    }
    if (status >= STATUS_REDIRECT) {
        return take_redirect(session, place, error);
    }
    result = take_transport(session, media, place, &transport, error);
    if (result == 0) {
        result = take_session(session, error);
    }
    return result == -EPROTONOSUPPORT && !transport.multicast ? REFUSED : result;
}

/* The camera has ended the connection because of a SETUP of this form: the next session starts with another form, if
 * there is one. */
static void skip_form(struct rtsp_session *session, unsigned form, const char *control)
{
    char uri[RTSP_URL_SIZE];

    do {
        form = (form + 1) % RTSP_CONTROL_FORMS;
    } while (rtsp_url_control(uri, sizeof(uri), (enum rtsp_control_form)form, session->base,
                              session->requested, control) < 0 &&
             form != RTSP_CONTROL_ANNOUNCED);
    session->memory->control_form = form;
}

/* The camera has ended the connection because of a SETUP, for its transport or for the form of its URL: the next session starts
 * with the other transport, if that is allowed, then with another form. */
static void try_otherwise(struct rtsp_session *session, const struct place *place, unsigned form,
                          const char *control)
{
    bool first = session->options.transport == RTSP_TCP_FIRST && !place->endpoint.tls && !session->multicast;

    if (first && !session->udp) {
        session->memory->tcp_fails = true;
        return;
    }
    if (first) {
        session->memory->tcp_fails = false;
    }
    skip_form(session, form, control);
}

/*
 * SETUP with the control URL as the camera announced it, or as it has taken it before, then as other clients would ask
 * for it. An enum outcome, or negative errno; ERROR then tells of the first form.
 */
static int set_up(struct rtsp_session *session, enum rtsp_media media, struct place *place,
                  char error[RTSP_ERROR_SIZE])
{
    const char *control = session->streams[media].media->control;
    unsigned first = session->memory->control_form;
    char later[RTSP_ERROR_SIZE];
    bool tried = false;
    int result = -EAGAIN;

    for (unsigned i = 0; i < RTSP_CONTROL_FORMS && result == -EAGAIN; i++) {
        unsigned form = (first + i) % RTSP_CONTROL_FORMS;
        char uri[RTSP_URL_SIZE];
        if (rtsp_url_control(uri, sizeof(uri), (enum rtsp_control_form)form, session->base,
                             session->requested, control) < 0) {
            continue;
        }
        result = set_up_as(session, media, uri, place, tried ? later : error);
        if (result == OPENED && form != first) {
            log_info("the camera takes %s for SETUP, where its description means another URL", uri);
            session->memory->control_form = form;
        }
        if (result != OPENED && result != -EAGAIN && tried) {
            memcpy(error, later, sizeof(later));
        }
        if (result == -ECONNRESET && session->memory->control_form == first) {
            try_otherwise(session, place, form, control);
        }
        tried = true;
    }
    if (!tried) {
        return rtsp_connection_fail(&session->connection, -EPROTO, error,
                                    "a url in its description is too long");
    }
    if (result == -EAGAIN) {
        return may_refuse_transport(response(session)->status) ? REFUSED : -EPROTO;
    }
    return result;
}

static void close_ports(struct rtsp_session *session)
{
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        rtsp_udp_finish(&session->streams[i].udp);
    }
}

/* Whether the configuration allows the other transport to be tried. */
static bool may_change_transport(const struct rtsp_session *session, const struct place *place)
{
    enum rtsp_choice choice = session->options.transport;

    return session->udp ? choice == RTSP_BEST || choice == RTSP_TCP_FIRST
                        : choice == RTSP_TCP_FIRST && !place->endpoint.tls;
}

/* Asks for the video as multicast, after unicast was refused. As set_up_otherwise. */
static int set_up_multicast(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    char later[RTSP_ERROR_SIZE];

    log_info("the camera offers RTP neither over TCP nor over UDP (461), multicast is tried");
    close_ports(session);
    session->multicast = true;
    if (choose_udp(session) < 0) {
        return rtsp_connection_fail(&session->connection, -ENOMEM, error, "out of memory");
    }
    int result = set_up(session, RTSP_VIDEO, place, later);
    if (result == REFUSED) {
        rtsp_connection_fail(
            &session->connection, -EPROTONOSUPPORT, error,
            "the camera offers RTP neither over TCP nor over UDP, and not as multicast (461)");
    } else if (result != OPENED) {
        memcpy(error, later, sizeof(later));
    }
    return result;
}

/* Sets up the video with the other transport, after this one was refused. ERROR has the reason, and keeps it if the
 * other one fails, too. */
static int set_up_otherwise(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    bool *fails = session->udp ? &session->memory->udp_fails : &session->memory->tcp_fails;
    char later[RTSP_ERROR_SIZE];

    log_info("%s is refused, %s is tried: %s", session->udp ? "UDP" : "TCP", session->udp ? "TCP" : "UDP",
             error);
    close_ports(session);
    session->udp = !session->udp;
    if (session->udp && choose_udp(session) < 0) {
        return rtsp_connection_fail(&session->connection, -ENOMEM, error, "out of memory");
    }
    bool refused = response(session)->status == STATUS_NO_TRANSPORT;
    int result = set_up(session, RTSP_VIDEO, place, later);
    if (result == OPENED) {
        *fails = true;
    }
    if (result == REFUSED && refused && response(session)->status == STATUS_NO_TRANSPORT) {
        result = set_up_multicast(session, place, error);
    }
    return result;
}

/* Video is needed; audio that the camera refuses is left out. */
static int set_up_all(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    int result = set_up(session, RTSP_VIDEO, place, error);

    if (result == REFUSED && !session->multicast && may_change_transport(session, place)) {
        result = set_up_otherwise(session, place, error);
    }
    session->memory->multicast = result == OPENED && session->multicast;
    if (result != OPENED) {
        return result == REFUSED ? -EPROTONOSUPPORT : result;
    }
    if (!session->streams[RTSP_AUDIO].media) {
        return OPENED;
    }
    result = set_up(session, RTSP_AUDIO, place, error);
    if (result == REDIRECTED || (result < 0 && result != -EPROTO && result != -EPROTONOSUPPORT)) {
        return result;
    }
    if (result != OPENED) {
        log_warning("no audio: %s", error);
        session->streams[RTSP_AUDIO].media = NULL;
        rtsp_udp_finish(&session->streams[RTSP_AUDIO].udp);
    }
    return OPENED;
}

/* --- PLAY ----------------------------------------------------------------------------------------------- */

static int begin_play(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    return rtsp_connection_begin(&session->connection, "PLAY", session->aggregate, "Range: npt=0.000-\r\n",
                                 error);
}

/* After a refusal of this STATUS: another form of PLAY, if there is one that may be taken. */
static bool next_play_form(struct rtsp_session *session, int status)
{
    char *id = session->connection.session_id;

    if (session->play == PLAY_ANNOUNCED) {
        session->play = PLAY_OTHER_SESSION;
        if (status == STATUS_NO_SESSION && session->other_session[0] != '\0') {
            log_info("the camera wants another session id for PLAY than that of its first SETUP");
            snprintf(id, RTSP_SESSION_ID_SIZE, "%s", session->other_session);
            return true;
        }
    }
    if (session->play == PLAY_OTHER_SESSION) {
        session->play = PLAY_REQUESTED;
        if (refuses_url(status) && strcmp(session->aggregate, session->requested) != 0) {
            log_info(
                "the camera refuses the URL that its description means; PLAY goes to the configured one");
            snprintf(session->aggregate, sizeof(session->aggregate), "%s", session->requested);
            return true;
        }
    }
    session->play = PLAY_FORMS;
    return false;
}

/* Over TCP the first packets may come before the answer, which rtsp_session_read takes then. */
static int play(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    for (;;) {
        enum rtsp_event event = RTSP_EVENT_NONE;
        int result = begin_play(session, error);
        if (result == 0) {
            result = rtsp_connection_await(&session->connection, !session->udp, session->deadline_ns, &event,
                                           error);
        }
        if (result < 0) {
            return result;
        }
        if (event == RTSP_EVENT_PACKET) {
            session->pending = PENDING_PLAY;
            return OPENED;
        }
        if (response(session)->status < STATUS_ERROR || !next_play_form(session, response(session)->status)) {
            return check_status(session, "PLAY", place, error);
        }
    }
}

/* Waits for a packet of the video, without taking it. */
static int await_udp(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    struct rtsp_udp *udp = &session->streams[RTSP_VIDEO].udp;
    int64_t deadline = clock_now_ns() + RTSP_UDP_SILENCE_MS * NS_PER_MS;

    while (!rtsp_udp_waiting(udp)) {
        struct pollfd ready = {.fd = udp->rtp, .events = POLLIN};
        int result =
            clock_now_ns() < deadline ? rtsp_wait_poll(&session->wait, &ready, 1, deadline) : -ETIMEDOUT;
        if (result == -ETIMEDOUT) {
            log_info("no packet over UDP within %d s, TCP is tried", RTSP_UDP_SILENCE_MS / 1000);
            return SILENT;
        }
        if (result < 0) {
            return rtsp_connection_fail(&session->connection, result, error, "%s", rtsp_socket_words(result));
        }
    }
    return OPENED;
}

/* --- Keepalives ----------------------------------------------------------------------------------------- */

/* A keepalive does not wait for the answer to the one before. */
static int keep_alive(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    int64_t now = clock_now_ns();

    if (session->pending == PENDING_PLAY) {
        rtsp_keepalive_put_off(&session->keepalive, now);
        return 0;
    }
    bool doubted = rtsp_connection_doubt(&session->connection) != LOGIN_NO_DOUBT;
    session->pending = PENDING_KEEPALIVE;
    int result = rtsp_connection_begin(&session->connection, rtsp_keepalive_take(&session->keepalive, now),
                                       session->aggregate, "", error);
    if (doubted && (result == -EACCES || result == -EBUSY)) {
        /* Another stream is finding out whether the camera still accepts the credentials. Pictures go on. */
        session->pending = PENDING_NONE;
        session->connection.method = NULL;
        session->held_back = true;
        session->keepalive.due_ns = now + DOUBT_INTERVAL_MS * NS_PER_MS;
        return 0;
    }
    return result == -ENOBUFS ? 0 : result; /* it is only slow; the deadline of video decides */
}

/* Another stream was refused for good: a keepalive shows whether this one will be, too. */
static void hurry_in_doubt(struct rtsp_session *session, int64_t now)
{
    if (session->keepalive.due_ns > now + DOUBT_INTERVAL_MS * NS_PER_MS && session->pending == PENDING_NONE &&
        rtsp_connection_doubt(&session->connection) == LOGIN_DENIED_ELSEWHERE) {
        session->keepalive.due_ns = now;
    }
}

/* The answer to PLAY or a keepalive. */
static int take_response(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    int status = response(session)->status;
    enum pending pending = session->pending;

    if (status == 401) {
        return rtsp_connection_answer_challenge(&session->connection, error);
    }
    session->pending = PENDING_NONE;
    if (status < STATUS_REDIRECT) {
        session->doubted_session = false;
        return 0;
    }
    if (pending == PENDING_PLAY) {
        if (next_play_form(session, status)) {
            session->pending = PENDING_PLAY;
            return begin_play(session, error);
        }
        return rtsp_connection_refused(&session->connection, "PLAY", status, error);
    }
    /* While packets come, it is the method that the camera knows no session for; of two methods in a row, it is not. */
    bool alive = clock_now_ns() - session->packet_ns < SESSION_SILENCE_MS * NS_PER_MS;
    if (status == STATUS_NO_SESSION && (!alive || session->doubted_session)) {
        return rtsp_connection_refused(&session->connection, "a keepalive", status, error);
    }
    session->doubted_session = status == STATUS_NO_SESSION;
    rtsp_keepalive_refused(&session->keepalive, status, clock_now_ns());
    return 0;
}

/* Learns about keepalives from the session's end, if the camera ended it. */
static void learn_from_end(struct rtsp_session *session)
{
    int64_t now = clock_now_ns();
    bool silent = session->udp && now - session->packet_ns > LIFE_SILENCE_MS * NS_PER_MS;

    if ((session->ended || silent) && !session->held_back) {
        rtsp_keepalive_ended(&session->keepalive, session->ended ? now : session->packet_ns);
    }
}

/* --- Goodbye -------------------------------------------------------------------------------------------- */

/* Sends TEARDOWN, which takes RTSP_CLOSE_DEADLINE_MS at most; the connection stays. */
static void say_goodbye(struct rtsp_session *session)
{
    struct rtsp_connection *connection = &session->connection;
    int64_t deadline = clock_now_ns() + RTSP_CLOSE_DEADLINE_MS * NS_PER_MS;
    char error[RTSP_ERROR_SIZE];
    enum rtsp_event event;

    if (!connection->socket || connection->closed || session->aggregate[0] == '\0' ||
        connection->session_id[0] == '\0') {
        return;
    }
    /* Not interrupted: an owner that wants the session to end also wants this. */
    struct rtsp_wait uninterrupted = {.attention = -1};
    connection->wait = &uninterrupted;
    if (rtsp_connection_begin(connection, "TEARDOWN", session->aggregate, "", error) == 0) {
        (void)rtsp_connection_await(connection, false, deadline, &event, error);
    }
    connection->wait = &session->wait;
    session->pending = PENDING_NONE;
}

/* --- Opening -------------------------------------------------------------------------------------------- */

static int open_once(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    const struct rtsp_session_options *options = &session->options;
    struct rtsp_socket_options socket = {.endpoint = place->endpoint,
                                         .tls_verify = options->tls_verify,
                                         .tls_fingerprint = options->tls_fingerprint};
    int result = rtsp_connection_connect(&session->connection, &socket, session->deadline_ns, error);

    session->play = PLAY_ANNOUNCED;
    session->other_session[0] = '\0';
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
        result = set_up_all(session, place, error);
    }
    if (result == OPENED) {
        result = play(session, place, error);
    }
    if (result == OPENED && session->udp && !session->multicast && options->transport == RTSP_BEST) {
        result = await_udp(session, error);
    }
    return result;
}

static void begin_deadline(struct rtsp_session *session)
{
    session->deadline_ns = clock_now_ns() + session->options.connect_ms * NS_PER_MS;
}

/* The camera ended the connection with its challenge: the next connection has to start with the answer. */
static bool ended_with_challenge(const struct rtsp_session *session, int result)
{
    return (result == -ECONNRESET || result == -EPIPE || result == -ESHUTDOWN) &&
           session->connection.challenged && !session->memory->auth.remember;
}

static int open_all(struct rtsp_session *session, struct place *place, char error[RTSP_ERROR_SIZE])
{
    int redirects = 0;

    begin_deadline(session);
    for (;;) {
        int result = open_once(session, place, error);
        if (ended_with_challenge(session, result)) {
            log_info("the camera ends connections with its challenge; the next one begins with the answer");
            session->memory->auth.remember = true;
            close_ports(session);
            continue;
        }
        if (result <= OPENED) {
            return result;
        }
        close_ports(session);
        if (result == SILENT) {
            say_goodbye(session);
            session->udp = false;
            session->memory->udp_fails = true;
            begin_deadline(session);
        } else if (++redirects > RTSP_REDIRECTS_MAX) {
            return rtsp_connection_fail(&session->connection, -ELOOP, error, "redirects without end");
        }
    }
}

/* What outlives the opening. */
static int copy_strings(struct rtsp_session *session)
{
    const struct rtsp_session_options *options = &session->options;
    const char *password = options->password ? options->password : "";

    session->name = strdup(options->authority);
    if (options->username) {
        session->username = strdup(options->username);
        session->password = strdup(password);
    }
    bool missing = options->username && (!session->username || !session->password);
    return !session->name || missing ? -ENOMEM : 0;
}

/* Whether UDP comes first. */
static bool prefers_udp(const struct rtsp_session *session)
{
    const struct rtsp_memory *memory = session->memory;

    switch (session->options.transport) {
    case RTSP_UDP:
        return true;
    case RTSP_BEST:
        return !memory->udp_fails;
    case RTSP_TCP_FIRST:
        return memory->tcp_fails && !memory->udp_fails;
    case RTSP_TCP:
        break;
    }
    return false;
}

static int prepare(struct rtsp_session *session, const struct rtsp_session_options *options,
                   struct place *place, char error[RTSP_ERROR_SIZE])
{
    session->options = *options;
    session->wait = options->wait;
    session->keepalive.timeout_s = 60;
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        rtsp_udp_init(&session->streams[i].udp);
    }
    session->memory = options->memory ? options->memory : &session->own_memory;
    session->keepalive.memory = &session->memory->keepalive;
    if (copy_strings(session) < 0 ||
        rtsp_connection_init(&session->connection, session->name, &session->wait, &session->memory->auth,
                             &session->options.gate) < 0) {
        return rtsp_connection_fail(&session->connection, -ENOMEM, error, "out of memory");
    }
    rtsp_auth_use(&session->memory->auth, session->username, session->password);
    session->memory->auth.allow_basic = !options->refuse_basic;
    if (rtsp_endpoint_parse(options->scheme, options->authority, &place->configured) < 0) {
        return rtsp_connection_fail(&session->connection, -ENOTSUP, error,
                                    "the url has no valid host and port");
    }
    if (rtsp_url_format(place->url, sizeof(place->url), options->scheme, options->authority, options->path) <
        0) {
        return rtsp_connection_fail(&session->connection, -ENOTSUP, error, "the url is too long");
    }
    place->endpoint = place->configured;
    if (place->endpoint.tls && options->transport == RTSP_UDP) {
        return rtsp_connection_fail(&session->connection, -ENOTSUP, error,
                                    "rtsps protects nothing that goes over UDP; use transport = \"tcp\"");
    }
    session->multicast = session->memory->multicast && may_multicast(session, place);
    int result =
        (session->multicast || prefers_udp(session)) && !place->endpoint.tls ? choose_udp(session) : 0;
    return result < 0 ? rtsp_connection_fail(&session->connection, -ENOMEM, error, "out of memory") : 0;
}

int rtsp_session_open(const struct rtsp_session_options *options, struct rtsp_session **out,
                      char error[RTSP_ERROR_SIZE])
{
    struct rtsp_session *session = calloc(1, sizeof(*session));
    struct place place;

    *out = NULL;
    if (!session) {
        snprintf(error, RTSP_ERROR_SIZE, "out of memory");
        return -ENOMEM;
    }
    session->connection.name = options->authority;
    int result = prepare(session, options, &place, error);
    if (result == 0) {
        result = open_all(session, &place, error);
    }
    if (result < 0) {
        rtsp_session_close(session);
        return result;
    }
    session->authenticated = session->memory->auth.accepted;
    session->packet_ns = clock_now_ns();
    rtsp_keepalive_begin(&session->keepalive, session->packet_ns);
    rtsp_keepalive_spread(&session->keepalive, session->packet_ns,
                          (unsigned)(session->packet_ns / NS_PER_US % 1000 * 7 + getpid()));
    *out = session;
    return 0;
}

/* --- Reading -------------------------------------------------------------------------------------------- */

/* Whether a packet is RTCP, by its second byte (RFC 5761, section 4): some cameras send both on one channel. */
static bool is_rtcp(const struct rtsp_input *input)
{
    return input->packet_size > 1 && input->packet[1] >= RTCP_TYPE_FIRST &&
           input->packet[1] <= RTCP_TYPE_LAST;
}

static bool is_channel_of(const struct rtsp_input *input, const struct rtsp_stream *stream)
{
    return stream->media && (input->channel == stream->rtp_channel || input->channel == stream->rtcp_channel);
}

/* Whether the packet has the payload type that was announced for the stream. */
static bool has_type_of(const struct rtsp_input *input, const struct rtsp_stream *stream)
{
    return stream->media && input->packet_size > 1 &&
           (input->packet[1] & RTP_TYPE_MASK) == stream->media->payload_type;
}

/*
 * Finds the stream of a packet: that of its channel. But some cameras give both streams one channel, or confuse the channels;
 * then it is the payload type, if no packet of that type has come on the channel of its own. False: it does not belong to a
 * stream that is set up.
 */
static bool take_interleaved(struct rtsp_session *session, struct rtsp_packet *packet)
{
    const struct rtsp_input *input = &session->connection.input;
    int found = -1;

    for (int i = 0; i < RTSP_MEDIA_COUNT && found < 0 && !session->udp; i++) {
        found = is_channel_of(input, &session->streams[i]) ? i : -1;
    }
    if (found < 0) {
        return false;
    }
    struct rtsp_stream *stream = &session->streams[found];
    struct rtsp_stream *other = &session->streams[found == RTSP_VIDEO ? RTSP_AUDIO : RTSP_VIDEO];
    bool own_type = has_type_of(input, stream);
    bool rtcp =
        input->channel == stream->rtcp_channel ? is_rtcp(input) || !own_type : is_rtcp(input) && !own_type;
    if (!rtcp && own_type) {
        stream->heard = true;
    } else if (!rtcp && has_type_of(input, other) && (is_channel_of(input, other) || !other->heard)) {
        found = found == RTSP_VIDEO ? RTSP_AUDIO : RTSP_VIDEO;
    }
    if (found == RTSP_VIDEO && !rtcp && input->packet_size > 1) {
        rtsp_gather_packet(&session->gather, input->packet_size + INTERLEAVED_HEAD,
                           (input->packet[1] & RTP_MARKER) != 0);
    }
    *packet = (struct rtsp_packet){.media = (enum rtsp_media)found,
                                   .rtcp = rtcp,
                                   .data = input->packet,
                                   .size = input->packet_size,
                                   .arrival_ns = clock_now_ns()};
    return true;
}

static bool take_datagram(struct rtsp_session *session, enum rtsp_media media, bool rtcp,
                          struct rtsp_packet *packet)
{
    struct rtsp_stream *stream = &session->streams[media];
    bool *readable = rtcp ? &stream->rtcp_readable : &stream->rtp_readable;

    if (!stream->media || !*readable) {
        return false;
    }
    ssize_t size = rtsp_udp_read(&stream->udp, rtcp, session->datagram, RTSP_UDP_PACKET_MAX);
    if (size < 0) {
        *readable = false;
        return false;
    }
    *packet = (struct rtsp_packet){.media = media,
                                   .rtcp = rtcp,
                                   .data = session->datagram,
                                   .size = (size_t)size,
                                   .arrival_ns = clock_now_ns()};
    return true;
}

static bool take_any_datagram(struct rtsp_session *session, struct rtsp_packet *packet)
{
    for (int i = 0; session->udp && i < RTSP_MEDIA_COUNT; i++) {
        if (take_datagram(session, (enum rtsp_media)i, true, packet) ||
            take_datagram(session, (enum rtsp_media)i, false, packet)) {
            return true;
        }
    }
    return false;
}

static size_t add_fd(struct pollfd *fds, size_t count, int fd)
{
    fds[count] = (struct pollfd){.fd = fd, .events = POLLIN};
    return count + 1;
}

/* As rtsp_wait_poll; in the middle of a picture for more of it than a packet, but not for long. */
static int poll_gathering(struct rtsp_session *session, struct pollfd *fds, size_t count, int64_t deadline_ns)
{
    const struct rtsp_input *input = &session->connection.input;
    size_t bytes = rtsp_gather_bytes(&session->gather, input->end - input->begin);
    int64_t until_ns = clock_now_ns() + RTSP_GATHER_MS * NS_PER_MS;

    if (bytes > 1 && until_ns < deadline_ns && rtsp_socket_wake_at(session->connection.socket, bytes)) {
        int result = rtsp_wait_poll(&session->wait, fds, count, until_ns);
        rtsp_socket_wake_at(session->connection.socket, 1);
        if (result != -ETIMEDOUT) {
            return result;
        }
        rtsp_gather_failed(&session->gather);
    }
    return rtsp_wait_poll(&session->wait, fds, count, deadline_ns);
}

/* Waits for any of the session's descriptors. As rtsp_wait_poll. */
static int wait_ready(struct rtsp_session *session, int64_t deadline_ns, char error[RTSP_ERROR_SIZE])
{
    struct pollfd fds[1 + RTSP_MEDIA_COUNT * 2];
    size_t count = 1;

    fds[0] = rtsp_connection_poll(&session->connection);
    for (int i = 0; session->udp && i < RTSP_MEDIA_COUNT; i++) {
        count = add_fd(fds, count, session->streams[i].udp.rtp);
        count = add_fd(fds, count, session->streams[i].udp.rtcp);
    }
    int result = poll_gathering(session, fds, count, deadline_ns);
    if (result < 0) {
        return result;
    }
    for (int i = 0; session->udp && i < RTSP_MEDIA_COUNT; i++) {
        session->streams[i].rtp_readable = fds[1 + i * 2].revents != 0;
        session->streams[i].rtcp_readable = fds[2 + i * 2].revents != 0;
    }
    return rtsp_connection_polled(&session->connection, fds[0].revents, error);
}

/* Looks once at everything that may have arrived. 1: *packet; 0: nothing; negative errno; -ESHUTDOWN: the camera ended
 * it. */
static int look(struct rtsp_session *session, struct rtsp_packet *packet, char error[RTSP_ERROR_SIZE])
{
    enum rtsp_event event = RTSP_EVENT_NONE;

    if (take_any_datagram(session, packet)) {
        return 1;
    }
    do {
        int result = rtsp_connection_next(&session->connection, &event, error);
        if (result == 1) {
            return rtsp_connection_fail(&session->connection, -ESHUTDOWN, error,
                                        "the camera ended the stream");
        }
        if (result == 0 && event == RTSP_EVENT_MESSAGE) {
            result = take_response(session, error);
        }
        if (result < 0) {
            return result;
        }
        if (event == RTSP_EVENT_PACKET && take_interleaved(session, packet)) {
            return 1;
        }
    } while (event != RTSP_EVENT_NONE);
    return 0;
}

int rtsp_session_read(struct rtsp_session *session, int64_t deadline_ns, struct rtsp_packet *packet,
                      char error[RTSP_ERROR_SIZE])
{
    for (bool late = false;;) {
        int64_t now = clock_now_ns();
        int result = rtsp_wait_ask(&session->wait, now);
        hurry_in_doubt(session, now);
        if (result == 0 && now >= session->keepalive.due_ns) {
            result = keep_alive(session, error);
        }
        if (result == 0) {
            result = look(session, packet, error);
        }
        if (result == 1) {
            session->packet_ns = packet->arrival_ns;
        }
        if (result != 0) {
            session->ended = result < 0 && result != -ECANCELED;
            return result == -ESHUTDOWN ? 0 : result;
        }
        if (late) {
            return -ETIMEDOUT;
        }
        late = now >= deadline_ns;
        bool keepalive_first = session->keepalive.due_ns < deadline_ns;
        result = wait_ready(session, keepalive_first ? session->keepalive.due_ns : deadline_ns, error);
        if (result == -ETIMEDOUT && keepalive_first) {
            continue;
        }
        if (result < 0) {
            return result;
        }
    }
}

void rtsp_session_send_rtcp(struct rtsp_session *session, enum rtsp_media media, const void *data,
                            size_t size)
{
    struct rtsp_stream *stream = &session->streams[media];

    if (!stream->media || size > UINT16_MAX) {
        return;
    }
    if (session->udp) {
        rtsp_udp_send_rtcp(&stream->udp, data, size);
        return;
    }
    const unsigned char head[INTERLEAVED_HEAD] = {'$', (unsigned char)stream->rtcp_channel,
                                                  (unsigned char)(size >> 8), (unsigned char)size};
    /* A report that cannot be sent is lost; another will follow. */
    (void)rtsp_connection_send(&session->connection, head, sizeof(head), data, size);
}

void rtsp_session_close(struct rtsp_session *session)
{
    if (!session) {
        return;
    }
    if (session->memory) {
        learn_from_end(session);
    }
    say_goodbye(session);
    rtsp_connection_finish(&session->connection);
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        rtsp_udp_finish(&session->streams[i].udp);
    }
    if (session->memory) {
        rtsp_auth_use(&session->memory->auth, NULL, NULL);
    }
    free(session->datagram);
    free(session->name);
    secret_free(session->username);
    secret_free(session->password);
    free(session);
}
