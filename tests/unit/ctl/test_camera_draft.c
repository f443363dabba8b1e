/* SPDX-License-Identifier: MIT */
/* Which streams become which cameras, and that what is printed is a configuration whatever devices call themselves. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/config/config.h"
#include "ctl/camera_draft.h"

static json_t *profile(const char *source, const char *video, int width, int height, const char *uri)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:b}", "token", uri, "name",
                     uri, "source", source, "video", video, "audio", "", "width", width, "height", height,
                     "fps", 25, "bitrate_kbit", 1000, "gop", 50, "uri", uri, "moved", 0);
}

static json_t *with_token(json_t *made, const char *token)
{
    json_object_set_new(made, "token", json_string(token));
    return made;
}

static json_t *device(const char *address, const char *name, json_t *profiles)
{
    char url[128];

    snprintf(url, sizeof(url), "http://%s/onvif/device_service", address);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:n, s:o}", "address", address, "url", url, "name",
                     name, "manufacturer", "Acme", "model", "Dome", "firmware", "1", "clock_offset_s",
                     "error", "profiles", profiles);
}

static const char *text(const json_t *cameras, size_t index, const char *which)
{
    const json_t *found = json_object_get(json_array_get(cameras, index), which);

    return json_is_object(found) ? json_string_value(json_object_get(found, "uri"))
                                 : json_string_value(found);
}

static void the_largest_is_main_and_a_small_one_sub(void **state)
{
    json_t *devices = json_pack(
        "[o]", device("192.0.2.7", "Front Door!",
                      json_pack("[o, o, o, o, o]", profile("s", "JPEG", 4000, 3000, "j"),
                                profile("s", "H264", 1280, 720, "h"), profile("s", "H265", 3840, 2160, "m"),
                                profile("s", "H265", 640, 352, "q"), profile("s", "H264", 704, 480, "s"))));
    json_t *cameras = camera_draft(devices);

    (void)state;
    assert_int_equal(json_array_size(cameras), 1);
    assert_string_equal(text(cameras, 0, "name"), "front-door");
    assert_string_equal(text(cameras, 0, "main"), "m");
    assert_string_equal(text(cameras, 0, "sub"), "s");
    json_decref(cameras);
    json_decref(devices);
}

static void a_second_stream_that_is_not_smaller_is_no_sub_stream(void **state)
{
    json_t *devices = json_pack(
        "[o]", device("192.0.2.7", "",
                      json_pack("[o, o, o]", profile("s", "H264", 1920, 1080, "m"),
                                profile("s", "H264", 1600, 1200, "n"), profile("s", "H264", 640, 360, "m"))));
    json_t *cameras = camera_draft(devices);

    (void)state;
    assert_int_equal(json_array_size(cameras), 1);
    assert_string_equal(text(cameras, 0, "name"), "dome");
    assert_null(text(cameras, 0, "sub"));
    json_decref(cameras);
    json_decref(devices);
}

static void each_picture_of_a_device_is_a_camera(void **state)
{
    json_t *devices = json_pack(
        "[o, o]",
        device("192.0.2.7", "nvr",
               json_pack("[o, o, o, o]", profile("a", "H264", 1920, 1080, "a1"),
                         profile("b", "H264", 1920, 1080, "b1"), profile("b", "H264", 640, 360, "b2"),
                         profile("a", "H264", 640, 360, "a2"))),
        device("192.0.2.8", "NVR", json_pack("[o]", profile("", "H264", 0, 0, "c1"))));
    json_t *cameras = camera_draft(devices);

    (void)state;
    assert_int_equal(json_array_size(cameras), 3);
    assert_string_equal(text(cameras, 0, "name"), "nvr");
    assert_string_equal(text(cameras, 0, "sub"), "a2");
    assert_string_equal(text(cameras, 1, "name"), "nvr-2");
    assert_string_equal(text(cameras, 1, "sub"), "b2");
    assert_string_equal(text(cameras, 2, "name"), "nvr-3");
    assert_string_equal(text(cameras, 2, "device"), "192.0.2.8");
    json_decref(cameras);
    json_decref(devices);
}

/* Reads back what is printed, with ringcastd's own reader. */
static void what_is_printed_is_a_configuration(void **state)
{
    char path[] = "/tmp/ringcast-draft-XXXXXX";
    json_t *devices = json_pack(
        "[o, o]",
        device("192.0.2.7", "\n); insecure = true; cameras = (\u2028\u202e*/ \"",
               json_pack("[o, o]", profile("s", "H264", 1920, 1080, "rtsp://192.0.2.7/m"),
                         with_token(profile("s", "H264", 640, 360, "rtsp://192.0.2.7/s"), "sub_1"))),
        device("192.0.2.8", "\xe6\xad\xa3\xe9\x96\x80",
               json_pack("[o]", profile("s", "H264", 1920, 1080, "rtsp://192.0.2.8/m"))));
    json_t *cameras = camera_draft(devices);
    FILE *file = fdopen(mkstemp(path), "w");

    (void)state;
    assert_non_null(file);
    camera_draft_print(cameras, devices, "an\"na", "p\\\"w; x", file);
    assert_int_equal(fclose(file), 0);
    struct config *config = config_load(path, stderr);
    unlink(path);
    assert_non_null(config);
    assert_false(config->insecure);
    assert_int_equal(config->camera_count, 3);
    assert_string_equal(config->cameras[0].task.url, "rtsp://192.0.2.7/m");
    assert_string_equal(config->cameras[0].task.username, "an\"na");
    assert_string_equal(config->cameras[0].task.password, "p\\\"w; x");
    assert_string_equal(config->cameras[0].task.onvif, "http://192.0.2.7/onvif/device_service");
    assert_string_equal(config->cameras[1].task.url, "rtsp://192.0.2.7/s");
    assert_string_equal(config->cameras[1].task.onvif, "http://192.0.2.7/onvif/device_service#sub_1");
    assert_string_equal(config->cameras[1].task.username, "an\"na");
    config_free(config);
    json_decref(cameras);
    json_decref(devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_is_main_and_a_small_one_sub),
        cmocka_unit_test(a_second_stream_that_is_not_smaller_is_no_sub_stream),
        cmocka_unit_test(each_picture_of_a_device_is_a_camera),
        cmocka_unit_test(what_is_printed_is_a_configuration),
    };

    return cmocka_run_group_tests_name("camera draft", tests, NULL, NULL);
}
