/* SPDX-License-Identifier: MIT */
/* A node of a cluster: ringcast-relay, and how the workers of other nodes' cameras come together with it. Both are stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

#define SEED "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"

static const struct camera_line cameras[] = {{"own", "stream"}, {"far", "ringcast://b/linked"}, {NULL, NULL}};

static void write_file(const struct daemon *daemon, const char *name, const char *text, mode_t mode)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", daemon->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fchmod(fileno(file), mode), 0);
    assert_int_equal(fclose(file), 0);
}

/* The configuration with CAMERAS and the cluster; SETTINGS: what else stands in it. */
static void configure_with(const struct daemon *daemon, const struct camera_line *lines_of_cameras,
                           const char *settings)
{
    char lines[512];

    snprintf(lines, sizeof(lines),
             "cluster = { name = \"site\"; node = \"a\"; nats = ( \"nats://u:c4nary-nats@127.0.0.1:9\" );\n"
             "  credentials = \"%s/a.creds\"; %s };",
             daemon->dir, settings);
    daemon_reconfigure(daemon, 0, lines_of_cameras);
    daemon_configure(daemon, lines);
}

static void configure(const struct daemon *daemon, const char *settings)
{
    configure_with(daemon, cameras, settings);
}

static void init(struct daemon *daemon)
{
    daemon_init(daemon, 0, cameras);
    daemon->quick = true;
    write_file(daemon, "a.creds", SEED "\n", 0600);
    configure(daemon, "");
}

/* Waits until the relay is in STATE, and not NOT_PID; its process id, 0: none. */
static pid_t await_relay(struct daemon *daemon, const char *state, pid_t not_pid)
{
    long long until = now_ms() + PATIENCE_MS;

    for (;;) {
        json_t *status = daemon_status(daemon);
        const json_t *program = json_object_get(json_object_get(status, "programs"), "relay");
        pid_t pid = (pid_t)message_integer(program, "pid", 0);
        bool there = strcmp(message_string(program, "state", ""), state) == 0 && pid != not_pid;
        json_decref(status);
        if (there) {
            return pid;
        }
        assert_true(now_ms() < until);
        pause_between_looks();
    }
}

static void reload(struct daemon *daemon, const char *answer)
{
    json_t *reply = daemon_ask(daemon, "reload", NULL);

    assert_string_equal(message_type(reply), answer);
    json_decref(reply);
}

static size_t count_in(const struct daemon *daemon, const char *name, const char *text)
{
    char path[128], line[8192];
    size_t count = 0;

    snprintf(path, sizeof(path), "%s/%s", daemon->dir, name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        count += strstr(line, text) != NULL;
    }
    if (file) {
        fclose(file);
    }
    return count;
}

