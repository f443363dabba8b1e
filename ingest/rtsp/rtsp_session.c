#include "ingest/rtsp/rtsp_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "ingest/rtsp/rtsp_session_private.h"

/* A keepalive that is not answered within this time does not keep the next one waiting. */
#define PENDING_LIMIT_MS 10000

/* Bytes before a packet in the connection (RFC 2326, section 10.12). */
#define INTERLEAVED_HEAD 4

static const char get_parameter[] = "GET_PARAMETER";

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

uint64_t rtsp_session_garbage(const struct rtsp_session *session)
{
    return session->talk.input.garbage;
}

uint64_t rtsp_session_strangers(const struct rtsp_session *session)
{
    return session->streams[RTSP_VIDEO].udp.strangers + session->streams[RTSP_AUDIO].udp.strangers;
}

void rtsp_session_rest(struct rtsp_session *session)
{
    int64_t half_ms = session->timeout_s * 1000LL / 2;

    session->keepalive_ns =
        rtsp_now_ns() + (half_ms < RTSP_KEEPALIVE_MAX_MS ? half_ms : RTSP_KEEPALIVE_MAX_MS) * RTSP_NS_PER_MS;
}

/* RFC 2326, section 10.8: GET_PARAMETER without a body is the ping; OPTIONS for those that do not know it. */
static int keep_alive(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    int64_t now = rtsp_now_ns();

    if (session->pending != RTSP_PENDING_NONE &&
        now - session->pending_ns < PENDING_LIMIT_MS * RTSP_NS_PER_MS) {
        return 0;
    }
    session->pending = RTSP_PENDING_KEEPALIVE;
    session->pending_ns = now;
    rtsp_session_rest(session);
    int result = rtsp_talk_begin(&session->talk, session->has_get_parameter ? get_parameter : "OPTIONS",
                                 session->aggregate, "", error);
    return result == -ENOBUFS ? 0 : result; /* it is only slow; the deadline of video will tell */
}

/* The answer to PLAY or a keepalive. */
static int take_response(struct rtsp_session *session, char error[RTSP_ERROR_SIZE])
{
    int status = session->talk.input.message.status;
    enum rtsp_pending pending = session->pending;

    if (status == 401) {
        return rtsp_talk_answer_challenge(&session->talk, error);
    }
    session->pending = RTSP_PENDING_NONE;
    if (status < 300) {
        return 0;
    }
    if (pending == RTSP_PENDING_PLAY) {
        return rtsp_talk_refused(&session->talk, "PLAY", status, error);
    }
    if (status == 454) {
        return rtsp_talk_refused(&session->talk, "a keepalive", status, error);
    }
    if (session->has_get_parameter) {
        log_debug("%d to GET_PARAMETER; the session is kept alive with OPTIONS", status);
    }
    session->has_get_parameter = false;
    return 0;
}

/* Whose packet it is. False: nobody's any more. */
static bool take_interleaved(const struct rtsp_session *session, struct rtsp_packet *packet)
{
    const struct rtsp_input *input = &session->talk.input;

    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        const struct rtsp_stream *stream = &session->streams[i];
        if (stream->media == NULL || session->udp ||
            (input->channel != stream->rtp_channel && input->channel != stream->rtcp_channel)) {
            continue;
        }
        *packet = (struct rtsp_packet){.media = (enum rtsp_media)i,
                                       .rtcp = input->channel == stream->rtcp_channel,
                                       .data = input->packet,
                                       .size = input->packet_size,
                                       .arrival_ns = rtsp_now_ns()};
        return true;
    }
    return false;
}

static bool take_datagram(struct rtsp_session *session, enum rtsp_media media, bool rtcp,
                          struct rtsp_packet *packet)
{
    struct rtsp_stream *stream = &session->streams[media];
    bool *readable = rtcp ? &stream->rtcp_readable : &stream->rtp_readable;

