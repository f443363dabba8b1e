/* SPDX-License-Identifier: MIT */
#include "tests/bench/rtsp_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_MAX 4096
#define URL_MAX 512
#define UDP_BATCH 64

struct rtsp_request {
    char method[32], url[URL_MAX];
    int cseq;
    const char *transport; /* the header's value, NULL if there is none */
};

struct rtsp_session *rtsp_session_create(int fd, uint64_t id)
{
    struct rtsp_session *session = calloc(1, sizeof *session);
    if (!session) {
        close(fd);
        return NULL;
    }
    session->fd = fd;
    session->id = id;
    return session;
}

void rtsp_session_destroy(struct rtsp_session *session)
{
    if (!session) {
        return;
    }
    close(session->fd);
    free(session->pending);
    free(session);
}

/* The camera of ".../camN" or ".../camN/trackM". */
static bool parse_url(const char *url, size_t camera_count, size_t *camera, enum rtsp_track_index *track)
{
    unsigned long number, track_number = 0;
    const char *name = strstr(url, "/cam");
    if (!name || sscanf(name, "/cam%lu/track%lu", &number, &track_number) < 1) {
        return false;
    }
    *camera = number;
    *track = track_number == 1 ? RTSP_AUDIO : RTSP_VIDEO;
    return number < camera_count && track_number < RTSP_TRACKS;
}

