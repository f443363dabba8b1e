/* SPDX-License-Identifier: MIT */
/* What doctor and probe make of what they are given, and what a bundle leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/ipc/message.h"
#include "ctl/bundle.h"
#include "ctl/camera_advice.h"
#include "ctl/camera_findings.h"
#include "ctl/finding.h"

static void test_secrets_are_hidden(void **state)
{
    static const char *const cases[][2] = {
        {"password = \"p@ss\";", "password = \"***\";"},
        {"{ username=\"a\"; Password : \"a \\\" b\"; name = \"front\"; }",
         "{ username=\"***\"; Password : \"***\"; name = \"front\"; }"},
        {"url = \"rtsp://u:p@ss/w@host:554/a\";", "url = \"rtsp://***@host:554/a\";"},
        {"url = \"rtsp://host/a?user=u&pwd=p\";", "url = \"rtsp://host/a?***\";"},
        {"# url = \"http://u@h/?x\", \"rtsp://h/b\"", "# url = \"http://***@h/?***\", \"rtsp://h/b\""},
        {"api_key = \"k\"; listen = \"127.0.0.1:80\"", "api_key = \"***\"; listen = \"127.0.0.1:80\""},
        {"password = \"\";", "password = \"\";"},
        {"password = \"open", "password = \"***"},
        {"name = \"a password\";", "name = \"a password\";"},
        {"", ""},
        {"\"", "\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[256];
        snprintf(line, sizeof(line), "%s", cases[i][0]);
        bundle_hide(line, sizeof(line));
        assert_string_equal(line, cases[i][1]);
    }
}

static const json_t *find(const json_t *findings, const char *level, const char *words)
{
    const json_t *finding;
    size_t index;

    json_array_foreach(findings, index, finding) {
        if (strcmp(message_string(finding, "level", ""), level) == 0 &&
            strstr(message_string(finding, "what", ""), words)) {
            return finding;
        }
    }
    return NULL;
}

static json_t *judge(json_t *camera, json_t *measured, double announced)
{
    json_t *findings = json_array();

    assert_non_null(camera);
    camera_findings(findings, camera, measured, announced);
    json_decref(camera);
    json_decref(measured);
    return findings;
}

static json_t *measured(double fps, double group_s, double pause_ms, double clock_ppm)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "seconds", 60.0, "fps", fps, "bitrate", 2e6, "group_s",
                     group_s, "pause_ms", pause_ms, "clock_ppm", clock_ppm);
}

static json_t *streaming(const char *codecs, int lost)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:n, s:i, s:i}", "name", "front", "state", "streaming",
                     "codecs", codecs, "width", 1280, "height", 720, "error", "lost", lost, "fragments",
                     1000);
}

static void test_a_good_camera(void **state)
{
    json_t *findings = judge(streaming("avc1.64001F", 0), measured(25, 2, 60, -20), 25);

    (void)state;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        assert_string_equal(message_string(json_array_get(findings, i), "level", ""), "good");
        assert_null(message_string(json_array_get(findings, i), "do", NULL));
    }
    assert_int_equal(json_array_size(findings), 4);
    assert_int_equal(finding_exit_code(findings), EXIT_CODE_OK);
    json_decref(findings);
}

static void test_a_camera_with_faults(void **state)
{
    json_t *findings = judge(streaming("hvc1.1.6.L93.B0", 5), measured(12, 10, 2500, 5000), 25);

    (void)state;
    assert_non_null(find(findings, "note", "H.265"));
    assert_non_null(find(findings, "warning", "5 packets of 1000 pictures were lost"));
    assert_non_null(find(findings, "note", "announces 25 pictures a second and sends 12.5"));
    assert_non_null(find(findings, "warning", "a keyframe at least every 10.0 s"));
    assert_non_null(find(findings, "warning", "for 2.5 s no picture came"));
    assert_non_null(find(findings, "warning", "+5000 millionths"));
    assert_int_equal(finding_exit_code(findings), EXIT_CODE_OK);
    json_decref(findings);
}

/* A camera that has just begun: its groups may be as long as they should be. */
static void test_a_short_measurement(void **state)
{
    (void)state;
    for (int seconds = 1; seconds <= 5; seconds += 4) {
        json_t *one_keyframe = measured(25, 0, 60, 0);

        json_object_set_new(one_keyframe, "group_s", json_null());
        json_object_set_new(one_keyframe, "seconds", json_real(seconds));
        json_t *findings = judge(streaming("avc1.64001F", 0), one_keyframe, 25);
        assert_non_null(find(findings, seconds == 1 ? "note" : "warning", "at most one keyframe"));
        json_decref(findings);
    }
}