    if (stream->media == NULL || !*readable) {
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
                                   .arrival_ns = rtsp_now_ns()};
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

/* Waits for any of the session's descriptors. As rtsp_wait_poll. */
static int wait_ready(struct rtsp_session *session, int64_t deadline_ns, char error[RTSP_ERROR_SIZE])
{
    struct pollfd fds[1 + RTSP_MEDIA_COUNT * 2];
    size_t count = 1;

    fds[0] = rtsp_talk_poll(&session->talk);
    for (int i = 0; session->udp && i < RTSP_MEDIA_COUNT; i++) {
        count = add_fd(fds, count, session->streams[i].udp.rtp);
        count = add_fd(fds, count, session->streams[i].udp.rtcp);
    }
    int result = rtsp_wait_poll(&session->wait, fds, count, deadline_ns);
    if (result < 0) {
        return result;
    }
    for (int i = 0; session->udp && i < RTSP_MEDIA_COUNT; i++) {
        session->streams[i].rtp_readable = fds[1 + i * 2].revents != 0;
        session->streams[i].rtcp_readable = fds[2 + i * 2].revents != 0;
    }
    return rtsp_talk_polled(&session->talk, fds[0].revents, error);
}

/* One look at everything that may have arrived: 1: *packet; 0: nothing; negative errno; -ESHUTDOWN: the
 * camera ended it. */
static int look(struct rtsp_session *session, struct rtsp_packet *packet, char error[RTSP_ERROR_SIZE])
{
    enum rtsp_event event = RTSP_EVENT_NONE;

    if (take_any_datagram(session, packet)) {
        return 1;
    }
    do {
        int result = rtsp_talk_next(&session->talk, &event, error);
        if (result == 1) {
            return rtsp_talk_fail(&session->talk, -ESHUTDOWN, error, "the camera ended the stream");
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
        int64_t now = rtsp_now_ns();
        int result = rtsp_wait_ask(&session->wait, now);
        if (result == 0 && now >= session->keepalive_ns) {
            result = keep_alive(session, error);
        }
        if (result == 0) {
            result = look(session, packet, error);
        }
        if (result != 0) {
            return result == -ESHUTDOWN ? 0 : result;
        }
        if (late) {
            return -ETIMEDOUT;
        }
        late = now >= deadline_ns;
        bool keepalive_first = session->keepalive_ns < deadline_ns;
        result = wait_ready(session, keepalive_first ? session->keepalive_ns : deadline_ns, error);
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

    if (stream->media == NULL || size > UINT16_MAX) {
        return;
    }
    if (session->udp) {
        rtsp_udp_send_rtcp(&stream->udp, data, size);
        return;
    }
    const unsigned char head[INTERLEAVED_HEAD] = {'$', (unsigned char)stream->rtcp_channel,
                                                  (unsigned char)(size >> 8), (unsigned char)size};
    /* A report that cannot be sent is followed by another. */
    (void)rtsp_talk_send(&session->talk, head, sizeof(head), data, size);
}

void rtsp_session_goodbye(struct rtsp_session *session)
{
    struct rtsp_talk *talk = &session->talk;
    int64_t deadline = rtsp_now_ns() + RTSP_CLOSE_DEADLINE_MS * RTSP_NS_PER_MS;
    char error[RTSP_ERROR_SIZE];
    enum rtsp_event event;

    if (talk->socket == NULL || talk->closed || session->aggregate[0] == '\0' ||
        talk->session_id[0] == '\0') {
        return;
    }
    /* Whoever wants the session to end wants this, too. */
    struct rtsp_wait uninterrupted = {.attention = -1};
    talk->wait = &uninterrupted;
    if (rtsp_talk_begin(talk, "TEARDOWN", session->aggregate, "", error) == 0) {
        (void)rtsp_talk_await(talk, false, deadline, &event, error);
    }
    talk->wait = &session->wait;
    session->pending = RTSP_PENDING_NONE;
}

static void free_secret(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

void rtsp_session_close(struct rtsp_session *session)
{
    if (session == NULL) {
        return;
    }
    rtsp_session_goodbye(session);
    rtsp_talk_finish(&session->talk);
    for (int i = 0; i < RTSP_MEDIA_COUNT; i++) {
        rtsp_udp_finish(&session->streams[i].udp);
    }
    free(session->datagram);
    free(session->name);
    free_secret(session->username);
    free_secret(session->password);
    free(session);
}
