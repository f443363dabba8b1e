#include "ingest/rtsp/rtsp_connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"

/* Requests of the camera's that are answered in one turn; more is a flood. */
#define PEER_REQUESTS_MAX 32

/* Reads in one turn that bring nothing for us; then deadlines are looked at. */
#define READS_MAX 16

int rtsp_talk_init(struct rtsp_talk *talk, const char *name, struct rtsp_wait *wait, const char *username,
                   const char *password)
{
    *talk = (struct rtsp_talk){.name = name, .wait = wait};
    rtsp_auth_init(&talk->auth, username, password);
    return rtsp_input_init(&talk->input);
}

static void disconnect(struct rtsp_talk *talk)
{
    rtsp_socket_destroy(talk->socket);
    talk->socket = NULL;
    talk->method = NULL;
    explicit_bzero(talk->out, sizeof(talk->out));
    talk->out_size = 0;
}

void rtsp_talk_finish(struct rtsp_talk *talk)
{
    disconnect(talk);
    rtsp_input_finish(&talk->input);
}

int rtsp_talk_fail(const struct rtsp_talk *talk, int code, char error[RTSP_ERROR_SIZE], const char *format,
                   ...)
{
    va_list arguments;
    int used = snprintf(error, RTSP_ERROR_SIZE, "%.100s: ", talk->name);

    va_start(arguments, format);
    vsnprintf(error + used, RTSP_ERROR_SIZE - (size_t)used, format, arguments);
    va_end(arguments);
    return code;
}

int rtsp_talk_refused(const struct rtsp_talk *talk, const char *method, int status,
                      char error[RTSP_ERROR_SIZE])
{
    static const struct {
        int status, code;
        const char *words;
    } known[] = {
        {400, -EPROTO, "the camera does not understand the request (400)"},
        {401, -EACCES, "the camera refuses the username or password (401)"},
        {403, -EACCES, "the camera forbids this stream (403)"},
        {404, -ENOENT, "the camera has no such stream (404): check the path of the url"},
        {453, -EBUSY, "the camera has not enough bandwidth for another viewer (453)"},
        {454, -ECONNRESET, "the camera has forgotten the session (454)"},
        {461, -EPROTONOSUPPORT, "the camera does not offer this transport (461)"},
        {503, -EBUSY, "the camera is busy (503); it may have reached its number of viewers"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            return rtsp_talk_fail(talk, known[i].code, error, "%s", known[i].words);
        }
    }
    if (status >= 500) {
        return rtsp_talk_fail(talk, -EPROTO, error, "the camera reports an error of its own (%d to %s)",
                              status, method);
    }
    return rtsp_talk_fail(talk, -EPROTO, error, "the camera refuses the request (%d to %s)", status, method);
}

int rtsp_talk_connect(struct rtsp_talk *talk, const struct rtsp_socket_options *options, bool forget,
                      int64_t deadline_ns, char error[RTSP_ERROR_SIZE])
{
    char why[RTSP_ERROR_SIZE] = "";

    disconnect(talk);
    rtsp_input_reset(&talk->input);
    if (forget) {
        rtsp_auth_init(&talk->auth, NULL, NULL);
    }
    rtsp_auth_reset(&talk->auth);
    talk->session_id[0] = '\0';
    talk->closed = false;
    talk->readable = true;
    int result = rtsp_socket_connect(options, talk->wait, deadline_ns, &talk->socket, why);
    return result < 0 ? rtsp_talk_fail(talk, result, error, "%s", why) : 0;
}

/* Writes what the socket takes. */
static int flush(struct rtsp_talk *talk, char error[RTSP_ERROR_SIZE])
{
    size_t sent = 0;
    ssize_t written = 0;

    while (sent < talk->out_size) {
        written = rtsp_socket_write(talk->socket, talk->out + sent, talk->out_size - sent);
        if (written < 0) {
            break;
        }
        sent += (size_t)written;
    }
    memmove(talk->out, talk->out + sent, talk->out_size - sent);
    explicit_bzero(talk->out + talk->out_size - sent, sent);
    talk->out_size -= sent;
    if (written < 0 && written != -EAGAIN) {
        return rtsp_talk_fail(talk, (int)written, error, "%s", rtsp_socket_words((int)written));
    }
    return 0;
}

int rtsp_talk_send(struct rtsp_talk *talk, const void *head, size_t head_size, const void *data, size_t size)
{
    char ignored[RTSP_ERROR_SIZE];

    if (head_size + size > sizeof(talk->out) - talk->out_size) {
        return -ENOBUFS;
    }
    memcpy(talk->out + talk->out_size, head, head_size);
    memcpy(talk->out + talk->out_size + head_size, data, size);
    talk->out_size += head_size + size;
    return flush(talk, ignored);
}

