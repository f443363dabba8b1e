/* SPDX-License-Identifier: MIT */
#include "ingest/rtsp/rtsp_connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/log/log.h"
#include "ingest/rtsp/rtsp_trace.h"

/* Requests of the camera's that are answered in one turn; more is a flood. */
#define PEER_REQUESTS_MAX 32

/* Milliseconds without a byte after which a description without a length, or with a wrong one, is complete. */
#define BODY_SILENCE_MS 500

/* Reads in one turn that bring nothing for us; then deadlines are looked at. */
#define READS_MAX 16

int rtsp_connection_init(struct rtsp_connection *connection, const char *name, struct rtsp_wait *wait,
                         struct rtsp_auth *auth, const struct login_gate *gate)
{
    /* The long texts at its end are left untouched: their pages are not needed until they are. */
    memset(connection, 0, offsetof(struct rtsp_connection, out));
    connection->name = name;
    connection->wait = wait;
    connection->auth = auth;
    connection->gate = gate;
    connection->out_size = 0;
    connection->method = NULL;
    return rtsp_input_init(&connection->input);
}

/* --- Log-in --------------------------------------------------------------------------------------------- */

/* The only place that changes the log-in's state, but for a new connection. */
static void settle_login(struct rtsp_connection *connection, enum login_result result)
{
    bool accepted = result == LOGIN_ACCEPTED;

    connection->login = accepted ? RTSP_LOGIN_PROVEN : RTSP_LOGIN_UNKNOWN;
    connection->login_worked |= accepted;
    connection->login_goes_on = result == LOGIN_REFUSED_MORE;
    if (connection->gate && connection->gate->tell) {
        connection->gate->tell(connection->gate->context, result);
    }
}

enum login_doubt rtsp_connection_doubt(const struct rtsp_connection *connection)
{
    const struct login_gate *gate = connection->gate;

    return gate && gate->doubt && rtsp_auth_answers(connection->auth) ? gate->doubt(gate->context)
                                                                      : LOGIN_NO_DOUBT;
}

/* May the next request have credentials? 0 or negative errno, and ERROR. */
static int ask_gate(struct rtsp_connection *connection, char error[RTSP_ERROR_SIZE])
{
    bool proven =
        connection->login == RTSP_LOGIN_PROVEN && rtsp_connection_doubt(connection) == LOGIN_NO_DOUBT;
    if (proven || !rtsp_auth_answers(connection->auth)) {
        return 0;
    }
    if (connection->gate && connection->gate->ask) {
        char why[LOGIN_ERROR_SIZE] = "";
        int result = connection->gate->ask(connection->gate->context, connection->login_worked, why);
        if (result == -EACCES) { /* names the host itself */
            snprintf(error, RTSP_ERROR_SIZE, "%s", why);
            return result;
        }
        if (result < 0) {
            return rtsp_connection_fail(connection, result, error, "%s", why);
        }
    }
    connection->login = RTSP_LOGIN_TRIED;
    connection->login_goes_on = false;
    return 0;
}

/* A response that is not a challenge. Cameras answer OPTIONS without a log-in, and some errors before they look at
 * one. */
static void judge_login(struct rtsp_connection *connection, int status)
{
    bool options = strcmp(connection->method, "OPTIONS") == 0;

    if (!options || connection->auth->accepted) {
        rtsp_auth_accepted(connection->auth);
    }
    if (connection->login != RTSP_LOGIN_TRIED || !connection->authorized) {
        return;
    }
    if (status == 403) {
        settle_login(connection, LOGIN_FORBIDDEN);
    } else if (options || status == 400 || status >= 500) {
        settle_login(connection, LOGIN_UNANSWERED);
    } else {
        settle_login(connection, LOGIN_ACCEPTED);
    }
}

/* The connection ends before that is known. */
static void leave_login(struct rtsp_connection *connection)
{
    if (connection->login == RTSP_LOGIN_TRIED || connection->login_goes_on) {
        settle_login(connection, LOGIN_UNANSWERED);
    }
    connection->login = RTSP_LOGIN_UNKNOWN;
    connection->login_worked = connection->login_goes_on = false;
}

/* --- Connecting ----------------------------------------------------------------------------------------- */

