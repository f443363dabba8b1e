/* SPDX-License-Identifier: MIT */
/* Little room, few descriptors, many messages: what is short is said, and costs nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

/*
 * Of a ring of the fixture's size, 64 KiB and its own header, there is no room in this; in the other there
 * is.
 */
#define NO_RING_BYTES 100000
#define PLENTY_BYTES (1 << 30)

#define MANY 250
#define FEW_DESCRIPTORS 1024

static const struct camera_line one_camera[] = {{"front", "stream"}, {NULL, NULL}};

static const char add_gate[] = "{\"v\":1,\"type\":\"camera-add\",\"camera\":\"gate\","
                               "\"settings\":{\"url\":\"rtsp://127.0.0.1:9/stream\"}}";

static void limit_files(const struct daemon *daemon, rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    assert_int_equal(prlimit(daemon->pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* The command says so, the status has the camera and why, nothing else notices, and it comes by itself. */
static void a_camera_without_room_has_failed(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, one_camera);
    daemon.file_limit = PLENTY_BYTES;
    daemon_start(&daemon);
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    limit_files(&daemon, NO_RING_BYTES);
    json_t *reply = daemon_ask_text(&daemon, add_gate);
    assert_true(message_is(reply, "ok"));
    assert_non_null(strstr(message_string(reply, "failed", ""), "its ring cannot be made"));
    json_decref(reply);
    json_t *status = daemon_status(&daemon);
    json_t *gate = status_camera(status, "gate");
    assert_string_equal(message_string(gate, "state", ""), "failed");
    assert_non_null(strstr(message_string(gate, "error", ""), "its ring cannot be made"));
    assert_int_equal(message_integer(gate, "ring_size", -1), 0);
    json_decref(status);
    daemon_wait_file(&daemon, "fanout.log",
                     "\"name\":\"gate\",\"nodes\":null,\"one_session\":false,\"remote\":null,\"site\":null,"
                     "\"state\":\"failed\"");
    limit_files(&daemon, PLENTY_BYTES);
    daemon_wait_camera(&daemon, "gate", "streaming", 0);
    assert_int_equal(daemon_wait_camera(&daemon, "front", "streaming", 0), front);
    daemon_finish(&daemon);
}

/* A reload lists it among those that were added. */
static void a_reload_lists_cameras_without_room(void **state)
{
    static const struct camera_line two_cameras[] = {{"front", "stream"}, {"gate", "stream"}, {NULL, NULL}};
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, one_camera);
    daemon.file_limit = PLENTY_BYTES;
    daemon_start(&daemon);
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    limit_files(&daemon, NO_RING_BYTES);
    daemon_reconfigure(&daemon, 0, two_cameras);
    json_t *reply = daemon_ask(&daemon, "reload", NULL);
    const json_t *failed = json_object_get(reply, "failed");
    assert_string_equal(json_string_value(json_array_get(json_object_get(reply, "added"), 0)), "gate");
    assert_int_equal(json_array_size(failed), 1);
    assert_string_equal(message_string(json_array_get(failed, 0), "camera", ""), "gate");
    assert_non_null(
        strstr(message_string(json_array_get(failed, 0), "error", ""), "its ring cannot be made"));
    json_decref(reply);
    limit_files(&daemon, PLENTY_BYTES);
    daemon_wait_camera(&daemon, "gate", "streaming", 0);
    reply = daemon_ask(&daemon, "reload", NULL);
    assert_int_equal(json_array_size(json_object_get(reply, "failed")), 0);
    json_decref(reply);
    assert_int_equal(daemon_wait_camera(&daemon, "front", "streaming", 0), front);
    daemon_finish(&daemon);
}

/* At the start, too; and `restart` tries at once. */
static void a_start_without_room_serves_what_it_can(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, one_camera);
    daemon.file_limit = NO_RING_BYTES;
    daemon_start(&daemon);
    daemon_wait_camera(&daemon, "front", "failed", 0);
    assert_true(daemon_ask_viewer_port(&daemon) > 0);
    limit_files(&daemon, RLIM_INFINITY);
    json_decref(daemon_ask(&daemon, "restart", "front"));
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_finish(&daemon);
}

/* A worker that changes its state as fast as it can, and a fan-out that is slow: neither is given up. */
static void a_flood_of_states_costs_the_fan_out_nothing(void **state)
{
    const struct camera_line cameras[] = {{"front", "stream"}, {"yard", "flood"}, {NULL, NULL}};
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, cameras);
    daemon_order(&daemon, "fanout-slow");
    daemon_start(&daemon);
    pid_t fanout = daemon_wait_service(&daemon, "fanouts", 0);
    daemon_wait_file(&daemon, "fanout.log", "the last of the flood");
    assert_int_equal(daemon_wait_service(&daemon, "fanouts", 0), fanout);
    assert_false(daemon_file_has(&daemon, "log", "could not be sent to it"));
    daemon_finish(&daemon);
}

