/* SPDX-License-Identifier: MIT */
/* The control socket: every command, every error, and clients that do not behave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "tests/process/supervisor/daemon_fixture.h"
#include "tests/support/patience.h"

static const struct camera_line cameras[] = {{"front", "stream"}, {"Hof \\\"1\\\"", "stream"}, {NULL, NULL}};

/* The user "nobody" on Debian. */
#define STRANGER 65534

static void start(struct daemon *daemon)
{
    daemon_init(daemon, 0, cameras);
    daemon_start(daemon);
    daemon_wait_camera(daemon, "front", "streaming", 0);
}

static bool member_is(const json_t *object, const char *name, json_type type)
{
    const json_t *member = json_object_get(object, name);

    return member && json_typeof(member) == type;
}

/* Waits until a status says that CAMERA has sent stats. */
static json_t *status_with_stats(struct daemon *daemon)
{
    for (long long end = now_ms() + PATIENCE_MS; now_ms() < end; pause_between_looks()) {
        json_t *status = daemon_status(daemon);
        if (message_integer(status_camera(status, "front"), "fragments", 0) > 0 &&
            message_integer(status_camera(status, "front"), "viewers", 0) > 0) {
            return status;
        }
        json_decref(status);
    }
    fail_msg("no stats");
    return NULL;
}

static void status_has_the_documented_shape(void **state)
{
    struct daemon daemon;
    char address[64];

    (void)state;
    start(&daemon);
    json_t *status = status_with_stats(&daemon);
    snprintf(address, sizeof(address), "http://127.0.0.1:%d/", daemon.port);
    assert_string_equal(message_string(status, "address", ""), address);
    assert_int_equal(message_integer(status, "pid", 0), daemon.pid);
    assert_string_equal(message_string(status, "version", ""), RINGCAST_VERSION);
    assert_true(json_real_value(json_object_get(status, "uptime_s")) > 0);
    json_t *fanout = json_array_get(json_object_get(status, "fanouts"), 0);
    assert_string_equal(message_string(fanout, "state", ""), "running");
    assert_int_equal(message_integer(fanout, "viewers", -1), 4);
    assert_true(message_integer(fanout, "pid", 0) > 0);
    assert_string_equal(message_string(json_object_get(status, "template"), "state", ""), "running");
    assert_int_equal(json_array_size(json_object_get(status, "cameras")), 2);
    json_t *front = status_camera(status, "front");
    assert_int_equal(message_integer(front, "viewers", -1), 2);
    assert_int_equal(message_integer(front, "width", -1), 1280);
    assert_string_equal(message_string(front, "codecs", ""), "avc1.64001F");
    assert_true(json_real_value(json_object_get(front, "fps")) == 25.0);
    assert_true(json_number_value(json_object_get(front, "bitrate")) == 2000000.0);
    assert_true(member_is(front, "error", JSON_NULL));
    assert_true(member_is(front, "since_s", JSON_REAL));
    assert_non_null(strstr(message_string(front, "ring", ""), "/ringcast."));
    status_camera(status, "Hof \"1\"");
    json_decref(status);
    daemon_finish(&daemon);
}

static void restart_replaces_the_worker(void **state)
{
    struct daemon daemon;

    (void)state;
    start(&daemon);
    pid_t front = daemon_wait_camera(&daemon, "front", "streaming", 0);
    pid_t other = daemon_wait_camera(&daemon, "Hof \"1\"", "streaming", 0);
    json_t *reply = daemon_ask(&daemon, "restart", "front");
    assert_true(message_is(reply, "ok"));
    json_decref(reply);
    daemon_wait_camera(&daemon, "front", "streaming", front);
    assert_int_equal(daemon_wait_camera(&daemon, "Hof \"1\"", "streaming", 0), other);
    assert_false(daemon_file_has(&daemon, "log", "backoff"));
    daemon_finish(&daemon);
}

