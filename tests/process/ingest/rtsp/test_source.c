/* SPDX-License-Identifier: MIT */
/* The source that speaks RTSP: what it does beside handing out units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "ingest/source/source.h"
#include "tests/process/ingest/rtsp/script_server.h"

/* Receiver reports go to channel 1, and hold no sender's, so that they are 32 bytes long (RFC 3550, 6.4.2). */
static const char report_head[] = "$\1\0\40\x81\xc9";

/* Two reports, each 5 s after the one before, take longer than this. */
#define TWO_REPORTS_MS 9000

static struct script_server server;

static void one_packet(struct script_server *camera, const char *request)
{
    script_camera(camera, request, false);
    if (script_is(request, "PLAY")) {
        script_send_packet(camera, 0, 1);
    }
}

static bool enough(void *context)
{
    (void)context;
    return script_count(&server, report_head) >= 2;
}

/* Some cameras end a session that has had no report for 5 s. */
static void reports_are_sent_in_time(void **state)
{
    struct camera_task task = {.transport = CAMERA_TRANSPORT_TCP};
    const struct source_options options = {.task = &task, .interrupted = enough, .attention = -1};
    char error[SOURCE_ERROR_SIZE];
    struct media_unit unit;
    struct source *source;
    char url[64];

    (void)state;
    script_start(&server, one_packet, NULL);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/live", server.port);
    task.url = url;
    assert_int_equal(source_open(&options, &source, error), 0);
    int64_t begin = clock_now_ns();
    assert_int_equal(source_read(source, &unit, error), -ECANCELED);
    assert_in_range((clock_now_ns() - begin) / NS_PER_MS, 0, TWO_REPORTS_MS);
    source_close(source);
    script_stop(&server);
}

/* --- Another payload type ------------------------------------------------------------------------------ */

/* Sound, in place of the video that is announced as type 96. */
static void sends_sound(struct script_server *camera, const char *request)
{
    uint8_t packet[] = {'$', 0, 0, 13, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0xff};

    script_camera(camera, request, false);
    for (uint8_t i = 0; script_is(request, "PLAY") && i < 20; i++) {
        packet[7] = i;
        script_send(camera, packet, sizeof(packet));
    }
}

static bool noted;

static void note(void *context, const char *text)
{
    (void)context;
    noted = strstr(text, "announced as payload type 96, and it sends 0") != NULL;
}

static bool was_noted(void *context)
{
    (void)context;
    return noted;
}

/* It is said before the deadline of video, and by it. */
static void another_payload_type_is_told(void **state)
{
    struct camera_task task = {.transport = CAMERA_TRANSPORT_TCP};
    struct source_options options = {.task = &task, .interrupted = was_noted, .attention = -1, .note = note};
    char error[SOURCE_ERROR_SIZE];
    struct media_unit unit;
    struct source *source;
    char url[64];

    (void)state;
    script_start(&server, sends_sound, NULL);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/live", server.port);
    task.url = url;
    noted = false;
    assert_int_equal(source_open(&options, &source, error), 0);
    assert_int_equal(source_read(source, &unit, error), -ECANCELED);
    noted = false;
    assert_int_equal(source_read(source, &unit, error), -ETIMEDOUT);
    assert_non_null(strstr(error, "announced as payload type 96, and it sends 0"));
    source_close(source);
    script_stop(&server);
}

/* --- MPEG-TS over RTP (RFC 2250) ----------------------------------------------------------------------- */

/* Of a packet of a transport stream, and how many of them are in an RTP packet. */
enum { TS_SIZE = 188, TS_COUNT = 7, PIECE_SIZE = TS_SIZE * TS_COUNT, RTP_HEAD = 12 };

static uint8_t *clip;
static size_t clip_size;

/* 20 s of pictures, 25 a second with a keyframe each half second, and sound: a file TS in a directory of its own. */
static void make_clip(const char *sound)
{
    char directory[] = "/tmp/ringcast-test-XXXXXX";
    char path[64];
    int status;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/clip.ts", directory);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("ffmpeg", "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
               "testsrc=size=160x120:rate=25:duration=20", "-f", "lavfi", "-i", "sine=duration=20", "-c:v",
               "libx264", "-preset", "ultrafast", "-g", "12", "-bf", "0", "-c:a", sound, "-f", "mpegts", path,
               (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    FILE *file = fopen(path, "rb");
    struct stat properties;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &properties), 0);
    clip_size = (size_t)properties.st_size;
    clip = malloc(clip_size);
    assert_int_equal(fread(clip, 1, clip_size, file), clip_size);
    fclose(file);
    unlink(path);
    rmdir(directory);
}

/* How the server's stream differs. */
struct ts_script {
    const char *media; /* lines of the description */
    int missing;       /* each so many pieces one is left out; 0: none */
    bool garbage;      /* bytes that are no transport stream */
    bool hostile;      /* every byte but the first of each packet may be anything, from the middle on */
};

static void send_piece(struct script_server *camera, uint16_t sequence, const uint8_t *data, size_t size)
{
    size_t length = RTP_HEAD + size;
    uint8_t packet[4 + RTP_HEAD + PIECE_SIZE] = {'$',
                                                 0,
                                                 (uint8_t)(length >> 8),
                                                 (uint8_t)length,
                                                 0x80,
                                                 33,
                                                 (uint8_t)(sequence >> 8),
                                                 (uint8_t)sequence,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 9};

    memcpy(packet + 4 + RTP_HEAD, data, size);
    script_send(camera, packet, 4 + length);
}