static void make_many(struct camera_line *cameras, char names[][16])
{
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "camera%zu", i);
        cameras[i] = (struct camera_line){names[i], "calm"};
    }
    cameras[MANY] = (struct camera_line){NULL, NULL};
}

/* A worker may say that it streams before the fork server has said which process it is. */
static size_t count_streaming(struct daemon *daemon)
{
    json_t *status = daemon_status(daemon), *camera;
    size_t index, streaming = 0;

    json_array_foreach(json_object_get(status, "cameras"), index, camera) {
        streaming += strcmp(message_string(camera, "state", ""), "streaming") == 0 &&
                     message_integer(camera, "pid", 0) > 0;
    }
    json_decref(status);
    return streaming;
}

static void wait_for_many(struct daemon *daemon)
{
    for (long long end = now_ms() + 2 * PATIENCE_MS; count_streaming(daemon) < MANY;) {
        if (now_ms() > end) {
            fail_msg("%zu of %d cameras", count_streaming(daemon), MANY);
        }
        pause_between_looks();
    }
}

/* Until a next ringcastd would know all: on a busy machine the keeper takes its time. */
static void wait_for_keeper(struct daemon *daemon)
{
    for (long long end = now_ms() + 2 * PATIENCE_MS;;) {
        json_t *status = daemon_status(daemon);
        long long waiting = message_integer(json_object_get(status, "keeper"), "waiting", -1);
        json_decref(status);
        assert_true(waiting >= 0);
        if (waiting == 0) {
            return;
        }
        if (now_ms() > end) {
            fail_msg("%lld messages wait for the keeper", waiting);
        }
        pause_between_looks();
    }
}

/* From one camera to many, with a soft limit that was made for few; and what is kept of them is complete. */
static void a_reload_to_many_cameras_is_served(void **state)
{
    static struct camera_line many[MANY + 1];
    static char names[MANY][16];
    struct rlimit limit;
    struct daemon daemon;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 4096) {
        skip();
    }
    daemon_init(&daemon, 0, one_camera);
    daemon.soft_descriptor_limit = FEW_DESCRIPTORS;
    daemon_start(&daemon);
    make_many(many, names);
    daemon_reconfigure(&daemon, 0, many);
    json_t *reply = daemon_ask(&daemon, "reload", NULL);
    assert_int_equal(json_array_size(json_object_get(reply, "added")), MANY);
    json_decref(reply);
    wait_for_many(&daemon);
    pid_t last = daemon_wait_camera(&daemon, names[MANY - 1], "streaming", 0);
    assert_false(daemon_file_has(&daemon, "log", "to the keeper: "));
    wait_for_keeper(&daemon);
    daemon_kill(&daemon);
    daemon_start(&daemon);
    daemon_wait_file(&daemon, "log", "took over 250 workers");
    assert_int_equal(daemon_wait_camera(&daemon, names[MANY - 1], "streaming", 0), last);
    daemon_finish_adopted(&daemon);
}

/* What there cannot be descriptors for is refused, with the numbers, and nothing has changed. */
static void too_many_cameras_are_refused(void **state)
{
    static struct camera_line many[MANY + 1];
    static char names[MANY][16];
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, one_camera);
    daemon.descriptor_limit = 140;
    daemon_start(&daemon);
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    make_many(many, names);
    daemon_reconfigure(&daemon, 0, many);
    json_t *reply = daemon_ask(&daemon, "reload", NULL);
    assert_string_equal(message_string(reply, "code", ""), "limit");
    assert_non_null(
        strstr(message_string(reply, "message", ""), "250 cameras need 1628 descriptors, and 140"));
    json_decref(reply);
    json_decref(daemon_ask_text(&daemon, add_gate)); /* 128 + 2 × 6 = 140 fit */
    daemon_wait_camera(&daemon, "gate", "streaming", 0);
    reply = daemon_ask_text(&daemon, "{\"v\":1,\"type\":\"camera-add\",\"camera\":\"barn\","
                                     "\"settings\":{\"url\":\"rtsp://127.0.0.1:9/stream\"}}");
    assert_string_equal(message_string(reply, "code", ""), "limit");
    json_decref(reply);
    assert_int_equal(daemon_wait_camera(&daemon, "front", "streaming", 0), front);
    daemon_finish(&daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_without_room_has_failed),
        cmocka_unit_test(a_reload_lists_cameras_without_room),
        cmocka_unit_test(a_start_without_room_serves_what_it_can),
        cmocka_unit_test(a_flood_of_states_costs_the_fan_out_nothing),
        cmocka_unit_test(a_reload_to_many_cameras_is_served),
        cmocka_unit_test(too_many_cameras_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
