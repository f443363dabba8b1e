/* SPDX-License-Identifier: MIT */
/* The cameras of a whole cluster: the file that they are written in, and the sealed document that nodes get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/cluster_cameras.h"
#include "common/config/config_camera.h"
#include "common/config/config_source.h"
#include "tests/unit/common/config_fixture.h"

#define KEY_TEXT "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

#define CAMERAS                                                                                              \
    "{\"front\":{\"nodes\":[\"a\",\"b\"],\"url\":\"rtsp://10.0.0.1/Canary1\",\"username\":\"u\","            \
    "\"password\":\"Canary2\",\"mirror\":true,\"sub\":{\"url\":\"rtsp://10.0.0.1/"                           \
    "Canary3\",\"look_back\":5}},"                                                                           \
    "\"back\":{\"nodes\":[\"a\"],\"url\":\"rtsp://10.0.0.2/\"}}"

static const uint8_t *key(void)
{
    static uint8_t bytes[CLUSTER_KEY_SIZE];

    assert_int_equal(cluster_cameras_read_key(bytes, KEY_TEXT), 0);
    return bytes;
}

/* CAMERAS, sealed; to be freed. */
static char *sealed(void)
{
    char *text = NULL;
    const struct cluster_cameras document = {.version = 5,
                                             .time = 1764529331,
                                             .by = (char *)"root",
                                             .node = (char *)"a",
                                             .cameras = json_loads(CAMERAS, 0, NULL)};

    assert_int_equal(cluster_cameras_seal(&document, "site", key(), &text), 0);
    json_decref(document.cameras);
    return text;
}

static int open_text(struct cluster_cameras *document, const char *text, const uint8_t *with)
{
    return cluster_cameras_open(document, text, strlen(text), "site", "b", with);
}

static void assert_cameras(const struct cluster_cameras *document, const char *expected)
{
    json_t *cameras = json_loads(expected, 0, NULL);

    assert_true(json_equal(document->cameras, cameras));
    json_decref(cameras);
}

static void a_key_is_64_digits(void **state)
{
    uint8_t bytes[CLUSTER_KEY_SIZE];

    (void)state;
    assert_int_equal(cluster_cameras_read_key(bytes, " " KEY_TEXT "\r\n"), 0);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(bytes[31], 31);
    assert_int_equal(cluster_cameras_read_key(bytes, ""), -EBADMSG);
    assert_int_equal(cluster_cameras_read_key(bytes, KEY_TEXT "0"), -EBADMSG);
    assert_int_equal(cluster_cameras_read_key(bytes, &KEY_TEXT[1]), -EBADMSG);
    assert_int_equal(cluster_cameras_read_key(bytes, "correct horse battery staple"), -EBADMSG);
}

static void what_was_sealed_is_what_is_opened(void **state)
{
    struct cluster_cameras document;
    char *text = sealed(), *again = sealed();

    (void)state;
    assert_int_equal(open_text(&document, text, key()), 0);
    assert_int_equal(document.version, 5);
    assert_int_equal(document.time, 1764529331);
    assert_string_equal(document.by, "root");
    assert_string_equal(document.node, "a");
    assert_cameras(&document, CAMERAS);
    cluster_cameras_finish(&document);
    assert_string_not_equal(text, again); /* another nonce */
    free(text);
    free(again);
}

static void nothing_of_how_a_camera_is_fetched_is_in_the_clear(void **state)
{
    char *text = sealed();

    (void)state;
    assert_null(strstr(text, "Canary"));
    assert_null(strstr(text, "10.0.0."));
    assert_null(strstr(text, "\"u\""));
    assert_non_null(
        strstr(text, "\"front\":{\"nodes\":[\"a\",\"b\"],\"mirror\":true,\"sub\":{\"look_back\":5}}"));
    free(text);
}

static void a_byte_that_is_changed_anywhere_is_noticed(void **state)
{
    char *text = sealed();
    const size_t length = strlen(text);

    (void)state;
    for (size_t i = 0; i < length; i++) {
        struct cluster_cameras document;
        char before = text[i];
        text[i] = before == 'A' ? 'B' : 'A';
        assert_true(open_text(&document, text, key()) < 0);
        text[i] = before;
    }
    /* It may still be a document, and then it is the seal that tells. */
    char *version = strstr(text, "\"version\":5");
    struct cluster_cameras document;
    version[strlen("\"version\":")] = '6';
    assert_int_equal(open_text(&document, text, key()), -EKEYREJECTED);
    free(text);
}