/* What is as it is because the stream stopped, or because the camera sends few pictures, is not blamed on its groups or the network. */
static void test_stops_and_few_pictures(void **state)
{
    (void)state;
    json_t *stop = measured(4, 7.6, 7200, 0);
    json_object_set_new(stop, "seconds", json_real(8.5));
    json_t *findings = judge(streaming("avc1.64001F", 0), stop, 25);
    assert_non_null(find(findings, "warning", "for 7.2 s no picture came"));
    assert_null(find(findings, "warning", "a keyframe at least every"));
    assert_null(find(findings, "note", "announces"));
    json_decref(findings);
    json_t *few = measured(0.1, 10, 10000, 0);
    json_object_set_new(few, "pictures", json_integer(3));
    json_object_set_new(few, "keyframes", json_integer(3));
    findings = judge(streaming("avc1.64001F", 0), few, 0);
    assert_non_null(find(findings, "good", "each picture is a keyframe"));
    assert_non_null(find(findings, "note", "a picture only every 10.0 s"));
    assert_null(find(findings, "warning", ""));
    json_decref(findings);
}

static void test_changes_are_told_one_by_one(void **state)
{
    json_t *broken = measured(25, 2, 60, 0), *changed = measured(25, 2, 60, 0);

    (void)state;
    json_object_set_new(broken, "breaks", json_integer(1));
    json_t *findings = judge(streaming("avc1.64001F", 0), broken, 0);
    assert_non_null(find(findings, "note", "the stream's time broke once"));
    assert_null(find(findings, "note", "changed"));
    json_decref(findings);
    json_object_set_new(changed, "changes", json_integer(2));
    findings = judge(streaming("avc1.64001F", 0), changed, 0);
    assert_non_null(find(findings, "note", "its codec, sound or size changed 2 times"));
    assert_null(find(findings, "note", "broke"));
    json_decref(findings);
}

/* A camera that was between two connections at the end of the measuring has pictures all the same. */
static void test_a_connection_that_ended_while_measuring(void **state)
{
    const char *text = "192.0.2.1:554: the camera ended the stream";
    json_t *camera = json_pack("{s:s, s:s, s:s}", "name", "gate", "state", "starting", "error", text);
    json_t *findings = judge(camera, measured(25, 2, 60, 0), 0);

    (void)state;
    const json_t *warning =
        find(findings, "warning", "pictures came, but not all the time: starting: 192.0.2.1");
    assert_non_null(warning);
    assert_non_null(strstr(message_string(warning, "do", ""), "made again by itself"));
    assert_int_equal(finding_exit_code(findings), EXIT_CODE_OK);
    json_decref(findings);
}

static json_t *judge_sound(const char *audio, const char *error)
{
    json_t *camera = streaming("avc1.64001F", 0);

    json_object_set_new(camera, "audio", json_string(audio));
    json_object_set_new(camera, "audio_error", error ? json_string(error) : json_null());
    return judge(camera, NULL, 0);
}

static void test_sound(void **state)
{
    (void)state;
    json_t *findings = judge_sound("aac", NULL);
    assert_non_null(find(findings, "good", "sound comes: aac"));
    json_decref(findings);
    findings = judge_sound("waiting", NULL);
    assert_non_null(strstr(message_string(find(findings, "note", "no sound yet"), "do", ""), "microphone"));
    json_decref(findings);
    findings = judge_sound("none", NULL);
    assert_null(find(findings, "good", "sound"));
    json_decref(findings);
    findings = judge_sound("ended", "the camera no longer sends its aac");
    assert_non_null(strstr(message_string(find(findings, "warning", "no sound: "), "do", ""), "microphone"));
    json_decref(findings);
    findings = judge_sound("unsupported", "the camera sends AC3/48000, which is not supported");
    assert_non_null(strstr(message_string(find(findings, "warning", "no sound: "), "do", ""), "Choose AAC"));
    json_decref(findings);
}

