/* SPDX-License-Identifier: MIT */
/* A camera's sub stream in the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config_camera.h"
#include "common/config/config_source.h"
#include "tests/unit/common/config_fixture.h"

#define CAMERAS(settings) "cameras = (\n  { name = \"a\"; url = \"rtsp://h/1\"; " settings " }\n);\n"

static struct config *accept(const char *text)
{
    char *errors = NULL;

    config_fixture_write("c.conf", text);
    struct config *config = config_fixture_load("c.conf", &errors);
    assert_string_equal(errors, "");
    free(errors);
    assert_non_null(config);
    return config;
}

static void a_url_alone_has_the_cameras_other_settings(void **state)
{
    struct config *config = accept(
        "cameras = (\n"
        "  { name = \"a\"; sub = \"rtsp://h/2\"; url = \"rtsp://h/1\"; username = \"u\"; password = \"p\";\n"
        "    transport = \"udp\"; audio = false; on_demand = true; on_demand_idle = 7; ring_size = 100000; "
        "},\n"
        "  { name = \"b\"; url = \"rtsp://h/3\"; }\n);\n");
    const struct config_camera *sub = &config->cameras[1];

    (void)state;
    assert_int_equal(config->camera_count, 3);
    assert_string_equal(config->cameras[0].name, "a");
    assert_false(config->cameras[0].sub);
    assert_string_equal(sub->name, "a/sub");
    assert_true(sub->sub && config_is_sub(sub->name));
    assert_string_equal(sub->task.url, "rtsp://h/2");
    assert_string_equal(sub->task.username, "u");
    assert_string_equal(sub->task.password, "p");
    assert_int_equal(sub->task.transport, CAMERA_TRANSPORT_UDP);
    assert_false(sub->task.audio);
    assert_true(sub->on_demand && sub->enabled);
    assert_int_equal(sub->on_demand_idle, 7);
    assert_int_equal(sub->ring_size, 131072);
    assert_int_equal(sub->line, 2);
    assert_string_equal(config->cameras[2].name, "b");
    config_free(config);
}

/* A past takes more than live viewers do, so its ring may grow further, unless the file says how far. */
static void a_ring_may_grow_as_its_past_needs(void **state)
{
    struct config *config =
        accept("cameras = (\n"
               "  { name = \"a\"; url = \"rtsp://h/1\"; sub = \"rtsp://h/2\"; look_back = 120; },\n"
               "  { name = \"b\"; url = \"rtsp://h/3\"; sub = { url = \"rtsp://h/4\"; look_back = 5; }; },\n"
               "  { name = \"c\"; url = \"rtsp://h/5\"; sub = { url = \"rtsp://h/6\"; look_back = 0; };\n"
               "    look_back = 60; ring_size_max = 524288; }\n);\n");
    const size_t much = 268435456, usual = 16777216;
    const struct {
        size_t look_back, ring_size_max;
    } wanted[] = {{120, much}, {120, much}, {0, usual}, {5, much}, {60, 524288}, {0, 524288}};

    (void)state;
    assert_int_equal(config->camera_count, 6);
    for (size_t i = 0; i < config->camera_count; i++) {
        assert_int_equal(config->cameras[i].look_back, wanted[i].look_back);
        assert_int_equal(config->cameras[i].ring_size_max, wanted[i].ring_size_max);
    }
    config_free(config);
    config = accept("ring_size_max = 1048576;\n" CAMERAS("look_back = 30;"));
    assert_int_equal(config->cameras[0].ring_size_max, 1048576);
    config_free(config);
}

static void a_group_says_what_is_different(void **state)
{
    struct config *config =
        accept(CAMERAS("username = \"u\"; password = \"p\"; audio = false;\n"
                       "    sub = { url = \"rtsp://h/2\"; username = \"v\"; password = \"\"; audio = true; "
                       "transport = \"auto\";\n on_demand = true; enabled = false; };"));
    const struct config_camera *sub = &config->cameras[1];

    (void)state;
    assert_string_equal(sub->task.username, "v");
    assert_string_equal(sub->task.password, "");
    assert_true(sub->task.audio && sub->on_demand);
    assert_false(sub->enabled);
    assert_int_equal(sub->task.transport, CAMERA_TRANSPORT_AUTO);
    assert_int_equal(sub->line, 3);
    assert_true(config->cameras[0].enabled);
    assert_false(config->cameras[0].on_demand);
    config_free(config);
}

static void credentials_in_its_url_are_its_own(void **state)
{
    struct config *config = accept(CAMERAS("username = \"u\"; password = \"p\"; sub = \"rtsp://v:w@h/2\";"));

    (void)state;
    assert_null(config->cameras[1].task.username);
    assert_null(config->cameras[1].task.password);
    config_free(config);
}

static void a_disabled_camera_has_no_sub_stream_either(void **state)
{
    struct config *config =
        accept(CAMERAS("enabled = false; sub = { url = \"rtsp://h/2\"; enabled = true; };"));

    (void)state;
    assert_false(config->cameras[1].enabled);
    config_free(config);
}

