/* SPDX-License-Identifier: MIT */
#include "tests/process/ingest/rtsp/script_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/patience.h"

const char script_video_sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
                                "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n";
const char script_audio_sdp[] = "m=audio 0 RTP/AVP 0\r\na=control:track2\r\n";

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void script_send(struct script_server *server, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0 && server->connection >= 0) {
        ssize_t sent = send(server->connection, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        at += sent;
        size -= (size_t)sent;
    }
}

void script_send_text(struct script_server *server, const char *text)
{
    script_send(server, text, strlen(text));
}

void script_send_packet(struct script_server *server, uint8_t channel, uint16_t sequence)
{
    const uint8_t packet[] = {
        '$', channel, 0, 14, 0x80, 96, (uint8_t)(sequence >> 8), (uint8_t)sequence, 0, 0, 0, 0,
        0,   0,       0, 1,  9,    9};

    script_send(server, packet, sizeof(packet));
}

void script_hang_up(struct script_server *server, bool reset)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (server->connection < 0) {
        return;
    }
    if (reset) {
        setsockopt(server->connection, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    close(server->connection);
    server->connection = -1;
}

void script_reply(struct script_server *server, const char *request, const char *status, const char *headers,
                  const char *body)
{
    const char *sequence = strstr(request, "CSeq: ");
    char out[16384];
    int length = snprintf(out, sizeof(out), "RTSP/1.0 %s\r\nCSeq: %d\r\n%s", status,
                          sequence != NULL ? atoi(sequence + 6) : 0, headers);

    if (body != NULL) {
        length += snprintf(out + length, sizeof(out) - (size_t)length, "Content-Length: %zu\r\n\r\n%s",
                           strlen(body), body);
    } else {
        length += snprintf(out + length, sizeof(out) - (size_t)length, "\r\n");
    }
    script_send(server, out, (size_t)length);
}

bool script_is(const char *request, const char *method)
{
    return strncmp(request, method, strlen(method)) == 0 && request[strlen(method)] == ' ';
}

void script_camera(struct script_server *server, const char *request, bool audio)
{
    char text[2048];

    if (script_is(request, "OPTIONS")) {
        script_reply(server, request, "200 OK", "Public: OPTIONS, DESCRIBE, GET_PARAMETER\r\n", NULL);
    } else if (script_is(request, "DESCRIBE")) {
        snprintf(text, sizeof(text), "%s%s", script_video_sdp, audio ? script_audio_sdp : "");
        script_reply(server, request, "200 OK", "Content-Type: application/sdp\r\n", text);
    } else if (script_is(request, "SETUP")) {
        const char *interleaved = strstr(request, "interleaved=");
        snprintf(text, sizeof(text), "Transport: RTP/AVP/TCP;unicast;%.15s\r\nSession: 4711;timeout=60\r\n",
                 interleaved != NULL ? interleaved : "");
        script_reply(server, request, "200 OK", text, NULL);
    } else {
        script_reply(server, request, "200 OK", "", NULL);
    }
}

static void note(struct script_server *server, const char *text, size_t size)
{
    pthread_mutex_lock(&server->lock);
    if (server->seen_size + size < sizeof(server->seen)) {
        memcpy(server->seen + server->seen_size, text, size);
        server->seen_size += size;
        server->seen[server->seen_size] = '\0';
    }
    pthread_mutex_unlock(&server->lock);
}

/* Waits until FD is readable. False: the server is to stop. */
static bool wait_readable(struct script_server *server, int fd)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = server->stop, .events = POLLIN}};

    return poll(fds, 2, -1) >= 0 && fds[1].revents == 0;
}

/* Calls the handler for each whole request; RTCP between them goes into what was seen, too. */
static void serve(struct script_server *server)
{
    char text[65536];
    size_t size = 0;

    while (server->connection >= 0 && wait_readable(server, server->connection)) {
        ssize_t got = recv(server->connection, text + size, sizeof(text) - 1 - size, 0);
        if (got <= 0) {
            break;
        }
        note(server, text + size, (size_t)got);
        size += (size_t)got;
        text[size] = '\0';
        while (size > 0 && text[0] == '$' && size >= 4) {
            size_t length = 4 + (size_t)((uint8_t)text[2] << 8 | (uint8_t)text[3]);
            if (size < length) {
                break;
            }
            memmove(text, text + length, size - length + 1);
            size -= length;
        }
        char *end;
        while (text[0] != '$' && server->connection >= 0 && (end = strstr(text, "\r\n\r\n")) != NULL) {
            size_t length = (size_t)(end + 4 - text);
            char request[16384];
            snprintf(request, sizeof(request), "%.*s", (int)length, text);
            memmove(text, text + length, size - length + 1);
            size -= length;
            server->requests++;
            if (strncmp(request, "RTSP/", 5) != 0) {
                server->handler(server, request);
            }
        }
    }
    script_hang_up(server, false);
}

static void *run(void *data)
{
    struct script_server *server = data;

    while (wait_readable(server, server->listener)) {
        server->connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (server->connection < 0) {
            continue;
        }
        server->connections++;
        server->requests = 0;
        serve(server);
    }
    return NULL;
}

void script_start(struct script_server *server, script_handler handler, const void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    memset(server, 0, sizeof(*server));
    server->handler = handler;
    server->context = context;
    server->connection = -1;
    pthread_mutex_init(&server->lock, NULL);
    server->stop = eventfd(0, EFD_CLOEXEC);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->stop >= 0 && server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

void script_stop(struct script_server *server)
{
    assert_int_equal(eventfd_write(server->stop, 1), 0);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->stop);
    pthread_mutex_destroy(&server->lock);
}

int script_count(struct script_server *server, const char *text)
{
    int count = 0;

    pthread_mutex_lock(&server->lock);
    for (const char *at = server->seen;
         (at = memmem(at, server->seen_size - (size_t)(at - server->seen), text, strlen(text))) != NULL;
         at++) {
        count++;
    }
    pthread_mutex_unlock(&server->lock);
    return count;
}

void script_wait(struct script_server *server, const char *text, int count)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (script_count(server, text) < count) {
        if (now_ms() > deadline) {
            fail_msg("\"%s\" was asked %d times, not %d", text, script_count(server, text), count);
        }
        poll(NULL, 0, 5);
    }
}