static void the_relay_runs_while_there_is_a_cluster(void **state)
{
    struct daemon daemon;

    (void)state;
    init(&daemon);
    daemon_start(&daemon);
    pid_t first = await_relay(&daemon, "running", 0);
    daemon_wait_file(
        &daemon, "relay.log",
        "\"cluster\":{\"ca\":null,\"central\":false,\"certificate\":null,\"config_key\":false,"
        "\"credentials\":\"" SEED "\\n\",\"key\":null,\"limit\":0,"
        "\"name\":\"site\",\"nats\":[\"nats://u:c4nary-nats@127.0.0.1:9\"],\"node\":\"a\",\"replicas\":1,"
        "\"site\":null,\"weight\":1000}");
    daemon_wait_file(&daemon, "relay.log", "{\"name\":\"own\",\"remote\":null,\"state\":");
    daemon_wait_file(&daemon, "relay.log", "{\"name\":\"far\",\"remote\":\"b\",\"state\":");
    daemon_wait_file(&daemon, "fanout.log", "\"name\":\"far\",\"remote\":\"b\"");
    json_t *status = daemon_status(&daemon);
    const json_t *cluster = json_object_get(status, "cluster");
    assert_string_equal(message_string(cluster, "name", ""), "site");
    assert_string_equal(message_string(cluster, "node", ""), "a");
    assert_string_equal(message_string(status_camera(status, "far"), "node", ""), "b");
    assert_true(json_is_null(json_object_get(status_camera(status, "own"), "node")));
    json_decref(status);

    /* Nothing that it says ends it, and what ends it does not for long. */
    daemon_order(&daemon, "relay-idle");
    daemon_wait_file(&daemon, "relay.log", "idle was said");
    assert_int_equal(await_relay(&daemon, "running", 0), first);
    daemon_order(&daemon, "relay-dies");
    pid_t second = await_relay(&daemon, "running", first);

    /* It is told what is new, and nothing else. */
    reload(&daemon, "reloaded");
    assert_int_equal(count_in(&daemon, "relay.log", "\"type\":\"settings\""), 0);
    configure(&daemon, "ca = \"/nonexistent/ca.pem\";");
    reload(&daemon, "error");
    write_file(&daemon, "a.creds",
               "-----BEGIN NATS USER JWT-----\nJ\n-----BEGIN USER NKEY SEED-----\n" SEED "\n", 0600);
    configure(&daemon, "");
    reload(&daemon, "reloaded");
    daemon_wait_file(&daemon, "relay.log", "\"type\":\"settings\"");
    assert_int_equal(count_in(&daemon, "relay.log", "\"type\":\"settings\""), 1);
    assert_int_equal(await_relay(&daemon, "running", 0), second);

    const struct camera_line own[] = {{"own", "stream"}, {NULL, NULL}};
    daemon_reconfigure(&daemon, 0, own);
    reload(&daemon, "reloaded");
    await_relay(&daemon, "stopped", second);
    assert_false(daemon_file_has(&daemon, "log", SEED));
    assert_false(daemon_file_has(&daemon, "log", "c4nary"));
    configure(&daemon, "");
    reload(&daemon, "reloaded");
    await_relay(&daemon, "running", 0);
    daemon_finish(&daemon);
}

static void a_worker_comes_together_with_the_relay(void **state)
{
    struct daemon daemon;

    (void)state;
    init(&daemon);
    daemon_start(&daemon);
    daemon_wait_file(&daemon, "relay.log",
                     "{\"camera\":\"far\",\"node\":\"b\",\"stream\":\"linked\",\"type\":\"attach\",\"v\":1}");
    daemon_wait_file(&daemon, "links.log", "hello far");

    /* Its end is the end of the link, and there is another one with the next. */
    size_t before = count_in(&daemon, "links.log", "hello far");
    daemon_order(&daemon, "relay-dies");
    for (long long until = now_ms() + PATIENCE_MS; count_in(&daemon, "links.log", "hello far") == before;) {
        assert_true(now_ms() < until);
        pause_between_looks();
    }
    daemon_finish(&daemon);
}

static void it_is_taken_over(void **state)
{
    struct daemon daemon;

    (void)state;
    init(&daemon);
    daemon.quick = false; /* the keeper is to wait long enough, also on a slow machine */
    daemon_start(&daemon);
    pid_t before = await_relay(&daemon, "running", 0);
    daemon_wait_file(&daemon, "links.log", "hello far");
    daemon_kill(&daemon);
    daemon_start(&daemon);
    assert_int_equal(await_relay(&daemon, "running", 0), before);

    /* The next one finds no cluster. */
    daemon_kill(&daemon);
    const struct camera_line own[] = {{"own", "stream"}, {NULL, NULL}};
    daemon_reconfigure(&daemon, 0, own);
    daemon_start(&daemon);
    await_relay(&daemon, "stopped", before);
    daemon_finish_adopted(&daemon);
}

/* Asks for the cluster until its answer has an array of nodes, or has none any more. */
static json_t *await_nodes(struct daemon *daemon, bool known)
{
    for (long long until = now_ms() + PATIENCE_MS;;) {
        json_t *reply = daemon_ask(daemon, "cluster", NULL);
        assert_string_equal(message_type(reply), "cluster");
        if (json_is_array(json_object_get(reply, "nodes")) == known) {
            return reply;
        }
        json_decref(reply);
        assert_true(now_ms() < until);
        pause_between_looks();
    }
}

static void assert_place(const json_t *reply, const char *camera, const char *place, const char *node)
{
    const json_t *where = json_object_get(json_object_get(reply, "cameras"), camera);

    assert_string_equal(message_string(where, "place", ""), place);
    assert_string_equal(message_string(where, "node", "nobody"), node);
}

