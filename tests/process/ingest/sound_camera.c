/* SPDX-License-Identifier: MIT */
#include "tests/process/ingest/sound_camera.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/process/ingest/fake_camera.h"
#include "tests/process/ingest/fixture.h"
#include "tests/support/samples.h"

#define PICTURE_MS 40
#define PICTURES_PER_SECOND 25

/* Units of 1024 samples at 48 kHz. */
#define UNIT_SAMPLES 1024
#define SAMPLES_PER_MS 48

enum { VIDEO_CHANNEL = 0, SOUND_CHANNEL = 2 };

struct play {
    enum sound_kind kind;
    int connection;
    uint16_t sequences[SOUND_CHANNEL + 1];
    bool open;
    bool asked; /* for a keyframe */
};

/* An interleaved packet (RFC 2326, 10.12). */
static void send_packet(struct play *play, uint8_t channel, const uint8_t *payload, size_t size,
                        uint32_t timestamp, bool marker)
{
    uint8_t packet[256] = {
        '$', channel, 0, (uint8_t)(12 + size), 0x80, (uint8_t)((96 + channel) | marker << 7)};
    uint16_t sequence = play->sequences[channel]++;

    packet[6] = (uint8_t)(sequence >> 8);
    packet[7] = (uint8_t)sequence;
    for (int i = 0; i < 4; i++) {
        packet[8 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
    }
    packet[15] = (uint8_t)(7 + channel); /* SSRC */
    memcpy(packet + 16, payload, size);
    play->open =
        play->open && send(play->connection, packet, 16 + size, MSG_NOSIGNAL) == (ssize_t)(16 + size);
}

static void send_picture(struct play *play, uint32_t number)
{
    static const uint8_t key[] = {0x65, 0x88, 0x84, 0x12}, other[] = {0x41, 0x9a, 0x02};
    bool regular = play->kind != SOUND_CAMERA_LATE && number % PICTURES_PER_SECOND == 0;
    uint32_t timestamp = number * PICTURE_MS * 90;

    if (!regular && number > 0 && !play->asked) {
        send_packet(play, VIDEO_CHANNEL, other, sizeof(other), timestamp, true);
        return;
    }
    play->asked = false;
    send_packet(play, VIDEO_CHANNEL, sample_avc_base_sps, sizeof(sample_avc_base_sps), timestamp, false);
    send_packet(play, VIDEO_CHANNEL, sample_avc_base_pps, sizeof(sample_avc_base_pps), timestamp, false);
    send_packet(play, VIDEO_CHANNEL, key, sizeof(key), timestamp, true);
}

static bool has_sound(const struct play *play, uint32_t ms)
{
    switch (play->kind) {
    case SOUND_CAMERA_NEVER:
        return false;
    case SOUND_CAMERA_LATE:
        return ms >= 1000;
    case SOUND_CAMERA_ENDS:
        return ms < 2000;
    default:
        return true;
    }
}

/* One AU with its header section (RFC 3640, 3.2.1). */
static void send_sound(struct play *play, uint32_t number)
{
    static const uint8_t adts[] = {0xff, 0xf1, 0x4c, 0x40, 0x01, 0x7f, 0xfc, 0, 0, 0, 7};
    uint8_t payload[64] = {0, 16};
    const uint8_t *unit = adts + 7; /* silence */
    size_t size = 4;

    if (play->kind == SOUND_CAMERA_ADTS) {
        unit = adts;
        size = sizeof(adts);
    }
    payload[2] = (uint8_t)(size * 8 >> 8);
    payload[3] = (uint8_t)(size * 8);
    memcpy(payload + 4, unit, size);
    if (play->kind == SOUND_CAMERA_DAMAGED) {
        uint32_t value = number * 2654435761u + 12345;
        size = 40;
        payload[3] = (uint8_t)(size * 8 & 0xff);
        payload[2] = (uint8_t)(size * 8 >> 8);
        for (size_t i = 4; i < 4 + size; i++) {
            value = value * 1664525u + 1013904223u;
            payload[i] = (uint8_t)(value >> 24);
        }
    }
    send_packet(play, SOUND_CHANNEL, payload, 4 + size, number * UNIT_SAMPLES, true);
}

/* Waits until NOW_MS is reached. What the client says meanwhile is looked through for a PLI (RFC 4585, 6.3.1). */
static void wait_until(struct play *play, int64_t due_ms)
{
    static const uint8_t pli[] = {0x81, 0xce, 0x00, 0x02};
    int64_t left;

    while (play->open && (left = due_ms - fixture_now_ms()) > 0) {
        struct pollfd readable = {.fd = play->connection, .events = POLLIN};
        uint8_t bytes[4096];
        if (poll(&readable, 1, (int)left) <= 0) {
            continue;
        }
        ssize_t length = recv(play->connection, bytes, sizeof(bytes), 0);
        play->open = length > 0;
        play->asked = play->asked || (length > 0 && memmem(bytes, (size_t)length, pli, sizeof(pli)));
    }
}

static void stream(struct play *play)
{
    int64_t began = fixture_now_ms();
    uint32_t unit = 0;

    play->open = true;
    for (uint32_t picture = 0; play->open; picture++) {
        uint32_t now = picture * PICTURE_MS;
        wait_until(play, began + now);
        send_picture(play, picture);
        for (; unit * UNIT_SAMPLES < (now + PICTURE_MS) * SAMPLES_PER_MS; unit++) {
            if (has_sound(play, now)) {
                send_sound(play, unit);
            }
        }
    }
}

static void answer(const struct play *play, const char *request)
{
    static const char sdp[] =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 "
        "H264/90000\r\n"
        "a=rtcp-fb:96 nack pli\r\na=control:pictures\r\nm=audio 0 RTP/AVP 98\r\n"
        "a=rtpmap:98 MPEG4-GENERIC/48000/1\r\n"
        "a=fmtp:98 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1188\r\n"
        "a=control:sound\r\n";
    const char *sequence = strstr(request, "CSeq: ");
    char rest[1024] = "\r\n";
    char reply[2048];

    if (strncmp(request, "DESCRIBE", 8) == 0) {
        snprintf(rest, sizeof(rest), "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(sdp), sdp);
    } else if (strncmp(request, "SETUP", 5) == 0) {
        int channel = strstr(request, "/sound") ? SOUND_CHANNEL : VIDEO_CHANNEL;
        snprintf(rest, sizeof(rest), "Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\nSession: 1\r\n\r\n",
                 channel, channel + 1);
    }
    int length = snprintf(reply, sizeof(reply), "RTSP/1.0 200 OK\r\nCSeq: %d\r\n%s",
                          sequence ? atoi(sequence + 6) : 0, rest);
    if (send(play->connection, reply, (size_t)length, MSG_NOSIGNAL) < 0) {
        return;
    }
}

static void serve(enum sound_kind kind, int connection)
{
    struct play play = {.kind = kind, .connection = connection};
    char request[4096];
    ssize_t length;

    while ((length = recv(connection, request, sizeof(request) - 1, 0)) > 0) {
        request[length] = '\0';
        answer(&play, request);
        if (strncmp(request, "PLAY", 4) == 0) {
            stream(&play);
        }
    }
    close(connection);
}

void sound_camera_start(struct sound_camera *camera, enum sound_kind kind)
{
    int listener = fake_listener(&camera->port);

    camera->pid = fork();
    if (camera->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            serve(kind, accept(listener, NULL, NULL));
        }
    }
    close(listener);
}

void sound_camera_stop(struct sound_camera *camera)
{
    kill(camera->pid, SIGKILL);
    waitpid(camera->pid, NULL, 0);
}