/* Writes the request under way into the space behind what waits. Its size; 0: it does not fit. */
static size_t format_request(struct rtsp_talk *talk)
{
    char *out = talk->out + talk->out_size;
    size_t size = sizeof(talk->out) - talk->out_size;
    bool session = talk->session_id[0] != '\0';
    int used =
        snprintf(out, size, "%s %s RTSP/1.0\r\nCSeq: %u\r\nUser-Agent: ringcast/%s\r\n%s%s%s%s", talk->method,
                 talk->uri, (unsigned)talk->sequence, RINGCAST_VERSION, session ? "Session: " : "",
                 session ? talk->session_id : "", session ? "\r\n" : "", talk->headers);

    if (used < 0 || (size_t)used >= size) {
        return 0;
    }
    int auth = rtsp_auth_write(&talk->auth, talk->method, talk->uri, out + used, size - (size_t)used);
    if (auth < 0 || (size_t)(used + auth) + 2 >= size) {
        return 0;
    }
    out[used + auth] = '\r';
    out[used + auth + 1] = '\n';
    return (size_t)(used + auth) + 2;
}

static int send_request(struct rtsp_talk *talk, char error[RTSP_ERROR_SIZE])
{
    talk->sequence++;
    size_t size = format_request(talk);
    if (size == 0) {
        return rtsp_talk_fail(talk, -ENOBUFS, error, "the camera takes no requests any more");
    }
    talk->out_size += size;
    return flush(talk, error);
}

int rtsp_talk_begin(struct rtsp_talk *talk, const char *method, const char *uri, const char *headers,
                    char error[RTSP_ERROR_SIZE])
{
    talk->method = method;
    snprintf(talk->uri, sizeof(talk->uri), "%s", uri);
    snprintf(talk->headers, sizeof(talk->headers), "%s", headers);
    return send_request(talk, error);
}

int rtsp_talk_answer_challenge(struct rtsp_talk *talk, char error[RTSP_ERROR_SIZE])
{
    int result = rtsp_auth_challenge(&talk->auth, &talk->input.message);

    switch (result) {
    case 0:
        return send_request(talk, error);
    case -ENOKEY:
        return rtsp_talk_fail(talk, result, error,
                              "the camera wants a username and password (401), but none are configured");
    case -ENOTSUP:
        return rtsp_talk_fail(talk, result, error,
                              "the camera wants authentication of a kind that is not supported (401)");
    default:
        return rtsp_talk_refused(talk, talk->method, 401, error);
    }
}

/* A request of the camera's. Whatever it says is confirmed; what it asks of us is known to few cameras. */
static void answer_peer(struct rtsp_talk *talk)
{
    static const char *const known[] = {"OPTIONS",  "GET_PARAMETER", "SET_PARAMETER",
                                        "ANNOUNCE", "REDIRECT",      "TEARDOWN"};
    const struct rtsp_message *message = &talk->input.message;
    const char *status = "501 Not Implemented";
    char out[256];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(message->method, known[i]) == 0) {
            status = "200 OK";
        }
    }
    if (strcmp(message->method, "REDIRECT") == 0 || strcmp(message->method, "TEARDOWN") == 0) {
        talk->closed = true;
    }
    int length = snprintf(out, sizeof(out), "RTSP/1.0 %s\r\nCSeq: %lld\r\n\r\n", status,
                          (long long)rtsp_message_number(message, "CSeq"));
    /* If it cannot be sent, reading will tell why. */
    (void)rtsp_talk_send(talk, "", 0, out, (size_t)length);
}

/* Whether the message is the response to the request under way. A camera without CSeq is believed. */
static bool is_response(struct rtsp_talk *talk)
{
    const struct rtsp_message *message = &talk->input.message;
    int64_t sequence = rtsp_message_number(message, "CSeq");

    if (!message->response || talk->method == NULL || message->status < 200) {
        return false;
    }
    if (sequence >= 0 && sequence != (int64_t)talk->sequence) {
        return false;
    }
    if (message->status != 401) {
        rtsp_auth_accepted(&talk->auth);
        talk->method = NULL;
    }
    return true;
}

/* 0: read, or nothing to read; 1: the camera closed. */
static int fill(struct rtsp_talk *talk, char error[RTSP_ERROR_SIZE])
{
    size_t room;
    uint8_t *at = rtsp_input_room(&talk->input, &room);
    ssize_t got = rtsp_socket_read(talk->socket, at, room);

    if (got > 0) {
        rtsp_input_added(&talk->input, (size_t)got);
        return 0;
    }
    talk->readable = false;
    if (got == -EAGAIN) {
        return 0;
    }
    if (got == 0) {
        talk->closed = true;
        return 0;
    }
    return rtsp_talk_fail(talk, (int)got, error, "%s", rtsp_socket_words((int)got));
}