static void require_error(struct daemon *daemon, const char *request, const char *code, const char *text)
{
    json_t *reply = daemon_ask_text(daemon, request);

    assert_true(message_is(reply, "error"));
    assert_string_equal(message_string(reply, "code", ""), code);
    if (!strstr(message_string(reply, "message", ""), text)) {
        fail_msg("%s lacks %s", message_string(reply, "message", ""), text);
    }
    json_decref(reply);
}

static void errors_have_codes(void **state)
{
    struct daemon daemon;

    (void)state;
    start(&daemon);
    require_error(&daemon, "{\"v\":1,\"type\":\"restart\",\"camera\":\"frnt\"}", "no-such-camera",
                  "did you mean \"front\"?");
    require_error(&daemon, "{\"v\":1,\"type\":\"restart\",\"camera\":\"elsewhere\"}", "no-such-camera",
                  "\"elsewhere\"");
    require_error(&daemon, "{\"v\":1,\"type\":\"restart\",\"camera\":7}", "malformed", "camera");
    require_error(&daemon, "{\"v\":1,\"type\":\"restart\"}", "malformed", "camera");
    require_error(&daemon, "{\"v\":2,\"type\":\"status\"}", "version", "version 1");
    require_error(&daemon, "{\"v\":1,\"type\":\"fly\"}", "unknown-type", "fly");
    require_error(&daemon, "{\"v\":1}", "malformed", "type");
    require_error(&daemon, "{\"v\":1,\"type\":\"", "malformed", "JSON");
    require_error(&daemon, "", "malformed", "JSON");
    require_error(&daemon, "{\"v\":1,\"type\":\"log\",\"process\":\"fork_server\"}", "malformed",
                  "fanout, template, keeper");
    json_decref(daemon_status(&daemon));
    daemon_finish(&daemon);
}

/* A name of many-byte characters is not cut in one of them. */
static void long_names_are_answered(void **state)
{
    struct daemon daemon;
    char request[1024] = "{\"v\":1,\"type\":\"x";

    (void)state;
    start(&daemon);
    for (int i = 0; i < 100; i++) {
        strcat(request, "\xc3\xa4");
    }
    strcat(request, "\"}");
    require_error(&daemon, request, "unknown-type", "\xc3\xa4");
    strcpy(request, "{\"v\":1,\"type\":\"restart\",\"camera\":\"x");
    for (int i = 0; i < 100; i++) {
        strcat(request, "\xc3\xa4");
    }
    strcat(request, "\"}");
    require_error(&daemon, request, "no-such-camera", "can be that long");
    daemon_finish(&daemon);
}

static int connect_raw(const struct daemon *daemon)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", daemon->runtime_dir);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/*
 * A request as NNG's ipc transport puts it on the wire: greeting, then type, length (big endian), request id,
 * body. LENGTH is what it says of itself. By hand, as nng_close of NNG 1.5 hangs now and then on what these
 * tests do.
 */
