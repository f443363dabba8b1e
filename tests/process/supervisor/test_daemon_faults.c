/* SPDX-License-Identifier: MIT */
/* Children that die, hang or misbehave: what ringcastd does about each, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

static void start(struct daemon *daemon, bool quick, const struct camera_line *cameras)
{
    daemon_init(daemon, 0, cameras);
    daemon->quick = quick;
    daemon_start(daemon);
}

static void start_two(struct daemon *daemon, bool quick, const char *path)
{
    const struct camera_line cameras[] = {{"front", path}, {"back", "stream"}, {NULL, NULL}};

    start(daemon, quick, cameras);
}

/* Kill -9: back within half a second, on the same ring, and the other camera is untouched. */
static void a_killed_worker_comes_back(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, false, "stream");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t back = daemon_wait_camera(&daemon, "back", "streaming", 0);
    long long begin = now_ms();
    kill(front, SIGKILL);
    pid_t next = daemon_wait_camera(&daemon, "front", "streaming", front);
    long long took = now_ms() - begin;
    assert_int_not_equal(next, front);
    assert_in_range(took, 0, 500);
    assert_int_equal(daemon_wait_camera(&daemon, "back", "streaming", 0), back);
    assert_true(daemon_file_has(&daemon, "log", "killed by signal 9 (SIGKILL); next start in"));
    assert_true(daemon_file_has(&daemon, "fanout.log", "\"error\":\"killed by signal 9 (SIGKILL)\""));
    json_t *status = daemon_status(&daemon);
    assert_int_equal(message_integer(status_camera(status, "front"), "restarts", -1), 1);
    assert_int_equal(message_integer(status_camera(status, "back"), "restarts", -1), 0);
    assert_true(json_is_null(json_object_get(status_camera(status, "front"), "error")));
    json_decref(status);
    daemon_finish(&daemon);
}

static void a_worker_that_cannot_live_is_failed(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, true, "exit");
    daemon_wait_camera(&daemon, "front", "failed", 0);
    json_t *status = daemon_status(&daemon);
    json_t *front = status_camera(status, "front");
    if (json_is_string(json_object_get(front, "error"))) {
        assert_string_equal(message_string(front, "error", ""), "exited with code 7");
    }
    assert_true(message_integer(front, "restarts", 0) >= 9);
    assert_string_equal(message_string(status_camera(status, "back"), "state", ""), "streaming");
    json_decref(status);
    assert_true(daemon_file_has(&daemon, "log", "camera front: starting -> backoff: exited with code 7"));
    daemon_finish(&daemon);
}

/* Each of these is killed for what it does, and said so. */
static void misbehaving_workers_are_killed(void **state)
{
    static const struct {
        const char *path, *text;
    } cases[] = {
        {"silent", "camera front: starting -> backoff: killed: said nothing for"},
        {"hang", "camera front: streaming -> backoff: killed: said nothing for"},
        {"garbage", "camera front: starting -> backoff: killed: sent malformed messages"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct daemon daemon;
        start_two(&daemon, true, cases[i].path);
        pid_t back = daemon_wait_camera(&daemon, "back", "streaming", 0);
        daemon_wait_file(&daemon, "log", cases[i].text);
        assert_int_equal(daemon_wait_camera(&daemon, "back", "streaming", 0), back);
        daemon_finish(&daemon);
    }
}

static void a_killed_fanout_comes_back(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, false, "stream");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t fanout = daemon_ask_viewer_port(&daemon);
    long long begin = now_ms();
    kill(fanout, SIGKILL);
    pid_t next = daemon_ask_viewer_port(&daemon); /* no viewer is refused meanwhile */
    assert_in_range(now_ms() - begin, 0, 1000);
    assert_int_not_equal(next, fanout);
    assert_int_equal(daemon_wait_service(&daemon, "fanouts", fanout), next);
    json_t *status = daemon_status(&daemon);
    assert_int_equal(message_integer(json_array_get(json_object_get(status, "fanouts"), 0), "restarts", -1),
                     1);
    assert_int_equal(message_integer(status_camera(status, "front"), "pid", -1), front);
    json_decref(status);
    daemon_finish(&daemon);
}