static void disconnect(struct rtsp_connection *connection)
{
    leave_login(connection);
    rtsp_socket_destroy(connection->socket);
    connection->socket = NULL;
    connection->method = NULL;
    explicit_bzero(connection->out, connection->out_size);
    connection->out_size = 0;
}

void rtsp_connection_finish(struct rtsp_connection *connection)
{
    disconnect(connection);
    rtsp_input_finish(&connection->input);
}

int rtsp_connection_fail(const struct rtsp_connection *connection, int code, char error[RTSP_ERROR_SIZE],
                         const char *format, ...)
{
    va_list arguments;
    int used = snprintf(error, RTSP_ERROR_SIZE, "%.100s: ", connection->name);

    va_start(arguments, format);
    vsnprintf(error + used, RTSP_ERROR_SIZE - (size_t)used, format, arguments);
    va_end(arguments);
    return code;
}

int rtsp_connection_refused(const struct rtsp_connection *connection, const char *method, int status,
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
            return rtsp_connection_fail(connection, known[i].code, error, "%s", known[i].words);
        }
    }
    if (status >= 500) {
        return rtsp_connection_fail(connection, -EPROTO, error,
                                    "the camera reports an error of its own (%d to %s)", status, method);
    }
    return rtsp_connection_fail(connection, -EPROTO, error, "the camera refuses the request (%d to %s)",
                                status, method);
}

int rtsp_connection_connect(struct rtsp_connection *connection, const struct rtsp_socket_options *options,
                            int64_t deadline_ns, char error[RTSP_ERROR_SIZE])
{
    char why[RTSP_ERROR_SIZE] = "";

    disconnect(connection);
    rtsp_input_reset(&connection->input);
    rtsp_auth_begin(connection->auth);
    connection->session_id[0] = '\0';
    connection->unanswered = 0;
    connection->answered = connection->answered_rightly = 0;
    connection->challenged = false;
    connection->closed = false;
    connection->readable = true;
    int result = rtsp_socket_connect(options, connection->wait, deadline_ns, &connection->socket, why);
    return result < 0 ? rtsp_connection_fail(connection, result, error, "%s", why) : 0;
}

/* Writes what the socket takes. */
static int flush(struct rtsp_connection *connection, char error[RTSP_ERROR_SIZE])
{
    size_t sent = 0;
    ssize_t written = 0;

    while (sent < connection->out_size) {
        written = rtsp_socket_write(connection->socket, connection->out + sent, connection->out_size - sent);
        if (written < 0) {
            break;
        }
        sent += (size_t)written;
    }
    memmove(connection->out, connection->out + sent, connection->out_size - sent);
    explicit_bzero(connection->out + connection->out_size - sent, sent);
    connection->out_size -= sent;
    if (written < 0 && written != -EAGAIN) {
        return rtsp_connection_fail(connection, (int)written, error, "%s", rtsp_socket_words((int)written));
    }
    return 0;
}

int rtsp_connection_send(struct rtsp_connection *connection, const void *head, size_t head_size,
                         const void *data, size_t size)
{
    char ignored[RTSP_ERROR_SIZE];

    if (head_size + size > sizeof(connection->out) - connection->out_size) {
        return -ENOBUFS;
    }
    memcpy(connection->out + connection->out_size, head, head_size);
    memcpy(connection->out + connection->out_size + head_size, data, size);
    connection->out_size += head_size + size;
    return flush(connection, ignored);
}

/* Writes the request under way into the space behind what waits. Its size; 0: it does not fit. */
static size_t format_request(struct rtsp_connection *connection)
{
    char *out = connection->out + connection->out_size;
    size_t size = sizeof(connection->out) - connection->out_size;
    bool session = connection->session_id[0] != '\0';
    int used = snprintf(out, size, "%s %s RTSP/1.0\r\nCSeq: %u\r\nUser-Agent: ringcast/%s\r\n%s%s%s%s",
                        connection->method, connection->uri, (unsigned)connection->sequence, RINGCAST_VERSION,
                        session ? "Session: " : "", session ? connection->session_id : "",
                        session ? "\r\n" : "", connection->headers);

    if (used < 0 || (size_t)used >= size) {
        return 0;
    }
    int auth = rtsp_auth_write(connection->auth, connection->method, connection->uri, out + used,
                               size - (size_t)used);
    if (auth < 0 || (size_t)(used + auth) + 2 >= size) {
        explicit_bzero(out, size);
        return 0;
    }
    connection->authorized = auth > 0;
    out[used + auth] = '\r';
    out[used + auth + 1] = '\n';
    return (size_t)(used + auth) + 2;
}