static int send_request(const struct daemon *daemon, const char *body, size_t length)
{
    static const char greeting[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    char head[13] = {1, 0, 0, 0, 0, 0, 0, 0, 0, (char)0x80, 0, 0, 1};
    int fd = connect_raw(daemon);

    for (int i = 0; i < 8; i++) {
        head[8 - i] = (char)((length + 4) >> (8 * i));
    }
    assert_int_equal(send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL), sizeof(greeting));
    assert_int_equal(send(fd, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
    /* Who announces what is not true may have been turned away by now. */
    if (send(fd, body, strlen(body), MSG_NOSIGNAL) < 0) {
        assert_int_not_equal(length, strlen(body));
    }
    return fd;
}

/* The connection is closed by the other side; what comes before is read. */
static void wait_closed(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char bytes[256];

    do {
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    } while (read(fd, bytes, sizeof(bytes)) > 0);
    close(fd);
}

/* Clients that ask and go, that connect and say nothing, or announce a giant, cost themselves only. */
static void bad_clients_cost_nothing(void **state)
{
    static const char request[] = "{\"v\":1,\"type\":\"status\"}";
    struct daemon daemon;

    (void)state;
    start(&daemon);
    int silent = connect_raw(&daemon);
    for (int i = 0; i < 20; i++) {
        close(send_request(&daemon, request, strlen(request)));
    }
    wait_closed(send_request(&daemon, request, 2 * MESSAGE_MAX));
    wait_closed(send_request(&daemon, request, SIZE_MAX / 2));
    int unfinished = send_request(&daemon, request, strlen(request) + 1);
    json_decref(daemon_status(&daemon));
    close(unfinished);
    close(silent);
    json_decref(daemon_status(&daemon));
    daemon_finish(&daemon);
}

/* Connects and hangs up before NNG has greeted, which makes NNG 1.5 stop listening. */
static void hang_up_early(const struct daemon *daemon)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", daemon->runtime_dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    /* Refused while ringcastd opens its socket again: then there is nothing to hang up on. */
    (void)connect(fd, (const struct sockaddr *)&address, sizeof(address));
    close(fd);
}

static bool answers(const struct daemon *daemon)
{
    char url[128], request[] = "{\"v\":1,\"type\":\"status\"}", *reply = NULL;
    size_t length;
    nng_socket socket;

    snprintf(url, sizeof(url), "ipc://%s/control.sock", daemon->runtime_dir);
    assert_int_equal(nng_req0_open(&socket), 0);
    nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, 500);
    bool answered = nng_dial(socket, url, NULL, 0) == 0 &&
                    nng_send(socket, request, strlen(request), 0) == 0 &&
                    nng_recv(socket, &reply, &length, NNG_FLAG_ALLOC) == 0;
    if (answered) {
        nng_free(reply, length);
    }
    nng_close(socket);
    return answered;
}

static void hanging_up_early_does_not_deafen(void **state)
{
    struct daemon daemon;

    (void)state;
    start(&daemon);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            hang_up_early(&daemon);
        }
        long long end = now_ms() + PATIENCE_MS;
        while (!answers(&daemon)) {
            assert_true(now_ms() < end);
            pause_between_looks();
        }
    }
    daemon_finish(&daemon);
}

/* Seconds of processor time that the daemon has used. */
static double processor_time(const struct daemon *daemon)
{
    clockid_t clock;
    struct timespec used;

    assert_int_equal(clock_getcpuclockid(daemon->pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* NNG 1.5 on its own never accepts again after these, and its polling thread spins. */
static void clients_may_hang_up_at_any_byte(void **state)
{
    static const char greeting[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 27, '{'};
    struct daemon daemon;

    (void)state;
    start(&daemon);
    for (size_t length = 0; length <= sizeof(greeting); length++) {
        int fd = connect_raw(&daemon);
        assert_int_equal(send(fd, greeting, length, MSG_NOSIGNAL), length);
        close(fd);
    }
    json_decref(daemon_status(&daemon));
    /* Clients that come and go while the daemon cannot run. */
    assert_int_equal(kill(daemon.pid, SIGSTOP), 0);
    for (int i = 0; i < 20; i++) {
        int fd = connect_raw(&daemon);
        send(fd, greeting, i % 2 == 0 ? 8 : 0, MSG_NOSIGNAL);
        close(fd);
    }
    assert_int_equal(kill(daemon.pid, SIGCONT), 0);
    json_decref(daemon_status(&daemon));
    double before = processor_time(&daemon);
    long long begin = now_ms();
    while (now_ms() - begin < 500) {
        pause_between_looks();
    }
    assert_true(processor_time(&daemon) - before < 0.25);
    daemon_finish(&daemon);
}

static void other_protocols_are_turned_away(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\n\r\n", "{\"v\":1,\"type\":\"stop\"}\n"};
    struct daemon daemon;

    (void)state;
    start(&daemon);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int fd = connect_raw(&daemon);
        assert_true(send(fd, texts[i], strlen(texts[i]), MSG_NOSIGNAL) > 0);
        wait_closed(fd);
    }
    json_decref(daemon_status(&daemon));
    daemon_finish(&daemon);
}

/* More clients than are let in at a time: those that say nothing keep no other client out for good. */
static void many_clients_are_served(void **state)
{
    struct daemon daemon;
    int fds[60];

    (void)state;
    start(&daemon);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        fds[i] = connect_raw(&daemon);
    }
    json_decref(daemon_status(&daemon));
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        close(fds[i]);
    }
    for (int i = 0; i < 100; i++) {
        json_decref(daemon_status(&daemon));
    }
    daemon_finish(&daemon);
}