/* The new fan-out knows what the old one knew. */
static void a_new_fanout_is_told_everything(void **state)
{
    struct daemon daemon;
    char path[128];

    (void)state;
    start_two(&daemon, false, "stream");
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_wait_camera(&daemon, "back", "streaming", 0);
    pid_t fanout = daemon_ask_viewer_port(&daemon);
    snprintf(path, sizeof(path), "%s/fanout.log", daemon.dir);
    kill(fanout, SIGSTOP);
    assert_int_equal(unlink(path), 0);
    kill(fanout, SIGKILL);
    daemon_wait_service(&daemon, "fanouts", fanout);
    daemon_wait_file(&daemon, "fanout.log", "\"type\":\"listen\"");
    daemon_wait_file(&daemon, "fanout.log",
                     "{\"name\":\"back\",\"remote\":null,\"state\":\"streaming\",\"type\":\"camera-add\"");
    daemon_wait_file(
        &daemon, "fanout.log",
        "{\"audio\":null,\"audio_error\":null,\"codecs\":\"avc1.64001F\",\"crop\":null,\"error\":null,"
        "\"height\":720,\"look_back\":0,\"mirror\":false,\"name\":\"front\",\"nodes\":null,\"one_session\":"
        "false,"
        "\"remote\":null,\"site\":null,\"state\":"
        "\"streaming\",\"type\":\"camera-state\",\"v\":1,\"width\":1280}");
    daemon_finish(&daemon);
}

static void a_deaf_fanout_is_replaced(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, (const struct camera_line[]){{"front", "flap"}, {NULL, NULL}});
    daemon.quick = true;
    daemon_order(&daemon, "fanout-deaf");
    daemon_start(&daemon);
    daemon_wait_file(&daemon, "log", "fanout: running -> backoff: killed: took no messages for");
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_wait_file(&daemon, "fanout.log", "\"state\":\"streaming\",\"type\":\"camera-state\"");
    daemon_finish(&daemon);
}

/* The death of the fork server touches no worker, and workers are forked again when it is back. */
static void a_killed_fork_server_comes_back(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, false, "stream");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t back = daemon_wait_camera(&daemon, "back", "streaming", 0);
    pid_t fork_server = daemon_wait_service(&daemon, "template", 0);
    kill(fork_server, SIGKILL);
    kill(front, SIGKILL);
    daemon_wait_camera(&daemon, "front", "streaming", front);
    assert_int_not_equal(daemon_wait_service(&daemon, "template", fork_server), fork_server);
    assert_int_equal(daemon_wait_camera(&daemon, "back", "streaming", 0), back);
    daemon_finish(&daemon);
}

/* How many processes of ringcastd have exactly the state STATE, 0: any. */
static int count_children(const struct daemon *daemon, char state)
{
    char path[64], line[512], found_state;
    int parent, count = 0;
    DIR *proc = opendir("/proc");

    for (struct dirent *entry; (entry = readdir(proc));) {
        snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
        FILE *file = atoi(entry->d_name) > 0 ? fopen(path, "re") : NULL;
        if (!file) {
            continue;
        }
        if (fgets(line, sizeof(line), file) && strrchr(line, ')') &&
            sscanf(strrchr(line, ')'), ") %c %d", &found_state, &parent) == 2 && parent == daemon->pid) {
            count += state == 0 || state == found_state;
        }
        fclose(file);
    }
    closedir(proc);
    return count;
}

/* ringcastd has COUNT children, no zombie among them. */
static void wait_children(const struct daemon *daemon, int count)
{
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        if (count_children(daemon, 0) == count && count_children(daemon, 'Z') == 0) {
            return;
        }
    }
    fail_msg("%d children, %d zombies", count_children(daemon, 0), count_children(daemon, 'Z'));
}

/* A worker whose process id was lost with its fork server is ended before the next one gets the ring. */
static void a_lost_worker_is_ended(void **state)
{
    const struct camera_line cameras[][2] = {{{"front", "stream"}, {NULL, NULL}},
                                             {{"front", "stubborn"}, {NULL, NULL}}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct daemon daemon;
        daemon_init(&daemon, 0, cameras[i]);
        daemon.quick = true;
        daemon_start(&daemon);
        daemon_order(&daemon, "fork-server-dies-in-spawn");
        pid_t first = daemon_wait_camera(&daemon, "front", "streaming", 0);
        kill(first, SIGKILL);
        daemon_wait_camera(&daemon, "front", "streaming", first);
        wait_children(&daemon, 4); /* keeper, fan-out, fork_server, worker */
        daemon_finish(&daemon);
    }
}