static int input_error(const struct rtsp_talk *talk, int code, const char *what, int64_t bytes,
                       char error[RTSP_ERROR_SIZE])
{
    if (code == -EPROTONOSUPPORT) {
        return rtsp_talk_fail(talk, -EPROTO, error, "speaks HTTP there, not RTSP; check the port of the url");
    }
    if (code == -EMSGSIZE && strcmp(what, "body") == 0) {
        return rtsp_talk_fail(talk, code, error,
                              "announces an answer of %lld bytes; more than %d are not taken",
                              (long long)bytes, RTSP_BODY_SIZE_MAX);
    }
    if (code == -EMSGSIZE) {
        return rtsp_talk_fail(talk, code, error,
                              "sends headers without end; more than %d bytes or %d lines are not taken",
                              RTSP_HEAD_SIZE_MAX, RTSP_HEADERS_MAX);
    }
    return rtsp_talk_fail(talk, code, error, "sends garbage, no RTSP");
}

int rtsp_talk_next(struct rtsp_talk *talk, enum rtsp_event *event, char error[RTSP_ERROR_SIZE])
{
    int reads = 0;

    for (int requests = 0; requests < PEER_REQUESTS_MAX;) {
        const char *what = "";
        int64_t bytes = 0;
        int result = rtsp_input_next(&talk->input, event, &what, &bytes);
        if (result < 0) {
            return input_error(talk, result, what, bytes, error);
        }
        if (*event == RTSP_EVENT_PACKET) {
            return 0;
        }
        if (*event == RTSP_EVENT_MESSAGE && is_response(talk)) {
            return 0;
        }
        if (*event == RTSP_EVENT_MESSAGE && !talk->input.message.response) {
            requests++;
            answer_peer(talk);
        } else if (*event == RTSP_EVENT_NONE) {
            if (talk->closed) {
                return 1;
            }
            if (!talk->readable || reads++ == READS_MAX) {
                return 0;
            }
            result = fill(talk, error);
        }
        if (result < 0) {
            return result;
        }
    }
    return rtsp_talk_fail(talk, -EBADMSG, error, "sends requests without end");
}

struct pollfd rtsp_talk_poll(const struct rtsp_talk *talk)
{
    return rtsp_socket_poll(talk->socket, talk->out_size > 0);
}

int rtsp_talk_polled(struct rtsp_talk *talk, short revents, char error[RTSP_ERROR_SIZE])
{
    if (revents == 0) {
        return 0;
    }
    talk->readable = true;
    return talk->out_size > 0 ? flush(talk, error) : 0;
}

/* One turn of rtsp_talk_await. -EAGAIN: another. */
static int await_event(struct rtsp_talk *talk, bool packets, enum rtsp_event *event,
                       char error[RTSP_ERROR_SIZE])
{
    const char *method = talk->method;
    int result = rtsp_talk_next(talk, event, error);

    if (result == 1) {
        return rtsp_talk_fail(talk, -ECONNRESET, error,
                              "the camera closed the connection before it answered "
                              "%s",
                              method);
    }
    if (result < 0) {
        return result;
    }
    if (*event == RTSP_EVENT_MESSAGE) {
        if (talk->input.message.status != 401) {
            return 0;
        }
        result = rtsp_talk_answer_challenge(talk, error);
        return result < 0 ? result : -EAGAIN;
    }
    if (*event == RTSP_EVENT_PACKET && packets) {
        rtsp_input_push_back(&talk->input);
        return 0;
    }
    return -EAGAIN;
}

/* Waits for more, if there was nothing (IDLE), or only looks at the time and asks the owner. */
static int wait_more(struct rtsp_talk *talk, bool idle, int64_t deadline_ns, char error[RTSP_ERROR_SIZE])
{
    struct pollfd ready = rtsp_talk_poll(talk);
    int64_t now = rtsp_now_ns();
    int result;

    if (now >= deadline_ns) {
        result = -ETIMEDOUT;
    } else if (idle) {
        result = rtsp_wait_poll(talk->wait, &ready, 1, deadline_ns);
    } else {
        result = rtsp_wait_ask(talk->wait, now);
    }
    if (result == -ETIMEDOUT) {
        return rtsp_talk_fail(talk, result, error, "no answer to %s in time", talk->method);
    }
    if (result < 0) {
        return rtsp_talk_fail(talk, result, error, "%s", rtsp_socket_words(result));
    }
    return idle ? rtsp_talk_polled(talk, ready.revents, error) : 0;
}

int rtsp_talk_await(struct rtsp_talk *talk, bool packets, int64_t deadline_ns, enum rtsp_event *event,
                    char error[RTSP_ERROR_SIZE])
{
    for (;;) {
        int result = await_event(talk, packets, event, error);
        if (result != -EAGAIN) {
            return result;
        }
        result = wait_more(talk, *event == RTSP_EVENT_NONE, deadline_ns, error);
        if (result < 0) {
            return result;
        }
    }
}