static void transport_stream(struct script_server *camera, const char *request)
{
    const struct ts_script *script = camera->context;
    static uint8_t piece[PIECE_SIZE];
    uint32_t random = 12345;
    uint16_t sequence = 0;

    if (script_is(request, "DESCRIBE")) {
        script_reply(camera, request, "200 OK", "Content-Type: application/sdp\r\n", script->media);
        return;
    }
    script_camera(camera, request, false);
    if (!script_is(request, "PLAY")) {
        return;
    }
    for (size_t at = 0; at < clip_size; at += PIECE_SIZE, sequence++) {
        size_t size = clip_size - at < PIECE_SIZE ? clip_size - at : PIECE_SIZE;
        memcpy(piece, clip + at, size);
        for (size_t i = 0; i < size && (script->garbage || (script->hostile && at > clip_size / 2)); i++) {
            random = random * 1664525 + 1013904223;
            bool kept = script->hostile && (i % TS_SIZE < 4 || random >> 28 != 0);
            piece[i] = kept ? piece[i] : (uint8_t)(random >> 16 | (script->garbage ? 0x80 : 0));
        }
        if (script->missing == 0 || sequence % script->missing != script->missing - 1) {
            send_piece(camera, sequence, piece, size);
        }
    }
    script_hang_up(camera, false);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

struct counts {
    int pictures, keyframes, sounds, lost, result;
    char error[SOURCE_ERROR_SIZE];
    struct source_statistics statistics;
};

/* Reads to the end what the server sends as SCRIPT says. */
static struct counts count_units(const struct ts_script *script, int opened, bool show_damaged)
{
    struct camera_task task = {
        .transport = CAMERA_TRANSPORT_TCP, .audio = true, .show_damaged = show_damaged};
    const struct source_options options = {.task = &task, .interrupted = never, .attention = -1};
    struct counts counts = {0};
    struct media_unit unit;
    struct source *source = NULL;
    char url[64];

    script_start(&server, transport_stream, script);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/live", server.port);
    task.url = url;
    int result = source_open(&options, &source, counts.error);
    if (result != opened) {
        fail_msg("%d: %s", result, counts.error);
    }
    if (result == 0) {
        assert_int_equal(source_describe(source)->video.codec, MEDIA_CODEC_H264);
        while ((counts.result = source_read(source, &unit, counts.error)) == 1) {
            counts.pictures += unit.video;
            counts.keyframes += unit.video && unit.keyframe;
            counts.sounds += !unit.video;
            counts.lost += unit.lost;
        }
        source_statistics(source, &counts.statistics);
    }
    source_close(source);
    script_stop(&server);
    return counts;
}

static const char *const ts_medias[] = {
    "v=0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n",
    "v=0\r\nm=video 0 MP2T/AVP 33\r\na=control:track1\r\n",
};

static void transport_streams_are_taken_apart(void **state)
{
    (void)state;
    make_clip("aac");
    for (size_t i = 0; i < sizeof(ts_medias) / sizeof(ts_medias[0]); i++) {
        struct counts counts = count_units(&(struct ts_script){.media = ts_medias[i]}, 0, false);
        assert_int_equal(counts.result, 0);
        assert_in_range(counts.pictures, 400, 500); /* those that were read before the start are left out */
        assert_in_range(counts.keyframes, 30, 45);
        assert_in_range(counts.sounds, 600, 870);
        assert_in_range(counts.lost, 0, 1);
        assert_int_equal(counts.statistics.lost, 0);
    }
    free(clip);
}

/* A picture with a piece missing is not handed out, and the next one says so. */
static void missing_pieces_are_told(void **state)
{
    (void)state;
    make_clip("aac");
    struct counts counts = count_units(&(struct ts_script){.media = ts_medias[0], .missing = 50}, 0, false);
    assert_true(counts.statistics.lost > 3);
    assert_true(counts.lost > 3);
    assert_in_range(counts.pictures, 300, 499);
    struct counts shown = count_units(&(struct ts_script){.media = ts_medias[0], .missing = 50}, 0, true);
    assert_int_equal(shown.lost, 0);
    assert_true(shown.pictures > counts.pictures);
    free(clip);
}

static void what_is_no_transport_stream_is_told(void **state)
{
    (void)state;
    make_clip("aac");
    struct counts counts =
        count_units(&(struct ts_script){.media = ts_medias[0], .garbage = true}, -EBADMSG, false);
    assert_non_null(strstr(counts.error, "MPEG-TS"));
    assert_non_null(strstr(counts.error, "127.0.0.1"));
    free(clip);
}

/* Whatever is in it, it is read to its end. */
static void damaged_transport_streams_end(void **state)
{
    (void)state;
    make_clip("mp2");
    struct counts counts = count_units(&(struct ts_script){.media = ts_medias[0], .hostile = true}, 0, false);
    assert_true(counts.result <= 0);
    assert_true(counts.pictures > 100);
    free(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_sent_in_time),
        cmocka_unit_test(another_payload_type_is_told),
        cmocka_unit_test(transport_streams_are_taken_apart),
        cmocka_unit_test(missing_pieces_are_told),
        cmocka_unit_test(what_is_no_transport_stream_is_told),
        cmocka_unit_test(damaged_transport_streams_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
