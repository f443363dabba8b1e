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
    assert_non_null(find(findings, "note", "announces 25 pictures a second and sends 12.0"));
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
    json_t *none = json_pack("{s:n, s:n}", "width", "height"), *findings = json_array();

    (void)state;
    camera_findings_of_pair(findings, main_stream, small);
    camera_findings_of_pair(findings, main_stream, none);
    assert_int_equal(json_array_size(findings), 0);
    camera_findings_of_pair(findings, main_stream, large);
    assert_non_null(find(findings, "warning", "hardly smaller"));
    assert_non_null(find(findings, "note", "another shape (1.33:1 instead of 1.78:1)"));
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
        cmocka_unit_test(test_how_a_connection_begins),
        cmocka_unit_test(test_certificates_that_nobody_checks),
        cmocka_unit_test(test_a_camera_without_pictures),
        cmocka_unit_test(test_a_sub_stream),
    };

    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