static int send_request(struct rtsp_connection *connection, char error[RTSP_ERROR_SIZE])
{
    int result = ask_gate(connection, error);

    if (result < 0) {
        return result;
    }
    connection->sequence++;
    connection->unanswered = connection->unanswered << 1 | 1;
    size_t size = format_request(connection);
    if (size == 0) {
        return rtsp_connection_fail(connection, -ENOBUFS, error, "the camera takes no requests any more");
    }
    rtsp_trace_request(connection->out + connection->out_size, size);
    connection->out_size += size;
    return flush(connection, error);
}

int rtsp_connection_begin(struct rtsp_connection *connection, const char *method, const char *uri,
                          const char *headers, char error[RTSP_ERROR_SIZE])
{
    connection->method = method;
    snprintf(connection->uri, sizeof(connection->uri), "%s", uri);
    snprintf(connection->headers, sizeof(connection->headers), "%s", headers);
    return send_request(connection, error);
}

int rtsp_connection_answer_challenge(struct rtsp_connection *connection, char error[RTSP_ERROR_SIZE])
{
    int result = rtsp_auth_challenge(connection->auth, &connection->input.message);

    if (connection->authorized) {
        settle_login(connection, result == 0 ? LOGIN_REFUSED_MORE : LOGIN_REFUSED);
    }
    switch (result) {
    case 0:
        return send_request(connection, error);
    case -ENOKEY:
        return rtsp_connection_fail(
            connection, result, error,
            "the camera wants a username and password (401), but none are configured");
    case -EPERM:
        return rtsp_connection_fail(
            connection, -ENOTSUP, error,
            "the camera offers Basic authentication only (401), which would show the password; "
            "allow_basic = true would permit it");
    case -ENOTSUP:
        return rtsp_connection_fail(connection, result, error,
                                    "the camera wants authentication of a kind that is not supported (401)");
    default:
        return rtsp_connection_refused(connection, connection->method, 401, error);
    }
}

/* A request of the camera's own. Its methods are confirmed, whatever they say; other methods are not known. */
static void answer_peer(struct rtsp_connection *connection)
{
    static const char *const known[] = {"OPTIONS",  "GET_PARAMETER", "SET_PARAMETER",
                                        "ANNOUNCE", "REDIRECT",      "TEARDOWN"};
    const struct rtsp_message *message = &connection->input.message;
    const char *status = "501 Not Implemented";
    char out[256];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(message->method, known[i]) == 0) {
            status = "200 OK";
        }
    }
    if (strcmp(message->method, "REDIRECT") == 0 || strcmp(message->method, "TEARDOWN") == 0) {
        connection->closed = true;
    }
    int length = snprintf(out, sizeof(out), "RTSP/1.0 %s\r\nCSeq: %lld\r\n\r\n", status,
                          (long long)rtsp_message_number(message, "CSeq"));
    /* If it cannot be sent, reading will report why. */
    (void)rtsp_connection_send(connection, "", 0, out, (size_t)length);
}

static uint64_t message_hash(const struct rtsp_connection *connection)
{
    const struct rtsp_input *input = &connection->input;

    return hash_add(HASH_START, input->data + input->begin, input->event_size);
}

/*
 * Whether the message is the last response once more: some cameras send each twice. It has the number of a request that has been
 * answered. Where it is not certain yet that a camera's numbers mean anything, it also has to be the same, or cannot be an answer
 * to the request under way.
 */
static bool is_repeated(const struct rtsp_connection *connection, int64_t sequence)
{
    const struct rtsp_message *message = &connection->input.message;

    if (connection->answered == 0 || sequence != connection->answered ||
        sequence == (int64_t)connection->sequence) {
        return false;
    }
    if (connection->answered_rightly > 1 && !connection->odd_sequence) {
        return true;
    }
    bool describing = connection->method && strcmp(connection->method, "DESCRIBE") == 0;
    return message_hash(connection) == connection->answered_hash ||
           (describing && message->status < 300 && message->body_size == 0 &&
            rtsp_message_header(message, "Public", 0));
}

