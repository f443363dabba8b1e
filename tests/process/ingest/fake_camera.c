/* SPDX-License-Identifier: MIT */
#include "tests/process/ingest/fake_camera.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/process/ingest/fixture.h"
#include "tests/support/patience.h"
#include "tests/support/samples.h"

/* Pictures that FAKE_FLOOD sends at once, and the time between. */
#define FLOOD_PICTURES 10
#define FLOOD_INTERVAL_MS 5

struct script {
    enum fake_kind kind;
    int port;
    int other_port;
    int seen;
};

int fake_listener(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static const char *media_of(enum fake_kind kind)
{
    if (kind == FAKE_MJPEG) {
        return "m=video 0 RTP/AVP 26\r\n";
    }
    if (kind == FAKE_AV1) {
        return "m=video 0 RTP/AVP 96\r\na=rtpmap:96 AV1/90000\r\na=fmtp:96 profile=0;level-idx=8;tier=0\r\n";
    }
    return "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
}

static void describe(const struct script *script, char *out, size_t size)
{
    char sdp[512];

    snprintf(sdp, sizeof(sdp), "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n%sa=control:track1\r\n",
             media_of(script->kind));
    snprintf(out, size,
             "Content-Base: rtsp://127.0.0.1:%d/x/\r\nContent-Type: application/sdp\r\nContent-Length: "
             "%zu\r\n\r\n%s",
             script->port, strlen(sdp), sdp);
}

static const char *status_for(const struct script *script, const char *request, char *rest, size_t size)
{
    snprintf(rest, size, "\r\n");
    if (script->kind == FAKE_REFUSES || script->kind == FAKE_REDIRECT) {
        if (script->kind == FAKE_REDIRECT && strstr(request, "Authorization:") != NULL) {
            snprintf(rest, size, "Location: rtsp://localhost:%d/elsewhere\r\n\r\n", script->other_port);
            return "302 Moved";
        }
        snprintf(rest, size, "WWW-Authenticate: Basic realm=\"x\"\r\n\r\n");
        return "401 Unauthorized";
    }
    if (strncmp(request, "DESCRIBE", 8) == 0) {
        describe(script, rest, size);
    } else if (strncmp(request, "SETUP", 5) == 0) {
        snprintf(rest, size, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n\r\n");
    }
    return "200 OK";
}

static void answer(const struct script *script, int connection, const char *request)
{
    const char *sequence = strstr(request, "CSeq: ");
    char rest[2048];
    char reply[4096];
    const char *status = status_for(script, request, rest, sizeof(rest));
    int length = snprintf(reply, sizeof(reply), "RTSP/1.0 %s\r\nCSeq: %d\r\n%s", status,
                          sequence != NULL ? atoi(sequence + 6) : 0, rest);

    if (send(connection, reply, (size_t)length, MSG_NOSIGNAL) < 0) {
        return;
    }
}

/* One NAL unit as an interleaved packet (RFC 2326, 10.12; RFC 6184, 5.6). False: the connection is closed. */
static bool send_nal(int connection, const uint8_t *nal, size_t size, uint16_t sequence, uint32_t timestamp,
                     bool last)
{
    uint8_t packet[128] = {'$', 0, 0, (uint8_t)(12 + size), 0x80, (uint8_t)(96 | last << 7)};

    packet[6] = (uint8_t)(sequence >> 8);
    packet[7] = (uint8_t)sequence;
    for (int i = 0; i < 4; i++) {
        packet[8 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
    }
    packet[15] = 7; /* SSRC */
    memcpy(packet + 16, nal, size);
    return send(connection, packet, 16 + size, MSG_NOSIGNAL) == (ssize_t)(16 + size);
}

static void flood(int connection)
{
    static const uint8_t slice[] = {0x65, 0x88, 0x84, 0x12};
    uint16_t sequence = 0;
    bool open = true;

    for (uint32_t picture = 0; open; picture++) {
        uint32_t timestamp = picture * 45;
        bool odd = picture % 2;
        const uint8_t *sps = odd ? sample_avc_high_sps : sample_avc_base_sps;
        const uint8_t *pps = odd ? sample_avc_high_pps : sample_avc_base_pps;
        size_t sps_size = odd ? sizeof(sample_avc_high_sps) : sizeof(sample_avc_base_sps);
        size_t pps_size = odd ? sizeof(sample_avc_high_pps) : sizeof(sample_avc_base_pps);
        open = send_nal(connection, sps, sps_size, sequence++, timestamp, false) &&
               send_nal(connection, pps, pps_size, sequence++, timestamp, false) &&
               send_nal(connection, slice, sizeof(slice), sequence++, timestamp, true);
        if (picture % FLOOD_PICTURES == FLOOD_PICTURES - 1) {
            poll(NULL, 0, FLOOD_INTERVAL_MS);
        }
    }
}

static void serve(const struct script *script, int connection)
{
    char request[4096];
    ssize_t length;

    while ((length = recv(connection, request, sizeof(request) - 1, 0)) > 0) {
        request[length] = '\0';
        if (write(script->seen, request, (size_t)length) < 0) {
            break;
        }
        if (script->kind != FAKE_SILENT) {
            answer(script, connection, request);
        }
        if (script->kind == FAKE_FLOOD && strncmp(request, "PLAY", 4) == 0) {
            flood(connection);
        }
    }
    close(connection);
}

void fake_camera_start(struct fake_camera *camera, enum fake_kind kind, int other_port)
{
    int pipe_ends[2];
    int listener = fake_listener(&camera->port);

    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
    camera->seen = pipe_ends[0];
    camera->pid = fork();
    if (camera->pid == 0) {
        struct script script = {kind, camera->port, other_port, pipe_ends[1]};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            serve(&script, accept(listener, NULL, NULL));
        }
    }
    close(pipe_ends[1]);
    close(listener);
}

void fake_camera_wait(struct fake_camera *camera, const char *text)
{
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;
    char seen[65536];
    size_t length = 0;

    for (;;) {
        struct pollfd readable = {.fd = camera->seen, .events = POLLIN};
        ssize_t got = read(camera->seen, seen + length, sizeof(seen) - 1 - length);
        length += got > 0 ? (size_t)got : 0;
        seen[length] = '\0';
        if (strstr(seen, text) != NULL) {
            return;
        }
        if (fixture_now_ms() > deadline) {
            fail_msg("the camera was never asked %s", text);
        }
        poll(&readable, 1, 100);
    }
}

void fake_camera_stop(struct fake_camera *camera)
{
    kill(camera->pid, SIGKILL);
    waitpid(camera->pid, NULL, 0);
    close(camera->seen);
}