static int reply(struct rtsp_session *session, int cseq, const char *status, const char *headers,
                 const char *body)
{
    char text[REPLY_MAX];
    int length = snprintf(text, sizeof text, "RTSP/1.0 %s\r\nCSeq: %d\r\n%s", status, cseq, headers);
    if (length > 0 && (size_t)length < sizeof text && body) {
        length +=
            snprintf(text + length, sizeof text - (size_t)length,
                     "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    } else if (length > 0 && (size_t)length < sizeof text) {
        length += snprintf(text + length, sizeof text - (size_t)length, "\r\n");
    }
    if (length < 0 || (size_t)length >= sizeof text) {
        return -EMSGSIZE;
    }
    if (session->pending_length > 0) {
        if (session->pending_length + (size_t)length > RTSP_PENDING_MAX) {
            return -ENOBUFS;
        }
        memcpy(session->pending + session->pending_length, text, (size_t)length);
        session->pending_length += (size_t)length;
        return 0;
    }
    return send(session->fd, text, (size_t)length, MSG_NOSIGNAL) == length ? 0 : -EPIPE;
}

static int answer_describe(struct rtsp_session *session, const struct rtsp_server *server,
                           const struct rtsp_request *request)
{
    char headers[URL_MAX + 64];
    snprintf(headers, sizeof headers, "Content-Base: %s/\r\n", request->url);
    return reply(session, request->cseq, "200 OK", headers, server->sdp);
}

static bool set_up_udp(struct rtsp_session *session, struct rtsp_track *track, const char *ports)
{
    unsigned rtp, rtcp;
    socklen_t length = sizeof track->rtp;
    if (sscanf(ports, "client_port=%u-%u", &rtp, &rtcp) != 2 || rtp > UINT16_MAX || rtcp > UINT16_MAX) {
        return false;
    }
    if (getpeername(session->fd, (struct sockaddr *)&track->rtp, &length) < 0) {
        return false;
    }
    track->rtcp = track->rtp;
    track->rtp.sin_port = htons((uint16_t)rtp);
    track->rtcp.sin_port = htons((uint16_t)rtcp);
    track->udp = true;
    return true;
}

static int answer_setup(struct rtsp_session *session, const struct rtsp_server *server,
                        const struct rtsp_request *request, enum rtsp_track_index index)
{
    char headers[256], transport[128];
    struct rtsp_track *track = &session->tracks[index];
    unsigned channel;
    const char *wanted = request->transport ? request->transport : "";
    const char *interleaved = strstr(wanted, "interleaved=");
    const char *ports = strstr(wanted, "client_port=");
    if (interleaved && sscanf(interleaved, "interleaved=%u", &channel) == 1 && channel < UINT8_MAX) {
        track->channel = (uint8_t)channel;
        snprintf(transport, sizeof transport, "RTP/AVP/TCP;unicast;interleaved=%u-%u", channel, channel + 1);
    } else if (ports && set_up_udp(session, track, ports)) {
        snprintf(transport, sizeof transport, "RTP/AVP;unicast;client_port=%u-%u;server_port=%u-%u",
                 ntohs(track->rtp.sin_port), ntohs(track->rtcp.sin_port), server->rtp_port,
                 server->rtp_port + 1u);
    } else {
        return reply(session, request->cseq, "461 Unsupported Transport", "", NULL);
    }
    track->set_up = true;
    snprintf(headers, sizeof headers, "Session: %016" PRIx64 ";timeout=60\r\nTransport: %s\r\n", session->id,
             transport);
    return reply(session, request->cseq, "200 OK", headers, NULL);
}

static int answer(struct rtsp_session *session, const struct rtsp_server *server,
                  const struct rtsp_request *request)
{
    char headers[128];
    enum rtsp_track_index track = RTSP_VIDEO;
    const char *method = request->method;
    if (strcmp(method, "OPTIONS") == 0) {
        return reply(session, request->cseq, "200 OK",
                     "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER\r\n",
                     NULL);
    }
    if (!session->playing && !parse_url(request->url, server->camera_count, &session->camera, &track)) {
        return reply(session, request->cseq, "404 Not Found", "", NULL);
    }
    if (strcmp(method, "DESCRIBE") == 0) {
        return answer_describe(session, server, request);
    }
    if (strcmp(method, "SETUP") == 0) {
        return answer_setup(session, server, request, track);
    }
    snprintf(headers, sizeof headers, "Session: %016" PRIx64 "\r\n", session->id);
    if (strcmp(method, "PLAY") == 0) {
        session->playing = true;
    } else if (strcmp(method, "TEARDOWN") == 0) {
        session->playing = false;
    } else if (strcmp(method, "GET_PARAMETER") != 0 && strcmp(method, "SET_PARAMETER") != 0) {
        return reply(session, request->cseq, "501 Not Implemented", "", NULL);
    }
    int result = reply(session, request->cseq, "200 OK", headers, NULL);
    return strcmp(method, "TEARDOWN") == 0 ? -ESHUTDOWN : result;
}

/* Length of the first whole request or interleaved packet in the buffer, 0 if there is none. */
static size_t whole_length(const struct rtsp_session *session)
{
    const char *text = session->request;
    if (session->request_length >= RTP_INTERLEAVED_HEADER && text[0] == '$') {
        size_t packet = RTP_INTERLEAVED_HEADER + ((size_t)(uint8_t)text[2] << 8 | (uint8_t)text[3]);
        return packet <= session->request_length ? packet : 0;
    }
    const char *end = strstr(text, "\r\n\r\n");
    if (!end || text[0] == '$') {
        return 0;
    }
    size_t length = (size_t)(end + 4 - text);
    const char *body = strcasestr(text, "\r\nContent-Length:");
    if (body && body < end) {
        length += strtoul(body + 17, NULL, 10);
    }
    return length <= session->request_length ? length : 0;
}

static bool parse_request(const char *text, struct rtsp_request *request)
{
    *request = (struct rtsp_request){0};
    if (sscanf(text, "%31s %511s RTSP/1.0", request->method, request->url) != 2) {
        return false;
    }
    const char *cseq = strcasestr(text, "\r\nCSeq:");
    const char *transport = strcasestr(text, "\r\nTransport:");
    request->cseq = cseq ? atoi(cseq + 7) : 0;
    request->transport = transport ? transport + 12 : NULL;
    return true;
}

static int answer_all(struct rtsp_session *session, const struct rtsp_server *server)
{
    size_t length;
    while ((length = whole_length(session)) > 0) {
        struct rtsp_request request;
        char *text = session->request;
        if (text[0] != '$') {
            char kept = text[length];
            text[length] = '\0';
            int result = parse_request(text, &request) ? answer(session, server, &request) : -EPROTO;
            text[length] = kept;
            if (result < 0) {
                return result;
            }
        }
        session->request_length -= length;
        memmove(text, text + length, session->request_length + 1);
    }
    return 0;
}

int rtsp_session_readable(struct rtsp_session *session, const struct rtsp_server *server)
{
    size_t room = RTSP_REQUEST_MAX - session->request_length;
    ssize_t got = recv(session->fd, session->request + session->request_length, room, 0);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    if (got == 0) {
        return -ECONNRESET;
    }
    session->request_length += (size_t)got;
    session->request[session->request_length] = '\0';
    int result = answer_all(session, server);
    return result == 0 && session->request_length == RTSP_REQUEST_MAX ? -EMSGSIZE : result;
}

int rtsp_session_writable(struct rtsp_session *session)
{
    if (session->pending_length == 0) {
        return 0;
    }
    ssize_t sent = send(session->fd, session->pending, session->pending_length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        return errno == EAGAIN ? 0 : -errno;
    }
    session->pending_length -= (size_t)sent;
    memmove(session->pending, session->pending + sent, session->pending_length);
    return 0;
}

/* What is not taken at once waits, and the frame counts as sent. */
static int keep_rest(struct rtsp_session *session, const uint8_t *data, size_t length)
{
    if (length > RTSP_PENDING_MAX) {
        return -EMSGSIZE;
    }
    if (!session->pending) {
        session->pending = malloc(RTSP_PENDING_MAX);
    }
    if (!session->pending) {
        return -ENOMEM;
    }
    session->pending_length = length;
    memcpy(session->pending, data, length);
    return 0;
}

/* How much of the frame, from AT on, goes into the next write. */
static size_t piece_length(const struct rtsp_server *server, const struct rtp_frame *frame, size_t packet,
                           size_t at)
{
    if (!server->packet_by_packet || packet + 1 == frame->packet_count) {
        return frame->length - at;
    }
    return frame->packets[packet + 1].offset - at;
}

static int send_interleaved(struct rtsp_session *session, struct rtsp_server *server,
                            const struct rtp_frame *frame)
{
    if (session->pending_length > 0) {
        server->frames_dropped++;
        return 0;
    }
    size_t at = 0;
    for (size_t packet = 0; at < frame->length; packet++) {
        size_t length = piece_length(server, frame, packet, at);
        ssize_t sent = send(session->fd, frame->data + at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            return -errno;
        }
        if (sent < 0 && at == 0) {
            server->frames_dropped++;
            return 0;
        }
        at += sent > 0 ? (size_t)sent : 0;
        if (sent != (ssize_t)length) {
            break;
        }
    }
    server->frames_sent++;
    return at < frame->length ? keep_rest(session, frame->data + at, frame->length - at) : 0;
}

static int send_udp(struct rtsp_server *server, const struct rtp_frame *frame, int fd, struct sockaddr_in *to)
{
    struct mmsghdr messages[UDP_BATCH];
    struct iovec pieces[UDP_BATCH];
    for (size_t at = 0; at < frame->packet_count;) {
        unsigned count = 0;
        for (; count < UDP_BATCH && at + count < frame->packet_count; count++) {
            const struct bench_packet *packet = &frame->packets[at + count];
            pieces[count] =
                (struct iovec){frame->data + packet->offset + RTP_INTERLEAVED_HEADER, packet->length};
            messages[count] = (struct mmsghdr){
                .msg_hdr = {
                    .msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &pieces[count], .msg_iovlen = 1}};
        }
        int sent = sendmmsg(fd, messages, count, 0);
        if (sent <= 0) {
            server->frames_dropped++;
            return 0;
        }
        at += (size_t)sent;
    }
    server->frames_sent++;
    return 0;
}

int rtsp_session_send(struct rtsp_session *session, struct rtsp_server *server, enum rtsp_track_index index,
                      struct rtp_frame *frame, bool report)
{
    struct rtsp_track *track = &session->tracks[index];
    if (!session->playing || !track->set_up) {
        return 0;
    }
    if (track->udp) {
        return send_udp(server, frame, report ? server->rtcp_socket : server->rtp_socket,
                        report ? &track->rtcp : &track->rtp);
    }
    rtp_frame_set_channel(frame, (uint8_t)(track->channel + report));
    return send_interleaved(session, server, frame);
}