static void await_place(struct daemon *daemon, const char *camera, const char *place)
{
    for (long long until = now_ms() + PATIENCE_MS;;) {
        json_t *reply = daemon_ask(daemon, "cluster", camera);
        const json_t *where = json_object_get(reply, "cameras");
        assert_int_equal(json_object_size(where), 1);
        bool there = strcmp(message_string(json_object_get(where, camera), "place", ""), place) == 0;
        json_decref(reply);
        if (there) {
            return;
        }
        assert_true(now_ms() < until);
        pause_between_looks();
    }
}

/* Waits until the reason for which there is no connection is WHY; NULL: there is none. */
static void await_why(struct daemon *daemon, const char *why)
{
    for (long long until = now_ms() + PATIENCE_MS;;) {
        json_t *reply = daemon_ask(daemon, "cluster", NULL);
        const char *said = message_string(json_object_get(reply, "relay"), "why", NULL);
        bool so = why ? said && strcmp(said, why) == 0 : !said;
        json_decref(reply);
        if (so) {
            return;
        }
        assert_true(now_ms() < until);
        pause_between_looks();
    }
}

static void assert_error(struct daemon *daemon, const char *request, const char *code)
{
    json_t *reply = daemon_ask_text(daemon, request);

    assert_string_equal(message_string(reply, "code", ""), code);
    json_decref(reply);
}

static void what_is_known_of_the_cluster_is_answered(void **state)
{
    const struct camera_line three[] = {{"own", "stream"},
                                        {"far", "ringcast://b/linked"},
                                        {"both", "stream\"; nodes = ( \"a\", \"b\" ); transport = \"tcp"},
                                        {NULL, NULL}};
    struct daemon daemon;

    (void)state;
    init(&daemon);
    configure_with(&daemon, three, "");
    daemon_start(&daemon);
    await_relay(&daemon, "running", 0);
    json_t *reply = await_nodes(&daemon, false);
    assert_string_equal(message_string(json_object_get(reply, "cluster"), "node", ""), "a");
    assert_place(reply, "own", "own", "a");
    assert_place(reply, "far", "node", "b");
    assert_place(reply, "both", "none", "nobody");
    assert_string_equal(message_string(json_object_get(reply, "relay"), "state", ""), "running");
    assert_true(json_is_false(json_object_get(json_object_get(reply, "relay"), "connected")));
    assert_true(json_is_null(json_object_get(reply, "central")));
    json_decref(reply);
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster-config\"}", "no-central");
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster-apply\",\"cameras\":{},\"by\":\"x\"}", "no-key");
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster-apply\",\"cameras\":{}}", "malformed");

    daemon_order(&daemon, "relay-alone");
    await_why(&daemon, "it refuses this node");
    daemon_order(&daemon, "relay-views");
    await_place(&daemon, "both", "node");
    await_why(&daemon, NULL);
    reply = await_nodes(&daemon, true);
    assert_place(reply, "both", "node", "b");
    const json_t *relay = json_object_get(reply, "relay");
    assert_true(json_is_true(json_object_get(relay, "connected")));
    assert_int_equal(message_integer(relay, "jumps", 0), 2);
    assert_true(json_is_true(json_object_get(reply, "watched")));
    const json_t *nodes = json_object_get(reply, "nodes");
    assert_int_equal(json_array_size(nodes), 2);
    assert_true(json_is_null(json_object_get(json_array_get(nodes, 0), "silent_s")));
    assert_true(json_real_value(json_object_get(json_array_get(nodes, 1), "silent_s")) > 0);
    assert_int_equal(message_integer(json_array_get(nodes, 1), "cameras", 0), 7);
    json_decref(reply);

    /* What a relay has said is forgotten with it. */
    daemon_order(&daemon, "relay-dies");
    json_decref(await_nodes(&daemon, false));
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster\",\"camera\":\"frr\"}", "no-such-camera");
    daemon_finish(&daemon);
}

