/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/config/camera_task.h"
#include "common/config/config_settings.h"
#include "common/ipc/message.h"

static char url[] = "rtsp://user:c4nary-url@127.0.0.1/stream?token=c4nary-path", name[] = "front/sub",
            username[] = "user", password[] = "c4nary-field", aspect[] = "16:9",
            onvif[] = "http://192.0.2.1/onvif/device_service#main",
            fingerprint[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/* Every member differs from its default. */
static const struct camera_task full = {
    .url = url,
    .username = username,
    .password = password,
    .allow_basic = false,
    .transport = CAMERA_TRANSPORT_UDP,
    .audio = false,
    .audio_codec = AUDIO_CODEC_OPUS,
    .show_damaged = true,
    .keyframe_deadline = 250,
    .video_deadline = 60,
    .aspect = aspect,
    .rotate = 90,
    .tls_verify = false,
    .tls_fingerprint = fingerprint,
    .allow_redirect = true,
    .onvif = onvif,
    .name = name,
    .log_level = LOG_LEVEL_DEBUG,
    .ring_size_max = 1048576,
};

static void a_task_comes_back_as_it_was_sent(void **state)
{
    struct camera_task task;
    json_t *message = camera_task_to_json(&full);

    (void)state;
    assert_int_equal(camera_task_from_json(&task, message), 0);
    json_decref(message);
    for (size_t i = 0; i < setting_group_camera.count; i++) {
        const struct setting *setting = &setting_group_camera.settings[i];
        if ((setting->flags & SETTING_TASK) != 0 && !setting_equal(setting, &task, &full)) {
            fail_msg("%s", setting->name);
        }
    }
    assert_string_equal(task.name, "front/sub");
    assert_int_equal(task.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(task.ring_size_max, 1048576);
    camera_task_finish(&task);
    assert_null(task.password);
}

static void what_is_missing_has_its_default(void **state)
{
    struct camera_task task;
    json_t *message = message_pack("camera", "{s:s, s:s, s:n, s:i}", "name", "a", "url", "rtsp://h",
                                   "password", "newer", 1);

    (void)state;
    assert_int_equal(camera_task_from_json(&task, message), 0);
    json_decref(message);
    assert_null(task.username);
    assert_null(task.password);
    assert_true(task.allow_basic);
    assert_int_equal(task.transport, CAMERA_TRANSPORT_AUTO_TCP);
    assert_true(task.audio);
    assert_int_equal(task.audio_codec, AUDIO_CODEC_FLAC);
    assert_false(task.show_damaged);
    assert_int_equal(task.keyframe_deadline, 0);
    assert_true(task.tls_verify);
    assert_int_equal(task.log_level, LOG_LEVEL_INFO);
    camera_task_finish(&task);
}

static void what_is_not_a_task_is_refused(void **state)
{
    static const char *const messages[] = {
        "{\"v\":1,\"type\":\"stop\",\"name\":\"a\",\"url\":\"rtsp://h\"}",
        "{\"v\":1,\"type\":\"camera\",\"url\":\"rtsp://h\"}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\"}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":null}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":\"rtsp://h\",\"password\":1}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":\"rtsp://h\",\"transport\":\"quic\"}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":\"rtsp://h\",\"transport\":1}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":\"rtsp://h\",\"audio\":\"yes\"}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":\"rtsp://h\",\"rotate\":\"90\"}",
        "{\"v\":1,\"type\":\"camera\",\"name\":\"a\",\"url\":\"rtsp://h\",\"ring_size_max\":-1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct camera_task task;
        json_t *message = json_loads(messages[i], 0, NULL);
        if (camera_task_from_json(&task, message) != -EBADMSG || task.url || task.name) {
            fail_msg("%s", messages[i]);
        }
        json_decref(message);
    }
}

static void require_hidden(const char *text, const char *secret)
{
    char line[256];

    strcpy(line, text);
    log_redact(line, sizeof(line));
    if (strstr(line, secret)) {
        fail_msg("%s is still in %s", secret, line);
    }
}

static void secrets_are_made_known_to_the_log(void **state)
{
    (void)state;
    log_open("test", NULL);
    camera_task_hide_secrets(&full);
    require_hidden("wrong password c4nary-field", "c4nary");
    require_hidden("tried c4nary-url", "c4nary");
    require_hidden("GET /stream?token=c4nary-path", "c4nary");
    log_close();
}

static void an_aspect_ratio_has_two_numbers(void **state)
{
    static const char *const wrong[] = {"",        "16",      "16:",      ":9",       "0:9",  "16:0",
                                        "16:9 ",   " 16:9",   "16:9:1",   "-16:9",    "16x9", "1.5:1",
                                        "65536:1", "1:65536", "000016:9", "16:00009a"};
    unsigned width, height;

    (void)state;
    assert_true(camera_task_aspect("16:9", &width, &height));
    assert_int_equal(width, 16);
    assert_int_equal(height, 9);
    assert_true(camera_task_aspect("65535:65535", &width, &height));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (camera_task_aspect(wrong[i], &width, &height)) {
            fail_msg("%s", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_comes_back_as_it_was_sent),
        cmocka_unit_test(what_is_missing_has_its_default),
        cmocka_unit_test(what_is_not_a_task_is_refused),
        cmocka_unit_test(secrets_are_made_known_to_the_log),
        cmocka_unit_test(an_aspect_ratio_has_two_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