static void another_key_opens_nothing(void **state)
{
    struct cluster_cameras document;
    uint8_t other[CLUSTER_KEY_SIZE];
    char *text = sealed();

    (void)state;
    memcpy(other, key(), sizeof(other));
    other[7] ^= 1;
    assert_int_equal(open_text(&document, text, other), -EKEYREJECTED);
    assert_null(document.cameras);
    assert_int_equal(cluster_cameras_open(&document, text, strlen(text), "yard", "b", key()), -EBADMSG);
    free(text);
}

static void without_the_key_cameras_are_those_of_other_nodes(void **state)
{
    struct cluster_cameras document;
    char *text = sealed();

    (void)state;
    assert_int_equal(open_text(&document, text, NULL), 0);
    assert_cameras(&document,
                   "{\"front\":{\"nodes\":[\"a\"],\"mirror\":true,\"url\":\"" CLUSTER_CAMERAS_NO_URL "\","
                   "\"sub\":{\"look_back\":5,\"url\":\"" CLUSTER_CAMERAS_NO_URL "\"}},"
                   "\"back\":{\"nodes\":[\"a\"],\"url\":\"" CLUSTER_CAMERAS_NO_URL "\"}}");
    assert_int_equal(document.left_out, 0);
    cluster_cameras_finish(&document);
    assert_int_equal(cluster_cameras_open(&document, text, strlen(text), "site", "a", NULL), 0);
    assert_int_equal(document.left_out, 1);
    assert_null(json_object_get(document.cameras, "back"));
    cluster_cameras_finish(&document);
    free(text);
}

/* Without the key nothing vouches for the head. */
static void a_head_has_nothing_that_a_worker_gets(void **state)
{
    static const char *const heads[] = {
        "{\"front\":{\"nodes\":[\"a\"],\"url\":\"file:///etc/passwd\"}}",
        "{\"front\":{\"nodes\":[\"a\"],\"onvif\":\"http://10.0.0.1/\"}}",
        "{\"front\":{\"nodes\":[\"a\"],\"sub\":{\"url\":\"file:///etc/passwd\"}}}",
        "{\"front\":{\"nodes\":[\"a\"],\"sub\":\"file:///etc/passwd\"}}",
        "{\"front\":{\"nodes\":[\"a\"],\"name\":\"back\"}}",
        "{\"front\":{\"nodes\":[\"a\"],\"unknown\":1}}",
        "{\"front\":{\"nodes\":[]}}",
        "{\"front\":{}}",
        "{\"front\":1}",
        "[]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct cluster_cameras document;
        char text[512];
        snprintf(text, sizeof(text),
                 "{\"v\":1,\"cluster\":\"site\",\"version\":1,\"time\":1,\"by\":\"x\",\"node\":\"a\","
                 "\"cameras\":%s}\n",
                 heads[i]);
        assert_int_equal(open_text(&document, text, NULL), -EBADMSG);
    }
}

static void too_many_cameras_are_refused(void **state)
{
    json_t *cameras = json_object();
    char name[16], *text = NULL;
    const struct cluster_cameras document = {
        .version = 1, .by = (char *)"x", .node = (char *)"a", .cameras = cameras};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        json_object_set_new(
            cameras, name,
            json_pack("{s:[s], s:s}", "nodes", "a", "url", "rtsp://10.0.0.1:554/a/long/path/of/100/"));
    }
    assert_int_equal(cluster_cameras_seal(&document, "site", key(), &text), 0);
    assert_true(strlen(text) < CLUSTER_CAMERAS_MAX);
    free(text);
    char *url = malloc(1001);
    memset(url, 'x', 1000);
    url[1000] = '\0';
    const char *each;
    json_t *settings;
    json_object_foreach(cameras, each, settings) {
        json_object_set_new(settings, "url", json_string(url));
    }
    assert_int_equal(cluster_cameras_seal(&document, "site", key(), &text), -EMSGSIZE);
    assert_null(text);
    free(url);
    json_decref(cameras);
}