static void draining_is_told_to_every_relay(void **state)
{
    struct daemon daemon;

    (void)state;
    init(&daemon);
    daemon_start(&daemon);
    pid_t first = await_relay(&daemon, "running", 0);
    daemon_wait_file(&daemon, "relay.log", "\"draining\":false");
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster-drain\",\"on\":1}", "malformed");
    json_t *reply = daemon_ask_text(&daemon, "{\"v\":1,\"type\":\"cluster-drain\",\"on\":true}");
    assert_string_equal(message_type(reply), "ok");
    json_decref(reply);
    daemon_wait_file(&daemon, "relay.log", "{\"on\":true,\"type\":\"drain\",\"v\":1}");
    daemon_order(&daemon, "relay-dies");
    await_relay(&daemon, "running", first);
    daemon_wait_file(&daemon, "relay.log", "\"draining\":true");
    reply = daemon_ask_text(&daemon, "{\"v\":1,\"type\":\"cluster-drain\",\"on\":false}");
    assert_string_equal(message_type(reply), "ok");
    json_decref(reply);
    daemon_wait_file(&daemon, "relay.log", "{\"on\":false,\"type\":\"drain\",\"v\":1}");

    /* Without a cluster there is nothing to ask for. */
    const struct camera_line own[] = {{"own", "stream"}, {NULL, NULL}};
    daemon_reconfigure(&daemon, 0, own);
    reload(&daemon, "reloaded");
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster\"}", "no-cluster");
    assert_error(&daemon, "{\"v\":1,\"type\":\"cluster-drain\",\"on\":true}", "no-cluster");
    daemon_finish(&daemon);
}

static void assert_refused(struct daemon *daemon, const char *message)
{
    daemon_launch(daemon);
    assert_int_equal(daemon_wait_exit(daemon), 1);
    if (!daemon_file_has(daemon, "log", message)) {
        fail_msg("the log does not say: %s", message);
    }
}

static void what_is_missing_is_named(void **state)
{
    struct daemon daemon;
    char directory[96], message[256];

    (void)state;
    init(&daemon);
    write_file(&daemon, "a.creds", SEED "\n", 0644);
    snprintf(message, sizeof(message), ": cluster.credentials: %s/a.creds: other users may read or change it",
             daemon.dir);
    assert_refused(&daemon, message);
    write_file(&daemon, "a.creds", "password\n", 0600);
    snprintf(message, sizeof(message),
             ": cluster.credentials: %s/a.creds: neither a credentials file of NATS", daemon.dir);
    assert_refused(&daemon, message);
    write_file(&daemon, "a.creds", SEED "\n", 0600);
    write_file(&daemon, "ca.pem", "-----BEGIN PUBLIC KEY-----\n", 0644);
    snprintf(message, sizeof(message), "ca = \"%s/ca.pem\";", daemon.dir);
    configure(&daemon, message);
    snprintf(message, sizeof(message), ": cluster.ca: %s/ca.pem: no certificate in PEM form", daemon.dir);
    assert_refused(&daemon, message);

    write_file(&daemon, "cameras.key", "0123456789abcdef\n", 0600);
    snprintf(message, sizeof(message), "config_key = \"%s/cameras.key\";", daemon.dir);
    configure(&daemon, message);
    snprintf(message, sizeof(message),
             ": cluster.config_key: %s/cameras.key: not a key of 64 hexadecimal digits", daemon.dir);
    assert_refused(&daemon, message);

    configure(&daemon, "");
    snprintf(directory, sizeof(directory), "%s/bin", daemon.dir); /* a directory without programs */
    assert_int_equal(mkdir(directory, 0700), 0);
    snprintf(
        message, sizeof(message),
        "cluster: %s/bin/ringcast-relay is not there: install ringcast-relay, or remove cluster = { … }; "
        "from the configuration",
        daemon.dir);
    assert_refused(&daemon, message);
    daemon_require_nothing_left(&daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_relay_runs_while_there_is_a_cluster),
        cmocka_unit_test(a_worker_comes_together_with_the_relay),
        cmocka_unit_test(it_is_taken_over),
        cmocka_unit_test(what_is_known_of_the_cluster_is_answered),
        cmocka_unit_test(draining_is_told_to_every_relay),
        cmocka_unit_test(what_is_missing_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
