/* SPDX-License-Identifier: MIT */
/* A cluster in the configuration, and cameras of other nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config/camera_remote.h"
#include "tests/unit/common/config_fixture.h"

#define CLUSTER "cluster = { node = \"a\"; nats = ( \"nats://127.0.0.1:4222\" ); };\n"
#define NONE "cameras = ( );\n"
#define CAMERAS(settings) CLUSTER "cameras = (\n  { name = \"x\"; " settings " }\n);\n"

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

struct bad_case {
    const char *text;   /* of c.conf */
    const char *errors; /* all of them */
};

static void assert_bad(const struct bad_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        config_fixture_write("c.conf", cases[i].text);
        config_fixture_assert_errors("c.conf", cases[i].errors);
    }
}

#define ASSERT_BAD(cases) assert_bad(cases, sizeof(cases) / sizeof((cases)[0]))

static void a_cluster_has_a_name_a_node_and_servers(void **state)
{
    struct config *config = accept("\n" CLUSTER NONE);

    (void)state;
    assert_int_equal(config->cluster.line, 2);
    assert_string_equal(config->cluster.name, "ringcast");
    assert_string_equal(config->cluster.node, "a");
    assert_int_equal(config->cluster.nats.count, 1);
    assert_null(config->cluster.credentials);
    assert_null(config->cluster.ca);
    assert_null(config->cluster.site);
    assert_int_equal(config->cluster.weight, 1000);
    assert_int_equal(config->cluster.limit, 0);
    config_free(config);

    config = accept(
        "cluster = { name = \"my_site-2\"; node = \"B\"; credentials = \"/c/b.creds\"; ca = \"/c/ca.pem\";\n"
        "  site = \"yard_1\"; weight = 2500; limit = 40;\n"
        "  certificate = \"/c/b.pem\"; key = \"/c/b.key\";\n"
        "  nats = ( \"tls://nats.example\", \"NATS://u:p%40@[::1]:4222/\", \"nats://token@h\" ); };\n" NONE);
    assert_string_equal(config->cluster.name, "my_site-2");
    assert_string_equal(config->cluster.credentials, "/c/b.creds");
    assert_string_equal(config->cluster.key, "/c/b.key");
    assert_string_equal(config->cluster.site, "yard_1");
    assert_int_equal(config->cluster.weight, 2500);
    assert_int_equal(config->cluster.limit, 40);
    assert_string_equal(config->cluster.nats.items[1], "NATS://u:p%40@[::1]:4222/");
    config_free(config);

    config = accept(NONE);
    assert_int_equal(config->cluster.line, 0);
    config_free(config);
}

#define NATS(url) "cluster = { node = \"a\"; nats = ( \"" url "\" ); };\n" NONE
#define BAD_NATS(url, text)                                                                                  \
    {                                                                                                        \
        NATS(url), "c.conf:1: cluster.nats[0]: " text "\n"                                                   \
    }
#define BAD_HOST                                                                                             \
    "host or port are not valid; write \"nats://host:4222\", and percent-encode / ? # @ in a user name or "  \
    "password"
#define NAME_RULE "cannot be part of the subjects of NATS; use 1 to 32 letters, digits, \"_\" and \"-\""