/* In a process of another user: 0 if the connection is closed before anything can be asked. */
static int connect_as_stranger(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char byte;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (setgroups(0, NULL) < 0 || setgid(STRANGER) < 0 || setuid(STRANGER) < 0) {
        return 2;
    }
    if (strlen(path) >= sizeof(address.sun_path)) {
        return 4;
    }
    strcpy(address.sun_path, path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return 3;
    }
    /* SP handshake of REQ; a peer that is accepted answers and stays. */
    if (send(fd, "\0SP\0\0\x30\0\0", 8, MSG_NOSIGNAL) < 0) {
        return 0;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (long long end = now_ms() + 10000; now_ms() < end;) {
        if (poll(&wait, 1, 1000) == 1 && read(fd, &byte, 1) <= 0) {
            return 0;
        }
    }
    return 1;
}

/* Even if the modes were wrong, another user is turned away. */
static void strangers_are_turned_away(void **state)
{
    struct daemon daemon;
    char path[128];
    int status;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    start(&daemon);
    snprintf(path, sizeof(path), "%s/control.sock", daemon.runtime_dir);
    assert_int_equal(chmod(daemon.dir, 0755), 0);
    assert_int_equal(chmod(daemon.runtime_dir, 0755), 0);
    assert_int_equal(chmod(path, 0666), 0);
    pid_t stranger = fork();
    if (stranger == 0) {
        _exit(connect_as_stranger(path));
    }
    assert_int_equal(waitpid(stranger, &status, 0), stranger);
    assert_int_equal(status, 0);
    json_decref(daemon_status(&daemon));
    daemon_finish(&daemon);
}

static void require_ok(struct daemon *daemon, const char *request)
{
    json_t *reply = daemon_ask_text(daemon, request);

    if (!message_is(reply, "ok")) {
        fail_msg("%s: %s", request, message_string(reply, "message", "?"));
    }
    json_decref(reply);
}

/* The end of a camera does not hold up what fan-outs hear of each other's viewers. */
static void fan_outs_hear_of_each_other_while_a_camera_ends(void **state)
{
    struct daemon daemon;

    (void)state;
    daemon_init(&daemon, 0, cameras);
    daemon_configure(&daemon, "fanout = { processes = 2; };");
    daemon_start(&daemon);
    daemon_wait_file(&daemon, "fanout.log", "\"front\":2");
    require_ok(&daemon, "{\"v\":1,\"type\":\"camera-add\",\"camera\":\"gate\","
                        "\"settings\":{\"url\":\"rtsp://127.0.0.1:9/stream\"}}");
    require_ok(&daemon, "{\"v\":1,\"type\":\"camera-remove\",\"camera\":\"front\"}");
    daemon_wait_file(&daemon, "fanout.log", "\"gate\":2");
    daemon_finish(&daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_has_the_documented_shape),
        cmocka_unit_test(restart_replaces_the_worker),
        cmocka_unit_test(errors_have_codes),
        cmocka_unit_test(long_names_are_answered),
        cmocka_unit_test(bad_clients_cost_nothing),
        cmocka_unit_test(hanging_up_early_does_not_deafen),
        cmocka_unit_test(strangers_are_turned_away),
        cmocka_unit_test(clients_may_hang_up_at_any_byte),
        cmocka_unit_test(other_protocols_are_turned_away),
        cmocka_unit_test(many_clients_are_served),
        cmocka_unit_test(fan_outs_hear_of_each_other_while_a_camera_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
