/* SPDX-License-Identifier: MIT */
/* ringcastd's start and end: what it prints, its exit codes, and that nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"

static const struct camera_line two_cameras[] = {{"front", "stream"}, {"back", "stream"}, {NULL, NULL}};

/* Any user that is not root; "nobody" on Debian. */
#define ORDINARY_USER 65534

static void begins_serves_and_ends(void **state)
{
    struct daemon daemon;
    struct stat status;
    char path[128];

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon_start(&daemon);
    assert_int_equal(stat(daemon.runtime_dir, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    snprintf(path, sizeof(path), "%s/control.sock", daemon.runtime_dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_wait_camera(&daemon, "back", "streaming", 0);
    assert_int_equal(daemon_ask_viewer_port(&daemon), daemon_wait_service(&daemon, "fanouts", 0));
    daemon_wait_file(&daemon, "workers.log", "front auto-tcp c4nary-field");
    daemon_finish(&daemon);
}

static void stop_command_ends_it(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon_start(&daemon);
    json_decref(daemon_status(&daemon));
    json_t *reply = daemon_ask(&daemon, "stop", NULL);
    assert_true(message_is(reply, "ok"));
    json_decref(reply);
    assert_int_equal(daemon_wait_exit(&daemon), 0);
    daemon_require_nothing_left(&daemon);
}

static void stubborn_children_are_killed(void **state)
{
    const struct camera_line cameras[] = {{"front", "stubborn"}, {"back", "stream"}, {NULL, NULL}};
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, cameras);
    daemon_order(&daemon, "fanout-stubborn");
    daemon_start(&daemon);
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    long long begin = now_ms();
    daemon_finish(&daemon);
    assert_true(now_ms() - begin < 5000);
}

static void stopped_processes_do_not_hold_it(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon.quick = true;
    daemon_start(&daemon);
    kill(daemon_wait_camera(&daemon, "front", "streaming", 0), SIGSTOP);
    kill(daemon_wait_service(&daemon, "template", 0), SIGSTOP);
    daemon_finish(&daemon);
}

/* Launches, and requires exit CODE and TEXT in the log, and that nothing is left. */
static void require_failure(struct daemon *daemon, int code, const char *text)
{
    daemon_launch(daemon);
    assert_int_equal(daemon_wait_exit(daemon), code);
    assert_true(daemon_file_has(daemon, "log", text));
    daemon_require_nothing_left(daemon);
}

static void fails_when_a_program_fails(void **state)
{
    static const struct {
        const char *order, *text;
    } cases[] = {
        {"fanout-exits", "cannot start: ringcast-fanout: exited with code 4"},
        {"fork-server-exits", "cannot start: ringcast-ingest: exited with code 3"},
        {"fanout-mute", "cannot start: ringcast-fanout: killed: was not ready within"},
        {"fork-server-mute", "cannot start: ringcast-ingest: killed: was not ready within"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct daemon daemon;
        daemon_init(&daemon, 0, two_cameras);
        daemon.quick = true;
        daemon_order(&daemon, cases[i].order);
        require_failure(&daemon, 1, cases[i].text);
    }
}

static void fails_when_the_address_is_taken(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct daemon daemon;
    char text[96];

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    daemon_init(&daemon, ntohs(address.sin_port), two_cameras);
    snprintf(text, sizeof(text), "cannot listen on 127.0.0.1:%d: Address already in use; another program",
             ntohs(address.sin_port));
    require_failure(&daemon, 1, text);
    close(fd);
}

static void refuses_an_open_directory(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    assert_int_equal(mkdir(daemon.runtime_dir, 0700), 0);
    assert_int_equal(chmod(daemon.runtime_dir, 0755), 0);
    daemon_launch(&daemon);
    assert_int_equal(daemon_wait_exit(&daemon), 1);
    assert_true(daemon_file_has(&daemon, "log", "is open to others (mode 0755): `chmod 700"));
    assert_int_equal(rmdir(daemon.runtime_dir), 0);
    daemon_require_nothing_left(&daemon);
}

static void keeps_a_directory_that_it_did_not_make(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    assert_int_equal(mkdir(daemon.runtime_dir, 0700), 0);
    daemon_start(&daemon);
    daemon_stop(&daemon, SIGINT);
    assert_int_equal(rmdir(daemon.runtime_dir), 0); /* there, and empty */
    daemon_require_nothing_left(&daemon);
}

static void a_second_one_is_refused(void **state)
{
    struct daemon daemon;
    char text[64];

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon_start(&daemon);
    struct daemon second = daemon;
    daemon_launch(&second);
    assert_int_equal(daemon_wait_exit(&second), 1);
    snprintf(text, sizeof(text), "another ringcastd (pid %d) already uses", (int)daemon.pid);
    assert_true(daemon_file_has(&daemon, "log", text));
    json_decref(daemon_status(&daemon)); /* the first one is unharmed */
    daemon_finish(&daemon);
}

static void a_wrong_configuration_starts_nothing(void **state)
{
    const struct camera_line twice[] = {{"front", "stream"}, {"front", "stream"}, {NULL, NULL}};
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, twice);
    require_failure(&daemon, 2, "ringcast.conf:");
    daemon_init(&daemon, 0, twice);
    daemon.background = true;
    require_failure(&daemon, 2, "ringcast.conf:");
}

/* Kill -9 of ringcastd: the next one takes processes, address and rings over. */
static void the_next_one_takes_over(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon_start(&daemon);
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t fanout = daemon_wait_service(&daemon, "fanouts", 0);
    int port = daemon.port;
    daemon_kill(&daemon);
    daemon_start(&daemon);
    assert_int_equal(daemon.port, port);
    assert_int_equal(daemon_wait_camera(&daemon, "front", "streaming", 0), front);
    assert_int_equal(daemon_wait_service(&daemon, "fanouts", 0), fanout);
    daemon_finish_adopted(&daemon);
}

/* Without a next one, the keeper ends everything when the lease is over. */
static void nobody_takes_over(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon.quick = true;
    daemon_start(&daemon);
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_kill(&daemon);
    daemon_wait_adopted();
    daemon_require_nothing_left(&daemon);
}

/* Also if the run-time directory, and what it was in, is gone by then: rings and processes are known. */
static void nothing_stays_without_a_directory(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon.quick = true;
    daemon_start(&daemon);
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_kill(&daemon);
    remove_tree(daemon.dir);
    daemon_wait_adopted();
    daemon_require_nothing_left(&daemon);
}

/* A ringcastd that begins while the keeper clears up waits for it, and begins from nothing. */
static void begins_at_the_end_of_the_lease(void **state)
{
    const struct camera_line cameras[] = {{"front", "stubborn"}, {NULL, NULL}};
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, cameras);
    daemon.quick = true;
    daemon_start(&daemon);
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_kill(&daemon);
    daemon_wait_file(&daemon, "log", "no ringcastd has come");
    daemon_start(&daemon);
    assert_int_not_equal(daemon_wait_camera(&daemon, "front", "streaming", 0), front);
    daemon_finish_adopted(&daemon);
}

/* In the background: the command returns when the daemon is ready, and with its exit code if it fails. */
static void goes_to_the_background(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, two_cameras);
    daemon.background = true;
    daemon_launch(&daemon);
    assert_int_equal(daemon_wait_exit(&daemon), 0);
    json_t *status = daemon_status(&daemon);
    daemon.pid = (pid_t)message_integer(status, "pid", 0);
    assert_int_equal(sscanf(message_string(status, "address", ""), "http://127.0.0.1:%d/", &daemon.port), 1);
    assert_int_equal(getsid(daemon.pid) != getsid(0), true);
    assert_int_not_equal(getsid(daemon.pid), daemon.pid);
    json_decref(status);
    daemon_wait_camera(&daemon, "front", "streaming", 0);
    daemon_finish(&daemon);

    daemon_init(&daemon, 0, two_cameras);
    daemon.background = true;
    daemon_order(&daemon, "fork-server-exits");
    daemon_launch(&daemon);
    assert_int_equal(daemon_wait_exit(&daemon), 1);
    while (waitpid(-1, NULL, 0) > 0) {
        /* the daemon proper, which came to us */
    }
    daemon_require_nothing_left(&daemon);
}