static void note_answer(struct rtsp_connection *connection, int64_t sequence)
{
    bool right = sequence == (int64_t)connection->sequence;

    connection->answered = right ? connection->sequence : 0;
    connection->answered_hash = message_hash(connection);
    connection->answered_rightly += right && connection->answered_rightly < 2 ? 1 : 0;
}

/*
 * Whether the message is the response to the request under way. Only one is, so any final response is, whatever its CSeq
 * says, unless that is the number of an earlier request that is still without a response: then this one comes late.
 */
static bool is_response(struct rtsp_connection *connection)
{
    const struct rtsp_message *message = &connection->input.message;
    int64_t sequence = rtsp_message_number(message, "CSeq");
    int64_t age = (int64_t)connection->sequence - sequence;

    if (!message->response || message->status < 200) {
        return false;
    }
    if (sequence >= 0 && age > 0 && age < 32 && connection->unanswered >> age & 1) {
        connection->unanswered &= ~(1u << age);
        return false;
    }
    if (is_repeated(connection, sequence)) {
        if (!connection->twice) {
            log_info("the camera sends its responses twice; the second ones are left out");
        }
        connection->twice = true;
        return false;
    }
    if (!connection->method) {
        return false;
    }
    note_answer(connection, sequence);
    if (sequence >= 0 && age != 0 && !connection->odd_sequence) {
        connection->odd_sequence = true;
        log_info("the camera numbers its responses wrongly (CSeq %lld instead of %u); they are taken in "
                 "their order",
                 (long long)sequence, (unsigned)connection->sequence);
    }
    connection->unanswered &= ~1u;
    connection->challenged = message->status == 401;
    if (!connection->challenged) {
        judge_login(connection, message->status);
        connection->method = NULL;
    }
    return true;
}

/* 0: read, or nothing to read; 1: the camera closed. */
static int fill(struct rtsp_connection *connection, char error[RTSP_ERROR_SIZE])
{
    size_t room;
    uint8_t *at = rtsp_input_room(&connection->input, &room);
    ssize_t got = rtsp_socket_read(connection->socket, at, room);

    if (got > 0) {
        rtsp_input_added(&connection->input, (size_t)got);
        connection->readable = (size_t)got == room || !rtsp_socket_gives_all(connection->socket);
        return 0;
    }
    connection->readable = false;
    if (got == -EAGAIN) {
        return 0;
    }
    if (got == 0) {
        connection->closed = true;
        return 0;
    }
    return rtsp_connection_fail(connection, (int)got, error, "%s", rtsp_socket_words((int)got));
}

static int input_error(const struct rtsp_connection *connection, int code, const char *what, int64_t bytes,
                       char error[RTSP_ERROR_SIZE])
{
    if (code == -EPROTONOSUPPORT) {
        return rtsp_connection_fail(connection, -EPROTO, error,
                                    "speaks HTTP there, not RTSP; check the port of the url");
    }
    if (code == -EMSGSIZE && strcmp(what, "body") == 0) {
        return rtsp_connection_fail(connection, code, error,
                                    "sends an answer of %lld bytes or more; more than %d are not taken",
                                    (long long)bytes, RTSP_BODY_SIZE_MAX);
    }
    if (code == -EMSGSIZE) {
        return rtsp_connection_fail(connection, code, error,
                                    "sends headers without end; more than %d bytes or %d lines are not taken",
                                    RTSP_HEAD_SIZE_MAX, RTSP_HEADERS_MAX);
    }
    if (code == -ENOMEM) {
        return rtsp_connection_fail(connection, code, error, "out of memory");
    }
    return rtsp_connection_fail(connection, code, error, "sends garbage, no RTSP");
}