/* Each advice is about its own error, and not about a word that is in another one, too. */
static void test_advice(void **state)
{
    static const char *const cases[][2] = {
        {"h:1: encrypts its packets (SRTP, RTP/SAVP), which is not supported; switch SRTP off on the camera",
         "stay encrypted"},
        {"h:1: sends motion JPEG (mjpeg), which is not supported; set the camera to H.264", "Choose H.264"},
        {"h:1: sends video as \"VP8\", which is not supported; set the camera to H.264", "Choose H.264"},
        {"h:1: does not say what its video is (payload type 35); set the camera to H.264", "Choose H.264"},
        {"h:1: the camera wants authentication of a kind that is not supported (401)", "Digest"},
        {"urls of this scheme are not supported; use rtsp:// or rtsps://", "begins with rtsp://"},
        {"h:1: no video for 5 s", "Pictures came and then stopped"},
        {"h:1: no video for 5 s; it sends only audio", "sound alone"},
        {"h:1: connected, but no video within 10 s", "took the connection and sends nothing"},
        {"h:1: connected, but no video within 10 s; what it sends makes no frames", "no whole pictures"},
        {"h:1: sends no video", "no pictures"},
        {"waiting for a keyframe, 7 s so far", "I-frame interval"},
        {"video arrives, but no keyframe with its parameter sets for 10 s", "how its pictures are encoded"},
        {"h:1: no answer", "Nothing answers at that address"},
        {"h:1: no answer to DESCRIBE in time", "does not answer RTSP"},
        {"h:1: the camera closed the connection before it answered DESCRIBE", "right port"},
        {"h:1: the camera does not understand the request (400)", "path of the URL"},
        {"h:1: the camera reports an error of its own (500 to DESCRIBE)", "restart it"},
        {"h:1: the camera does not offer RTP over UDP (461); transport = \"tcp\" or \"auto\" would use TCP",
         "all are tried"},
        {"h:1: pictures come 10 s late; the connection is slower than its stream", "bit rate"},
        {"h:1: the camera ended the stream", "made again by itself"},
        {"no room in /dev/shm for a ring of 4096 KiB: make `ring_size` smaller", "shared memory"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *advice = camera_advice(cases[i][0]);
        assert_non_null(advice);
        if (!strstr(advice, cases[i][1])) {
            fail_msg("%s: %s", cases[i][0], advice);
        }
    }
    assert_non_null(strstr(camera_advice_of_device("wants a username and password: no"), "--user"));
    assert_null(strstr(camera_advice_of_device("it refuses: H264 is not supported"), "Choose"));
    assert_non_null(strstr(camera_advice_of_device("connection refused"), "ONVIF"));
}

static void test_how_a_connection_begins(void **state)
{
    json_t *camera = streaming("avc1.64001F", 0);

    (void)state;
    json_object_set_new(camera, "keyframe_ms", json_integer(400));
    json_object_set_new(camera, "announced_fps", json_real(25));
    json_t *findings = judge(camera, measured(12, 2, 60, 0), 0);
    assert_non_null(find(findings, "good", "the first keyframe came 0.4 s after"));
    assert_non_null(find(findings, "note", "announces 25 pictures a second and sends 12.0"));
    json_decref(findings);
    camera = streaming("avc1.64001F", 0);
    json_object_set_new(camera, "keyframe_ms", json_integer(8200));
    findings = judge(camera, NULL, 0);
    const json_t *warning = find(findings, "warning", "the first keyframe came 8.2 s after");
    assert_non_null(warning);
    assert_non_null(strstr(message_string(warning, "do", ""), "I-frame interval"));
    json_decref(findings);
}

static void test_certificates_that_nobody_checks(void **state)
{
    char plain[] = "rtsp://192.0.2.1/a", secure[] = "rtsps://192.0.2.1/a", fingerprint[] = "aa";
    struct camera_task task = {.url = plain};
    json_t *findings = json_array();

    (void)state;
    camera_findings_of_settings(findings, "front", &task);
    assert_int_equal(json_array_size(findings), 0);
    task.url = secure;
    camera_findings_of_settings(findings, "front", &task);
    assert_non_null(find(findings, "warning", "its certificate is not checked"));
    task.tls_fingerprint = fingerprint;
    camera_findings_of_settings(findings, "front", &task);
    assert_non_null(find(findings, "good", "its certificate is checked"));
    json_decref(findings);
}

static void test_a_camera_without_pictures(void **state)
{
    json_t *findings = judge(json_pack("{s:s, s:s, s:s}", "name", "gate", "state", "starting", "error",
                                       "192.0.2.1:554: the camera refuses the username or password (401)"),
                             NULL, 0);

    (void)state;
    const json_t *error = find(findings, "error", "no pictures: starting");
    assert_non_null(error);
    assert_non_null(strstr(message_string(error, "do", ""), "Check username and password"));
    assert_int_equal(finding_exit_code(findings), EXIT_CODE_FOUND);
    json_decref(findings);
    assert_null(camera_advice("something that nobody has heard of"));
}

static void test_a_sub_stream(void **state)
{
    json_t *main_stream = streaming("avc1.64001F", 0);
    json_t *small = json_pack("{s:i, s:i}", "width", 640, "height", 360),
           *large = json_pack("{s:i, s:i}", "width", 1024, "height", 768);
    json_t *larger = json_pack("{s:i, s:i}", "width", 1920, "height", 1080);
    json_t *none = json_pack("{s:n, s:n}", "width", "height"), *findings = json_array();

    (void)state;
    camera_findings_of_pair(findings, main_stream, small);
    camera_findings_of_pair(findings, main_stream, none);
    assert_int_equal(json_array_size(findings), 0);
    camera_findings_of_pair(findings, main_stream, large);
    assert_non_null(find(findings, "warning", "hardly smaller"));
    assert_non_null(find(findings, "note", "another shape (1.33:1 instead of 1.78:1)"));
    camera_findings_of_pair(findings, main_stream, larger);
    assert_non_null(
        strstr(message_string(find(findings, "warning", "is larger"), "do", ""), "Change the URL"));
    json_decref(larger);
    json_decref(main_stream);
    json_decref(small);
    json_decref(large);
    json_decref(none);
    json_decref(findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_hidden),
        cmocka_unit_test(test_a_good_camera),
        cmocka_unit_test(test_a_camera_with_faults),
        cmocka_unit_test(test_a_short_measurement),
        cmocka_unit_test(test_stops_and_few_pictures),
        cmocka_unit_test(test_changes_are_told_one_by_one),
        cmocka_unit_test(test_a_connection_that_ended_while_measuring),
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_how_a_connection_begins),
        cmocka_unit_test(test_certificates_that_nobody_checks),
        cmocka_unit_test(test_a_camera_without_pictures),
        cmocka_unit_test(test_a_sub_stream),
    };

    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