static void what_is_wrong_names_its_field_and_no_secret(void **state)
{
    static const struct bad_case cases[] = {
        {"\ncluster = { };\n" NONE, "c.conf:2: cluster.node: missing; add it, or leave out cluster\n"
                                    "c.conf:2: cluster.nats: missing; add it, or leave out cluster\n"},
        {"cluster = { node = \"a\"; nats = ( ); };\n" NONE,
         "c.conf:1: cluster.nats: no servers; list at least one, such as ( \"nats://127.0.0.1:4222\" )\n"},
        {"cluster = { node = \"a.b\"; name = \"c d\"; nats = ( \"nats://h\" ); };\n" NONE,
         "c.conf:1: cluster.name: " NAME_RULE "\nc.conf:1: cluster.node: " NAME_RULE "\n"},
        {"cluster = { node = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; nats = ( \"nats://h\" ); };\n" NONE,
         "c.conf:1: cluster.node: 33 bytes; use at most 32\n"},
        {"cluster = { node = \"a\"; nats = ( \"nats://h\" ); certificate = \"/c\"; };\n" NONE,
         "c.conf:1: cluster.key: missing; add it, or leave out certificate\n"},
        {"cluster = { node = \"a\"; nats = ( \"nats://h\" ); key = \"k\"; };\n" NONE,
         "c.conf:1: cluster.key: not an absolute path; begin it with \"/\"\n"
         "c.conf:1: cluster.certificate: missing; add it, or leave out key\n"},
        {"cluster = { node = \"a\"; nats = \"nats://h\"; };\n" NONE,
         "c.conf:1: cluster.nats: expected a list of strings, found a string; put parentheses around it\n"},
        BAD_NATS("127.0.0.1:4222", "not the URL of a NATS server; write \"nats://host:4222\", or "
                                   "\"tls://host:4222\" for TLS"),
        BAD_NATS("ws://u:CANARY@h", "not the URL of a NATS server; write \"nats://host:4222\", or "
                                    "\"tls://host:4222\" for TLS"),
        BAD_NATS("nats://", BAD_HOST),
        BAD_NATS("nats://h:0", BAD_HOST),
        BAD_NATS("nats://u:CANARY/x@h", BAD_HOST),
        BAD_NATS(
            "nats://h?user=u&password=CANARY",
            "nothing comes after host and port; write \"nats://host:4222\", with user name and password, "
            "if any, as \"nats://user:password@host:4222\""),
        BAD_NATS("nats://u:CANARY@h,nats://i",
                 "a space, control character, comma, \", \\, < or > cannot be in a "
                 "URL; percent-encode it, and write one URL in each string"),
    };

    (void)state;
    ASSERT_BAD(cases);
}

static void its_passwords_are_secrets(void **state)
{
    char text[128] = "nats: nats://h refused SECRET-OF-NATS and user";

    (void)state;
    config_fixture_write("open.conf", NATS("nats://user:SECRET-OF-NATS@h"));
    assert_int_equal(chmod("open.conf", 0644), 0);
    char *errors = NULL;
    struct config *config = config_fixture_load("open.conf", &errors);
    assert_non_null(config);
    assert_string_equal(config->exposed, "open.conf");
    log_redact(text, sizeof(text));
    assert_null(strstr(text, "SECRET-OF-NATS"));
    config_free(config);
    free(errors);

    config_fixture_write("open.conf", NATS("nats://h"));
    assert_int_equal(chmod("open.conf", 0644), 0);
    config = config_fixture_load("open.conf", &errors);
    assert_non_null(config);
    assert_null(config->exposed);
    config_free(config);
    free(errors);
}