int rtsp_connection_next(struct rtsp_connection *connection, enum rtsp_event *event,
                         char error[RTSP_ERROR_SIZE])
{
    int reads = 0;

    for (int requests = 0; requests < PEER_REQUESTS_MAX;) {
        const char *what = "";
        int64_t bytes = 0;
        int result = rtsp_input_next(&connection->input, event, &what, &bytes);
        if (result < 0) {
            return input_error(connection, result, what, bytes, error);
        }
        if (*event == RTSP_EVENT_PACKET) {
            return 0;
        }
        if (*event == RTSP_EVENT_MESSAGE) {
            rtsp_trace_message(&connection->input.message);
        }
        if (*event == RTSP_EVENT_MESSAGE && is_response(connection)) {
            return 0;
        }
        if (*event == RTSP_EVENT_MESSAGE && !connection->input.message.response) {
            requests++;
            answer_peer(connection);
        } else if (*event == RTSP_EVENT_NONE) {
            if (connection->closed && rtsp_input_waits_for_body(&connection->input)) {
                rtsp_input_end_body(&connection->input);
                continue;
            }
            if (connection->closed) {
                return 1;
            }
            if (!connection->readable || reads++ == READS_MAX) {
                return 0;
            }
            result = fill(connection, error);
        }
        if (result < 0) {
            return result;
        }
    }
    return rtsp_connection_fail(connection, -EBADMSG, error, "sends requests without end");
}

struct pollfd rtsp_connection_poll(const struct rtsp_connection *connection)
{
    return rtsp_socket_poll(connection->socket, connection->out_size > 0);
}

int rtsp_connection_polled(struct rtsp_connection *connection, short revents, char error[RTSP_ERROR_SIZE])
{
    if (revents == 0) {
        return 0;
    }
    connection->readable = true;
    return connection->out_size > 0 ? flush(connection, error) : 0;
}

/* One turn of rtsp_connection_await. -EAGAIN: another. */
static int await_event(struct rtsp_connection *connection, bool packets, enum rtsp_event *event,
                       char error[RTSP_ERROR_SIZE])
{
    const char *method = connection->method;
    int result = rtsp_connection_next(connection, event, error);

    if (result == 1) {
        return rtsp_connection_fail(connection, -ECONNRESET, error,
                                    "the camera closed the connection before it answered "
                                    "%s",
                                    method);
    }
    if (result < 0) {
        return result;
    }
    if (*event == RTSP_EVENT_MESSAGE) {
        if (connection->input.message.status != 401) {
            return 0;
        }
        result = rtsp_connection_answer_challenge(connection, error);
        return result < 0 ? result : -EAGAIN;
    }
    if (*event == RTSP_EVENT_PACKET && packets) {
        rtsp_input_push_back(&connection->input);
        return 0;
    }
    return -EAGAIN;
}

/* Waits for more, if there was nothing (IDLE), or only looks at the time and asks the owner. */
static int wait_more(struct rtsp_connection *connection, bool idle, int64_t deadline_ns,
                     char error[RTSP_ERROR_SIZE])
{
    struct pollfd ready = rtsp_connection_poll(connection);
    int64_t now = clock_now_ns();
    int64_t silence_ns = now + BODY_SILENCE_MS * NS_PER_MS;
    bool body = idle && rtsp_input_waits_for_body(&connection->input) && silence_ns < deadline_ns;
    int result;

    if (body) {
        result = rtsp_wait_poll(connection->wait, &ready, 1, silence_ns);
        if (result == -ETIMEDOUT) {
            rtsp_input_end_body(&connection->input);
            return 0;
        }
    } else if (now >= deadline_ns) {
        result = -ETIMEDOUT;
    } else if (idle) {
        result = rtsp_wait_poll(connection->wait, &ready, 1, deadline_ns);
    } else {
        result = rtsp_wait_ask(connection->wait, now);
    }
    if (result == -ETIMEDOUT) {
        return rtsp_connection_fail(connection, result, error, "no answer to %s in time", connection->method);
    }
    if (result < 0) {
        return rtsp_connection_fail(connection, result, error, "%s", rtsp_socket_words(result));
    }
    return idle ? rtsp_connection_polled(connection, ready.revents, error) : 0;
}

int rtsp_connection_await(struct rtsp_connection *connection, bool packets, int64_t deadline_ns,
                          enum rtsp_event *event, char error[RTSP_ERROR_SIZE])
{
    for (;;) {
        int result = await_event(connection, packets, event, error);
        if (result != -EAGAIN) {
            return result;
        }
        result = wait_more(connection, *event == RTSP_EVENT_NONE, deadline_ns, error);
        if (result < 0) {
            return result;
        }
    }
}