static void a_difference_names_cameras(void **state)
{
    json_t *before =
               json_loads("{\"a\":{\"url\":\"1\"},\"b\":{\"url\":\"2\"},\"c\":{\"url\":\"3\"}}", 0, NULL),
           *after = json_loads("{\"c\":{\"url\":\"3\"},\"b\":{\"url\":\"5\"},\"d\":{}}", 0, NULL),
           *expected = json_loads(
               "{\"added\":[\"d\"],\"removed\":[\"a\"],\"changed\":[\"b\"],\"unchanged\":1}", 0, NULL),
           *found = cluster_cameras_difference(before, after),
           *first = cluster_cameras_difference(NULL, after);

    (void)state;
    assert_true(json_equal(found, expected));
    assert_int_equal(json_array_size(json_object_get(first, "added")), 3);
    json_decref(before);
    json_decref(after);
    json_decref(expected);
    json_decref(found);
    json_decref(first);
}

/* --- The file -------------------------------------------------------------------------------------------- */

static json_t *load(const char *text, char **errors)
{
    size_t size = 0;
    FILE *out = open_memstream(errors, &size);

    config_fixture_write("cameras.conf", text);
    json_t *cameras = config_load_cluster("cameras.conf", out);
    fclose(out);
    return cameras;
}

static void a_file_has_cameras_and_where_they_may_be(void **state)
{
    char *errors = NULL;
    json_t *cameras =
        load("cameras = (\n"
             "  { name = \"front\"; nodes = ( \"a\", \"b\" ); url = \"rtsp://10.0.0.1/1\"; mirror = true;\n"
             "    sub = \"rtsp://10.0.0.1/2\"; look_back = 60; },\n"
             "  { name = \"back\"; nodes = [ \"a\" ]; url = \"rtsp://10.0.0.2/\"; sub = { url = "
             "\"rtsp://10.0.0.2/2\"; "
             "audio = false; }; }\n);\n",
             &errors);
    json_t *expected =
        json_loads("{\"front\":{\"nodes\":[\"a\",\"b\"],\"url\":\"rtsp://10.0.0.1/1\",\"mirror\":true,"
                   "\"sub\":{\"url\":\"rtsp://10.0.0.1/2\"},\"look_back\":60},"
                   "\"back\":{\"nodes\":[\"a\"],\"url\":\"rtsp://10.0.0.2/\","
                   "\"sub\":{\"url\":\"rtsp://10.0.0.2/2\",\"audio\":false}}}",
                   0, NULL);

    (void)state;
    assert_string_equal(errors, "");
    assert_true(json_equal(cameras, expected));
    json_decref(cameras);
    json_decref(expected);
    free(errors);
}