static void two_instances_of_an_ordinary_user(void **state)
{
    struct daemon daemons[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        daemon_init(&daemons[i], 0, two_cameras);
        if (geteuid() == 0) {
            daemons[i].uid = ORDINARY_USER;
        }
        daemon_start(&daemons[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        daemon_wait_camera(&daemons[i], "front", "streaming", 0);
    }
    assert_string_not_equal(daemons[0].instance, daemons[1].instance);
    daemon_stop(&daemons[0], SIGTERM);
    daemon_wait_camera(&daemons[1], "front", "streaming", 0);
    daemon_stop(&daemons[1], SIGTERM);
    daemon_require_nothing_left(&daemons[0]);
    daemon_require_nothing_left(&daemons[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_serves_and_ends),
        cmocka_unit_test(stop_command_ends_it),
        cmocka_unit_test(stubborn_children_are_killed),
        cmocka_unit_test(stopped_processes_do_not_hold_it),
        cmocka_unit_test(fails_when_a_program_fails),
        cmocka_unit_test(fails_when_the_address_is_taken),
        cmocka_unit_test(refuses_an_open_directory),
        cmocka_unit_test(keeps_a_directory_that_it_did_not_make),
        cmocka_unit_test(a_second_one_is_refused),
        cmocka_unit_test(a_wrong_configuration_starts_nothing),
        cmocka_unit_test(the_next_one_takes_over),
        cmocka_unit_test(nobody_takes_over),
        cmocka_unit_test(nothing_stays_without_a_directory),
        cmocka_unit_test(begins_at_the_end_of_the_lease),
        cmocka_unit_test(goes_to_the_background),
        cmocka_unit_test(two_instances_of_an_ordinary_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