static void errors_name_file_line_and_field(void **state)
{
    static const struct {
        const char *text, *errors;
    } cases[] = {
        {CAMERAS("sub = 5;"),
         "c.conf:2: cameras[0].sub: expected a string or a group, found an integer; write "
         "sub = \"rtsp://…\"; or sub = { url = \"rtsp://…\"; … };\n"},
        {CAMERAS("sub = \"CANARY\";"), "c.conf:2: cameras[0].sub: "},
        {CAMERAS("sub = \"\";"), "c.conf:2: cameras[0].sub: empty; give a value or remove the setting\n"},
        {CAMERAS("\n  sub = {\n audio = true; };"), "c.conf:3: cameras[0].sub.url: missing; add it\n"},
        {CAMERAS("sub = {\n url = \"rtsp://h/\";\n transprot = \"tcp\"; };"),
         "c.conf:4: cameras[0].sub.transprot: unknown setting; did you mean \"transport\"?\n"},
        {CAMERAS("sub = {\n url = \"rtsp://h/\";\n transport = \"x\"; };"),
         "c.conf:4: cameras[0].sub.transport: unknown value \"x\"; use one of auto-tcp, tcp, udp, auto\n"},
        {CAMERAS("sub = {\n url = \"rtsp://h/\";\n username = \"x\"; };"),
         "c.conf:4: cameras[0].sub.password: missing, but there is a username; add it, \"\" if the camera "
         "has "
         "none\n"},
        {CAMERAS("sub = { url = \"rtsp://h/\";\n sub = \"rtsp://h/\"; };"),
         "c.conf:3: cameras[0].sub.sub: unknown"},
        {CAMERAS("sub = { url = \"rtsp://h/\";\n name = \"x\"; };"),
         "c.conf:3: cameras[0].sub.name: unknown"},
        {CAMERAS("transport = \"udp\"; sub = \"rtsps://h/\";"),
         "c.conf:2: cameras[0].transport: \"udp\" is not protected by the TLS of rtsps; use \"tcp\" or "
         "\"auto\"\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *errors = NULL;
        config_fixture_write("c.conf", cases[i].text);
        assert_null(config_fixture_load("c.conf", &errors));
        assert_memory_equal(errors, cases[i].errors, strlen(cases[i].errors));
        assert_null(strstr(errors, "CANARY"));
        free(errors);
    }
}

static void cameras_and_sub_streams_count_together(void **state)
{
    char *text = NULL, *errors = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    fprintf(out, "cameras = (");
    for (int i = 0; i < 501; i++) {
        fprintf(out, "%s{ name = \"%d\"; url = \"rtsp://h/\"; sub = \"rtsp://h/\"; }", i == 0 ? "" : ",", i);
    }
    fprintf(out, ");");
    fclose(out);
    config_fixture_write("c.conf", text);
    assert_null(config_fixture_load("c.conf", &errors));
    assert_string_equal(errors,
                        "c.conf:1: cameras: 1002 cameras and sub streams together; configure at most 1000\n");
    free(errors);
    free(text);
}

static void changes_at_run_time_have_sub_streams(void **state)
{
    static const char changes_text[] =
        "{\"a\":{\"base\":\"file\",\"settings\":{\"sub\":{\"url\":\"rtsp://h/"
        "2\",\"audio\":false,\"transport\":null}}},"
        " \"b\":{\"base\":\"none\",\"settings\":{\"url\":\"rtsp://h/3\",\"sub\":\"rtsp://h/4\"}}}";
    json_t *changes = json_loads(changes_text, 0, NULL);

    (void)state;
    config_fixture_write("c.conf", CAMERAS("sub = \"rtsp://h/9\";"));
    struct config_source *source = config_read_source("c.conf", stderr);
    struct config *config = config_interpret(source, "c.conf", NULL, changes, stderr);
    assert_non_null(config);
    assert_int_equal(config->camera_count, 4);
    assert_string_equal(config->cameras[1].task.url, "rtsp://h/2");
    assert_false(config->cameras[1].task.audio);
    assert_int_equal(config->cameras[1].origin, CONFIG_CHANGED);
    assert_string_equal(config->cameras[3].name, "b/sub");
    assert_string_equal(config->cameras[3].task.url, "rtsp://h/4");
    assert_int_equal(config->cameras[3].origin, CONFIG_ADDED);
    config_free(config);
    config_source_destroy(source);
    json_decref(changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_url_alone_has_the_cameras_other_settings, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(a_ring_may_grow_as_its_past_needs, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(a_group_says_what_is_different, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(credentials_in_its_url_are_its_own, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(a_disabled_camera_has_no_sub_stream_either, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(errors_name_file_line_and_field, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(cameras_and_sub_streams_count_together, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(changes_at_run_time_have_sub_streams, config_fixture_enter,
                                        config_fixture_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
