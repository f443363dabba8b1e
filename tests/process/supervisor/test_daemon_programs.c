/* SPDX-License-Identifier: MIT */
/*
 * Programs on demand: when they are started, told, ended, started again and taken over. The fan-out and the program are stand-ins
 * (fake_fanout.c, fake_snapshot.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

static const struct camera_line cameras[] = {{"a", "one"}, {NULL, NULL}};

/* Has the fan-out say that it has a question. */
static void want(struct daemon *daemon)
{
    char path[160], new_path[170];

    snprintf(path, sizeof(path), "%s/fanout-says", daemon->dir);
    snprintf(new_path, sizeof(new_path), "%s.new", path);
    FILE *file = fopen(new_path, "w");
    assert_non_null(file);
    fputs("{\"v\":1,\"type\":\"program-wanted\",\"program\":\"snapshot\"}", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(new_path, path), 0);
    daemon_ask_viewer_port(daemon);
}

/* Waits until the program is in STATE and was started STARTS times; its process id, 0: none. */
static pid_t await_state(struct daemon *daemon, const char *state, json_int_t starts)
{
    long long until = now_ms() + PATIENCE_MS;

    for (;;) {
        json_t *status = daemon_status(daemon);
        const json_t *program = json_object_get(json_object_get(status, "programs"), "snapshot");
        bool there = strcmp(message_string(program, "state", ""), state) == 0 &&
                     message_integer(program, "starts", -1) == starts;
        pid_t pid = (pid_t)message_integer(program, "pid", 0);
        json_decref(status);
        if (there) {
            return pid;
        }
        assert_true(now_ms() < until);
        pause_between_looks();
    }
}

static void a_program_runs_while_it_is_wanted(void **state)
{
    struct daemon daemon = {.quick = true};

    (void)state;
    daemon_init(&daemon, 0, cameras);
    daemon_start(&daemon);
    json_t *status = daemon_status(&daemon);
    assert_true(json_is_null(json_object_get(json_object_get(status, "programs"), "snapshot")));
    json_decref(status);

    want(&daemon);
    pid_t first = await_state(&daemon, "running", 1);
    assert_true(first > 0);
    daemon_wait_file(&daemon, "fanout.log", "\"program\":\"snapshot\",\"type\":\"program-channel\",\"v\":1}");
    daemon_wait_file(&daemon, "snapshot.log", "{\"index\":0,\"type\":\"client\",\"v\":1}");
    assert_true(daemon_file_has(&daemon, "snapshot.log", "\"avoid\":{},"));
    assert_true(daemon_file_has(&daemon, "snapshot.log", "{\"name\":\"a\",\"remote\":null,\"state\":"));
    assert_true(daemon_file_has(&daemon, "snapshot.log", "\"type\":\"camera-state\""));

    /* It dies of a camera: the next one is told so. */
    daemon_order(&daemon, "snapshot-dies");
    daemon_wait_file(&daemon, "snapshot.log", "\"avoid\":{\"a\":");
    assert_true(await_state(&daemon, "running", 1) != first);

    daemon_order(&daemon, "snapshot-idle");
    assert_int_equal(await_state(&daemon, "stopped", 1), 0);
    want(&daemon);
    assert_true(await_state(&daemon, "running", 2) > 0);
    status = daemon_status(&daemon);
    assert_int_equal(
        message_integer(json_object_get(json_object_get(status, "programs"), "snapshot"), "restarts", -1), 1);
    json_decref(status);
    daemon_finish(&daemon);
}

static void it_is_taken_over(void **state)
{
    struct daemon daemon = {.quick = true};

    (void)state;
    daemon_init(&daemon, 0, cameras);
    daemon_start(&daemon);
    want(&daemon);
    pid_t before = await_state(&daemon, "running", 1);
    daemon_kill(&daemon);
    daemon_start(&daemon);
    assert_int_equal(await_state(&daemon, "running", 0), before);
    daemon_order(&daemon, "snapshot-idle");
    assert_int_equal(await_state(&daemon, "stopped", 0), 0);
    daemon_finish_adopted(&daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_runs_while_it_is_wanted),
        cmocka_unit_test(it_is_taken_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