static void a_url_names_node_and_stream(void **state)
{
    static const struct {
        const char *url, *node, *stream;
    } good[] = {
        {"ringcast://b/front", "b", "front"},
        {"RingCast://node-2_x/front/sub", "node-2_x", "front/sub"},
        {"ringcast://b/Haust%C3%BCr%20links", "b", "Haust\xc3\xbcr links"},
        {"ringcast://b/Haust\xc3\xbcr", "b", "Haust\xc3\xbcr"},
        {"ringcast://b/100%", "b", "100%"},
        {"ringcast://b/sub", "b", "sub"},
        {"ringcast://b/a%3fb%23/sub", "b", "a?b#/sub"},
    };
    static const char *const bad[] = {
        "ringcast://",
        "ringcast:///front",
        "ringcast://b",
        "ringcast://b/",
        "ringcast://b.c/front",
        "ringcast://b:42/front",
        "ringcast://u:p@b/front",
        "ringcast://b/front/",
        "ringcast://b/front/x",
        "ringcast://b/front?a",
        "ringcast://b/front#a",
        "ringcast://b//sub",
        "ringcast://b/a%2fb",
        "ringcast://b/.front",
        "ringcast://b/%0a",
        "ringcast://b/%ff",
        "ringcast://b/front/sub/sub",
    };
    struct camera_remote remote;
    char why[CONFIG_PROBLEM_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(camera_is_remote(good[i].url));
        assert_true(camera_remote_read(good[i].url, &remote, why));
        assert_string_equal(remote.node, good[i].node);
        assert_string_equal(remote.stream, good[i].stream);
        assert_true(config_check_url(good[i].url, why));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (camera_remote_read(bad[i], &remote, why)) {
            fail_msg("%s is taken for %s of %s", bad[i], remote.stream, remote.node);
        }
        assert_false(config_check_url(bad[i], why));
    }
    char url[32 + 33] = "ringcast://", *end = url + strlen(url);
    memset(end, 'n', 32);
    strcpy(end + 32, "/x");
    assert_true(camera_remote_read(url, &remote, why));
    memset(end, 'n', 33);
    strcpy(end + 33, "/x");
    assert_false(camera_remote_read(url, &remote, why));
    assert_false(camera_is_remote("rtsp://b/front"));
    assert_false(camera_is_remote(NULL));
}

static void nobody_looks_and_nothing_comes_unless_it_is_written(void **state)
{
    struct config *config = accept(
        CLUSTER
        "cameras = (\n"
        "  { name = \"a\"; url = \"ringcast://b/a\"; sub = \"ringcast://b/a/sub\"; },\n"
        "  { name = \"b\"; url = \"ringcast://b/b\"; on_demand = false; sub = \"ringcast://b/b/sub\"; },\n"
        "  { name = \"c\"; url = \"ringcast://b/c\"; sub = { url = \"ringcast://b/c/sub\"; on_demand = "
        "false; }; },\n"
        "  { name = \"d\"; sub = { url = \"ringcast://b/d/sub\"; }; url = \"rtsp://h/d\"; username = "
        "\"u\"; password = \"p\"; },\n"
        "  { name = \"e\"; url = \"rtsp://h/e\"; sub = \"ringcast://c/e/sub\"; username = \"u\"; "
        "password = \"p\"; }\n);\n");
    static const bool wanted[] = {true, true, false, false, true, false, false, true, false, true};

    (void)state;
    assert_int_equal(config->camera_count, 10);
    for (size_t i = 0; i < config->camera_count; i++) {
        assert_int_equal(config->cameras[i].on_demand, wanted[i]);
    }
    config_free(config);
}

#define SITE_RULE "not a site; use 1 to 32 letters, digits, \"_\" and \"-\""

static void a_camera_prefers_a_site_of_its_nodes(void **state)
{
    static const struct bad_case cases[] = {
        {CAMERAS("url = \"rtsp://h\"; nodes = ( \"a\", \"b\" ); site = \"y.d\";"),
         "c.conf:3: cameras[0].site: " SITE_RULE "\n"},
        {CAMERAS("url = \"rtsp://h\";\n site = \"yard\";"),
         "c.conf:4: cameras[0].site: a site that is preferred, and no nodes of which one could be there; add "
         "nodes = ( \"…\" ), or remove it\n"},
        {CAMERAS("url = \"rtsp://h\"; nodes = ( \"a\" ); sub = { url = \"rtsp://h/s\"; site = \"yard\"; };"),
         "c.conf:3: cameras[0].sub.site: unknown setting; remove it, or see "
         "docs/reference/configuration.md\n"},
        {"cluster = { node = \"a\"; nats = ( \"nats://h\" );\n site = \"\"; weight = 0; limit = 1001; "
         "};\n" NONE,
         "c.conf:2: cluster.site: empty; give a value or remove the setting\n"
         "c.conf:2: cluster.weight: 0 is out of range; use 1 to 100000\n"
         "c.conf:2: cluster.limit: 1001 is out of range; use 0 to 1000\n"},
    };
    struct config *config = accept(
        CAMERAS("url = \"rtsp://h\"; nodes = ( \"a\", \"b\" ); site = \"yard\"; sub = \"rtsp://h/s\";"));

    (void)state;
    assert_string_equal(config->cameras[0].site, "yard");
    assert_null(config->cameras[1].site);
    config_free(config);
    ASSERT_BAD(cases);
}