static void a_fork_server_that_does_not_fork_is_replaced(void **state)
{
    struct daemon daemon;
    char order[128];

    (void)state;
    start_two(&daemon, true, "stream");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t back = daemon_wait_camera(&daemon, "back", "streaming", 0);
    daemon_order(&daemon, "fork-server-deaf");
    kill(front, SIGKILL);
    daemon_wait_file(&daemon, "log", "fork server: running -> backoff: killed: forked no worker within");
    snprintf(order, sizeof(order), "%s/fork-server-deaf", daemon.dir);
    assert_int_equal(unlink(order), 0);
    daemon_wait_camera(&daemon, "front", "streaming", front);
    assert_int_equal(daemon_wait_camera(&daemon, "back", "streaming", 0), back);
    daemon_finish(&daemon);
}

static void a_refused_fork_is_tried_again(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, false, "stream");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_order(&daemon, "fork-server-refuses");
    kill(front, SIGKILL);
    daemon_wait_file(&daemon, "log", "camera front: starting -> backoff: no more processes");
    daemon_wait_camera(&daemon, "front", "streaming", front);
    daemon_finish(&daemon);
}

/* A worker that promised a heartbeat and hangs is aborted; how it ended, and what it said last, is in the
 * status. */
static void a_worker_that_hangs_is_aborted(void **state)
{
    struct daemon daemon;
    bool seen = false;

    (void)state;
    start_two(&daemon, true, "spin");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_wait_camera(&daemon, "front", "streaming", front);
    for (long long end = now_ms() + PATIENCE_MS; !seen && now_ms() < end; pause_between_looks()) {
        json_t *status = daemon_status(&daemon);
        const json_t *last = json_object_get(status_camera(status, "front"), "last_exit");
        const json_t *log = json_object_get(last, "log");
        const char *line = json_string_value(json_array_get(log, json_array_size(log) - 1));
        seen = strcmp(message_string(last, "reason", ""), "killed: gave no sign of life") == 0 && line &&
               strstr(line, "about to spin");
        json_decref(status);
    }
    assert_true(seen);
    daemon_finish(&daemon);
}

static void a_killed_keeper_comes_back(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, false, "stream");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t keeper = daemon_wait_service(&daemon, "keeper", 0);
    kill(keeper, SIGKILL);
    daemon_wait_service(&daemon, "keeper", keeper);
    assert_int_equal(daemon_wait_camera(&daemon, "front", "streaming", 0), front);
    daemon_finish(&daemon);
}

/* A child of a worker loses its parent and comes to ringcastd, which knows nothing of it. */
static void orphans_are_reaped(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, false, "orphan");
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    kill(front, SIGKILL);
    daemon_wait_camera(&daemon, "front", "streaming", front);
    wait_children(&daemon, 5); /* keeper, fan-out, fork_server, two workers */
    daemon_finish(&daemon);
}

/* Everything that can be killed is killed at once, a few times over. */
static void survives_a_massacre(void **state)
{
    struct daemon daemon;

    (void)state;
    start_two(&daemon, true, "stream");
    for (int round = 0; round < 5; round++) {
        pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
        pid_t back = daemon_wait_camera(&daemon, "back", "streaming", 0);
        pid_t fanout = daemon_wait_service(&daemon, "fanouts", 0);
        pid_t fork_server = daemon_wait_service(&daemon, "template", 0);
        kill(fork_server, SIGKILL);
        kill(front, SIGKILL);
        kill(fanout, SIGKILL);
        kill(back, SIGKILL);
        daemon_wait_camera(&daemon, "front", "streaming", front);
        daemon_wait_camera(&daemon, "back", "streaming", back);
        daemon_wait_service(&daemon, "fanouts", fanout);
    }
    wait_children(&daemon, 5);
    daemon_finish(&daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_worker_comes_back),
        cmocka_unit_test(a_worker_that_cannot_live_is_failed),
        cmocka_unit_test(misbehaving_workers_are_killed),
        cmocka_unit_test(a_killed_fanout_comes_back),
        cmocka_unit_test(a_new_fanout_is_told_everything),
        cmocka_unit_test(a_deaf_fanout_is_replaced),
        cmocka_unit_test(a_killed_fork_server_comes_back),
        cmocka_unit_test(a_lost_worker_is_ended),
        cmocka_unit_test(a_fork_server_that_does_not_fork_is_replaced),
        cmocka_unit_test(a_refused_fork_is_tried_again),
        cmocka_unit_test(a_worker_that_hangs_is_aborted),
        cmocka_unit_test(a_killed_keeper_comes_back),
        cmocka_unit_test(orphans_are_reaped),
        cmocka_unit_test(survives_a_massacre),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