static void what_is_wrong_in_a_file_is_said_with_its_line(void **state)
{
    static const struct {
        const char *text, *errors;
    } cases[] = {
        {"cameras = (\n  { name = \"x\"; url = \"rtsp://h/\"; }\n);\n",
         "cameras.conf:2: cameras[0].nodes: missing; name the nodes of the cluster that may fetch it, such "
         "as ( \"a\" )\n"},
        {"listen = \"127.0.0.1:1\";\ncameras = ( );\n",
         "cameras.conf:1: listen: not for the whole cluster, which has cameras alone; put it into each "
         "node's own "
         "configuration\n"},
        {"cameras = (\n  { name = \"x\"; nodes = ( \"a\" ); url = \"rtsp://h/\";\n    transpot = \"tcp\"; "
         "}\n);\n",
         "cameras.conf:3: cameras[0].transpot: unknown setting; did you mean \"transport\"?\n"},
        {"url = \"rtsp://h/\";\ncameras = ( );\n",
         "cameras.conf:1: url: a setting of a camera; put it into a group of cameras = ( { … } );\n"},
        {"cameras = (\n  { name = \"x\"; nodes = ( \"a\" ); url = \"ringcast://b/x\"; }\n);\n",
         "cameras.conf:2: cameras[0].nodes: not for a camera of another node; write the camera's own URL, or "
         "remove nodes\n"},
        {"cameras = (", "cameras.conf:1: the ( that is opened here is never closed; add )\n"},
        {"", "cameras.conf:1: cameras: missing; add it\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *errors = NULL;
        assert_null(load(cases[i].text, &errors));
        assert_string_equal(errors, cases[i].errors);
        free(errors);
    }
}

/* --- A node's configuration with them ------------------------------------------------------------------- */

#define NODE_TEXT                                                                                            \
    "runtime_dir = \"/run/x\"; state_dir = \"/var/x\";\n"                                                    \
    "cluster = { node = \"b\"; nats = ( \"nats://127.0.0.1\" ); };\n"                                        \
    "cameras = (\n  { name = \"own\"; url = \"rtsp://10.0.0.9/\"; } );\n"

static struct config *interpret(const char *cameras, const char *changes, char **errors)
{
    size_t size = 0;
    FILE *out = open_memstream(errors, &size);
    json_t *of_cluster = json_loads(cameras, 0, NULL), *at_run_time = json_loads(changes, 0, NULL);

    config_fixture_write("c.conf", NODE_TEXT);
    struct config_source *source = config_read_source("c.conf", out);
    struct config *config = config_interpret(source, "c.conf", of_cluster, at_run_time, out);
    config_source_destroy(source);
    json_decref(of_cluster);
    json_decref(at_run_time);
    fclose(out);
    return config;
}

static void a_node_has_them_behind_its_own(void **state)
{
    char *errors = NULL;
    struct config *config =
        interpret(CAMERAS, "{\"back\":{\"base\":\"file\",\"settings\":{\"enabled\":false}}}", &errors);

    (void)state;
    assert_string_equal(errors, "");
    assert_int_equal(config->camera_count, 4);
    assert_string_equal(config->cameras[0].name, "own");
    assert_int_equal(config->cameras[0].origin, CONFIG_FROM_FILE);
    assert_string_equal(config->cameras[1].name, "front");
    assert_int_equal(config->cameras[1].origin, CONFIG_FROM_CLUSTER);
    assert_true(config->cameras[1].mirror);
    assert_int_equal(config->cameras[1].nodes.count, 2);
    assert_string_equal(config->cameras[1].task.password, "Canary2");
    assert_string_equal(config->cameras[2].name, "front/sub");
    assert_string_equal(config->cameras[2].task.url, "rtsp://10.0.0.1/Canary3");
    assert_int_equal(config->cameras[3].origin, CONFIG_CHANGED);
    assert_false(config->cameras[3].enabled);
    config_free(config);
    free(errors);
}

static void a_name_that_both_have_is_refused(void **state)
{
    char *errors = NULL;

    (void)state;
    assert_null(interpret("{\"own\":{\"nodes\":[\"a\"],\"url\":\"rtsp://10.0.0.1/\"}}", "{}", &errors));
    assert_string_equal(
        errors, "c.conf:4: cameras[0].name: \"own\" is also the name of a camera of the whole cluster "
                "(`ringcastctl cluster config`); rename one of them, or remove this one\n");
    free(errors);
}

static void what_is_not_a_name_of_a_node_is_refused(void **state)
{
    char *errors = NULL;

    (void)state;
    assert_null(interpret("{\"x\":{\"nodes\":[1],\"url\":\"rtsp://10.0.0.1/\"}}", "{}", &errors));
    assert_string_equal(errors,
                        "c.conf: cameras[1].nodes[0]: expected a string, found a group; write ( \"a\" )\n");
    free(errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_64_digits),
        cmocka_unit_test(what_was_sealed_is_what_is_opened),
        cmocka_unit_test(nothing_of_how_a_camera_is_fetched_is_in_the_clear),
        cmocka_unit_test(a_byte_that_is_changed_anywhere_is_noticed),
        cmocka_unit_test(another_key_opens_nothing),
        cmocka_unit_test(without_the_key_cameras_are_those_of_other_nodes),
        cmocka_unit_test(a_head_has_nothing_that_a_worker_gets),
        cmocka_unit_test(too_many_cameras_are_refused),
        cmocka_unit_test(a_difference_names_cameras),
        cmocka_unit_test_setup_teardown(a_file_has_cameras_and_where_they_may_be, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(what_is_wrong_in_a_file_is_said_with_its_line, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(a_node_has_them_behind_its_own, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(a_name_that_both_have_is_refused, config_fixture_enter,
                                        config_fixture_leave),
        cmocka_unit_test_setup_teardown(what_is_not_a_name_of_a_node_is_refused, config_fixture_enter,
                                        config_fixture_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
