/* SPDX-License-Identifier: MIT */
/* A configuration file with what was changed at run time. */
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

#define FILE_TEXT                                                                                            \
    "runtime_dir = \"/run/x\"; state_dir = \"/var/x\";\n"                                                    \
    "cameras = ( { name = \"front\"; url = \"rtsp://a/1\"; username = \"u\"; password = \"p\"; },\n"         \
    "            { name = \"back\"; url = \"rtsp://a/2\"; } );\n"

static struct config *interpret(const char *changes_text, char **errors)
{
    size_t size = 0;
    FILE *out = open_memstream(errors, &size);
    json_t *changes = json_loads(changes_text, 0, NULL);

    assert_non_null(changes);
    config_fixture_write("c.conf", FILE_TEXT);
    struct config_source *source = config_read_source("c.conf", out);
    assert_non_null(source);
    struct config *config = config_interpret(source, "c.conf", NULL, changes, out);
    config_source_destroy(source);
    json_decref(changes);
    fclose(out);
    return config;
}

static struct config *accept(const char *changes)
{
    char *errors = NULL;
    struct config *config = interpret(changes, &errors);

    assert_string_equal(errors, "");
    free(errors);
    assert_non_null(config);
    return config;
}

static void refuse(const char *changes, const char *expected)
{
    char *errors = NULL;

    assert_null(interpret(changes, &errors));
    assert_string_equal(errors, expected);
    free(errors);
}

static void no_changes_change_nothing(void **state)
{
    struct config *config = accept("{}");

    (void)state;
    assert_int_equal(config->camera_count, 2);
    assert_int_equal(config->cameras[0].origin, CONFIG_FROM_FILE);
    config_free(config);
}

static void settings_lie_over_those_of_the_file(void **state)
{
    struct config *config =
        accept("{\"front\":{\"base\":\"file\",\"settings\":{\"audio\":false,\"url\":\"rtsp://b/1\"}},"
               "\"gone\":{\"base\":\"file\",\"settings\":{\"audio\":false}}}");

    (void)state;
    assert_int_equal(config->camera_count, 2);
    assert_string_equal(config->cameras[0].task.url, "rtsp://b/1");
    assert_string_equal(config->cameras[0].task.password, "p");
    assert_false(config->cameras[0].task.audio);
    assert_int_equal(config->cameras[0].origin, CONFIG_CHANGED);
    assert_int_equal(config->cameras[1].origin, CONFIG_FROM_FILE);
    config_free(config);
}

static void cameras_come_and_go(void **state)
{
    struct config *config =
        accept("{\"front\":{\"removed\":true},"
               "\"back\":{\"base\":\"none\",\"settings\":{\"url\":\"rtsp://c/2\",\"on_demand\":true}},"
               "\"yard\":{\"base\":\"none\",\"settings\":{\"url\":\"rtsp://c/3\",\"on_demand_idle\":5}}}");

    (void)state;
    assert_int_equal(config->camera_count, 2);
    assert_string_equal(config->cameras[0].name, "back");
    assert_string_equal(config->cameras[0].task.url, "rtsp://c/2");
    assert_true(config->cameras[0].on_demand);
    assert_int_equal(config->cameras[0].origin, CONFIG_ADDED);
    assert_string_equal(config->cameras[1].name, "yard");
    assert_int_equal(config->cameras[1].on_demand_idle, 5);
    config_free(config);
    config = accept("{\"front\":{\"removed\":true},\"back\":{\"removed\":true}}");
    assert_int_equal(config->camera_count, 0);
    config_free(config);
}

static void what_the_file_has_and_was_removed_is_told(void **state)
{
    struct config *config = accept("{\"front\":{\"removed\":true},\"gone\":{\"removed\":true},"
                                   "\"back\":{\"base\":\"none\",\"settings\":{\"url\":\"rtsp://c/\"}}}");
    struct config_list warnings = config_warnings(config);

    (void)state;
    assert_int_equal(config->removed.count, 1);
    assert_string_equal(config->removed.items[0], "front");
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.items[0], "`ringcastctl camera reset 'front'`"));
    config_list_finish(&warnings);
    config_free(config);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    refuse("{\"yard\":{\"base\":\"none\",\"settings\":{}}}", "c.conf: cameras[2].url: missing; add it\n");
    refuse("{\"back\":{\"base\":\"file\",\"settings\":{\"audio\":\"loud\"}}}",
           "c.conf: cameras[1].audio: expected a boolean, found a string; write true or false, without "
           "quotes\n");
    refuse("{\"back\":{\"base\":\"file\",\"settings\":{\"audoi\":true}}}",
           "c.conf: cameras[1].audoi: unknown setting; did you mean \"audio\"?\n");
    refuse("{\"back\":{\"base\":\"file\",\"settings\":{\"url\":[1]}}}",
           "c.conf: cameras[1].url: expected a string, found a list; put it in double quotes\n");
    refuse("{\"back\":{\"base\":\"file\",\"settings\":{\"a b\":true}}}",
           "c.conf: a b: unknown setting; see docs/reference/configuration.md\n");
}

static void tasks_are_told_apart(void **state)
{
    struct config *a = accept("{}"),
                  *b = accept("{\"front\":{\"base\":\"file\",\"settings\":{\"on_demand\":true}}}");
    struct config *c = accept("{\"front\":{\"base\":\"file\",\"settings\":{\"password\":\"q\"}}}");
    struct config_camera copy;

    (void)state;
    config_camera_copy(&copy, &a->cameras[0]);
    assert_true(config_camera_equal(&copy, &a->cameras[0]));
    assert_int_equal(config_camera_task_hash(&copy), config_camera_task_hash(&a->cameras[0]));
    assert_true(config_camera_same_task(&copy, &b->cameras[0])); /* the worker need not know */
    assert_false(config_camera_equal(&copy, &b->cameras[0]));
    assert_false(config_camera_same_task(&copy, &c->cameras[0]));
    assert_true(config_camera_task_hash(&copy) != config_camera_task_hash(&c->cameras[0]));
    assert_true(config_camera_task_hash(&copy) != config_camera_task_hash(&a->cameras[1]));
    copy.task.audio_codec = copy.task.audio_codec == 0 ? 1 : 0;
    assert_false(config_camera_same_task(&copy, &a->cameras[0]));
    config_camera_finish(&copy);
    config_free(a);
    config_free(b);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_changes_change_nothing, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(settings_lie_over_those_of_the_file, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(cameras_come_and_go, config_fixture_enter, config_fixture_leave),
        cmocka_unit_test_setup_teardown(what_the_file_has_and_was_removed_is_told, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(wrong_settings_are_refused, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(tasks_are_told_apart, config_fixture_enter, config_fixture_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