#define NOT_HERE "not for a camera of another node; remove it, and set it on node \"b\"\n"

static void it_needs_a_cluster_and_another_node(void **state)
{
    static const struct bad_case cases[] = {
        {"cameras = (\n  { name = \"x\";\n    url = \"ringcast://b/x\"; }\n);\n",
         "c.conf:3: cameras[0].url: a camera of another node, and there is no cluster; add cluster = { node "
         "= "
         "\"…\"; nats = ( \"nats://…\" ); };\n"},
        {"cameras = (\n  { name = \"x\"; url = \"rtsp://h\";\n    sub = \"ringcast://b/x/sub\"; }\n);\n",
         "c.conf:3: cameras[0].sub: a camera of another node, and there is no cluster; add cluster = { node "
         "= "
         "\"…\"; nats = ( \"nats://…\" ); };\n"},
        {CAMERAS("url = \"ringcast://a/x\";"), "c.conf:3: cameras[0].url: \"a\" is this node (cluster.node), "
                                               "so the camera would be its own source; "
                                               "name another node, or write the camera's own URL\n"},
        {CAMERAS("url = \"ringcast://b/x\"; sub = {\n url = \"ringcast://a/y\"; };"),
         "c.conf:4: cameras[0].sub.url: \"a\" is this node (cluster.node), so the camera would be its own "
         "source; name another node, or write the camera's own URL\n"},
        {CAMERAS("url = \"ringcast://b/x\"; username = \"u\"; password = \"CANARY\";\n audio = false; mirror "
                 "= true;"),
         "c.conf:3: cameras[0].username: " NOT_HERE "c.conf:3: cameras[0].password: " NOT_HERE
         "c.conf:4: cameras[0].audio: " NOT_HERE},
        {CAMERAS("url = \"ringcast://b/x\"; sub = { url = \"ringcast://b/x/sub\"; transport = \"udp\"; };"),
         "c.conf:3: cameras[0].sub.transport: " NOT_HERE},
        {CAMERAS("url = \"ringcast://u:CANARY@b/x\";"), "c.conf:3: cameras[0].url: no user name and password "
                                                        "is needed for a camera of another node; take them "
                                                        "out, and write \"ringcast://node/camera\"\n"},
        {CAMERAS("url = \"ringcast://b\";"),
         "c.conf:3: cameras[0].url: no camera is called so; write \"ringcast://node/camera\" with the "
         "camera's "
         "name there, percent-encoded, and \"/sub\" behind it for its sub stream\n"},
        {CAMERAS("url = \"ringcast://b!/x\";"), "c.conf:3: cameras[0].url: no node is called so; write "
                                                "\"ringcast://node/camera\", with the name that "
                                                "cluster.node has there\n"},
    };

    (void)state;
    ASSERT_BAD(cases);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, config_fixture_enter, config_fixture_leave)
    const struct CMUnitTest tests[] = {
        TEST(a_cluster_has_a_name_a_node_and_servers),
        TEST(what_is_wrong_names_its_field_and_no_secret),
        TEST(its_passwords_are_secrets),
        TEST(a_url_names_node_and_stream),
        TEST(nobody_looks_and_nothing_comes_unless_it_is_written),
        TEST(a_camera_prefers_a_site_of_its_nodes),
        TEST(it_needs_a_cluster_and_another_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
