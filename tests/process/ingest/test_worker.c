/* SPDX-License-Identifier: MIT */
/* The protocol of fork_server and worker, with cameras that do not work. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/blackbox.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/process/ingest/fake_camera.h"
#include "tests/process/ingest/fixture.h"
#include "tests/support/patience.h"

#define RING_SIZE (1u << 20)
#define CANARY "c4nary-pw"

/* Longest that ending may take, and what a slow machine under sanitizers adds. */
#define END_LIMIT_MS (1000 + 1500)

static char *url_for(int port)
{
    char *url = NULL;

    assert_true(asprintf(&url, "rtsp://127.0.0.1:%d/x", port) > 0);
    return url;
}

static void start_on(struct worker_process *worker, int port, const char *password)
{
    char *url = url_for(port);

    worker_send_camera(worker, url, password != NULL ? "admin" : NULL, password);
    free(url);
}

/* Waits for a `state` with an error and returns the error. */
static char *wait_error(struct worker_process *worker)
{
    for (;;) {
        json_t *state = worker_wait_message(worker, "state", NULL, NULL);
        const char *error = message_string(state, "error", NULL);
        char *copy = error != NULL ? strdup(error) : NULL;
        json_decref(state);
        if (copy != NULL) {
            return copy;
        }
    }
}

static char *proc_text(pid_t pid, const char *name)
{
    char path[64];
    char text[512] = "";

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) >= 0);
    close(fd);
    return strdup(text);
}

static void wait_log(const struct fork_server_process *fork_server, const char *text)
{
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;

    for (bool found = false; !found; poll(NULL, 0, found ? 0 : 5)) {
        char *log = fork_server_log(fork_server);
        found = strstr(log, text) != NULL;
        free(log);
        assert_true(fixture_now_ms() < deadline);
    }
}

/* A worker, not started yet, and the camera for it. */
struct scene {
    struct fork_server_process fork_server;
    struct worker_process worker;
    struct fake_camera camera;
};

/* PORT: where a camera that redirects sends its clients. */
static void begin(struct scene *scene, enum fake_kind kind, int port)
{
    fake_camera_start(&scene->camera, kind, port);
    fork_server_start(&scene->fork_server);
    worker_spawn(&scene->fork_server, &scene->worker, RING_SIZE);
}

/* Fails if the log holds the CANARY (may be NULL). */
static void end(struct scene *scene, const char *canary)
{
    worker_finish(&scene->worker);
    fake_camera_stop(&scene->camera);
    fork_server_stop(&scene->fork_server, canary);
}

static void fork_server_ends_with_its_channel(void **state)
{
    struct fork_server_process fork_server;

    (void)state;
    fork_server_start(&fork_server);
    fork_server_stop(&fork_server, NULL);
}

static void fork_server_drops_malformed_messages(void **state)
{
    static const char *const bad[] = {"{",
                                      "[]",
                                      "{\"v\":1}",
                                      "{\"v\":2,\"type\":\"spawn\",\"camera\":\"x\"}",
                                      "{\"v\":1,\"type\":\"spawn\"}",
                                      "{\"v\":1,\"type\":\"spawn\",\"camera\":7}",
                                      "{\"v\":1,\"type\":\"spawn\",\"camera\":\"x\"}",
                                      "{\"v\":1,\"type\":\"dance\"}"};
    struct fork_server_process fork_server;
    struct worker_process worker;

    (void)state;
    fork_server_start(&fork_server);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fixture_send_raw(fork_server.channel, bad[i], strlen(bad[i]));
    }
    worker_spawn(&fork_server, &worker, RING_SIZE);
    worker_finish(&worker);
    fork_server_stop(&fork_server, NULL);
}

static void worker_is_our_child_and_outlives_the_fork_server(void **state)
{
    struct fork_server_process fork_server;
    struct worker_process worker;
    struct fake_camera camera;

    (void)state;
    fake_camera_start(&camera, FAKE_SILENT, 0);
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &worker, RING_SIZE);
    char *comm = proc_text(worker.pid, "comm");
    char *stat = proc_text(worker.pid, "stat");
    int parent = 0;
    assert_string_equal(comm, "ringcast-ingest\n");
    assert_int_equal(sscanf(strrchr(stat, ')'), ") %*c %d", &parent), 1);
    assert_int_equal(parent, getpid());
    free(comm);
    free(stat);

    fork_server_stop(&fork_server, NULL);
    start_on(&worker, camera.port, NULL);
    fake_camera_wait(&camera, "OPTIONS");
    worker_finish(&worker);
    fake_camera_stop(&camera);
}

static void worker_holds_only_its_own_descriptors(void **state)
{
    struct fork_server_process fork_server;
    struct worker_process first, second;
    char path[64];

    (void)state;
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &first, RING_SIZE);
    worker_spawn(&fork_server, &second, RING_SIZE);
    /* The first thing a worker does is closing; that it waits for its channel shows that it has. */
    kill(second.pid, 0);
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;
    for (int fd = 4; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)second.pid, fd);
        while (access(path, F_OK) == 0 || faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            if (fixture_now_ms() > deadline) {
                fail_msg("the worker still holds descriptor %d", fd);
            }
            poll(NULL, 0, 5);
        }
    }
    worker_finish(&first);
    worker_finish(&second);
    fork_server_stop(&fork_server, NULL);
}

static void worker_drops_malformed_messages(void **state)
{
    static const char *const bad[] = {"nonsense", "{\"v\":1,\"type\":\"camera\"}",
                                      "{\"v\":1,\"type\":\"dance\"}"};
    struct scene scene;

    (void)state;
    begin(&scene, FAKE_SILENT, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fixture_send_raw(scene.worker.channel, bad[i], strlen(bad[i]));
    }
    start_on(&scene.worker, scene.camera.port, NULL);
    fake_camera_wait(&scene.camera, "OPTIONS");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fixture_send_raw(scene.worker.channel, bad[i], strlen(bad[i]));
    }
    end(&scene, NULL);
}

static void worker_refuses_what_is_no_ring(void **state)
{
    struct fork_server_process fork_server;
    struct worker_process worker;

    (void)state;
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &worker, RING_SIZE);
    int ring = worker.ring.writer;
    worker.ring.writer = worker.wake;
    start_on(&worker, 1, NULL);
    worker.ring.writer = ring;
    assert_int_equal(worker_wait_end(&worker), EXIT_FAILURE);
    worker_finish(&worker);
    fork_server_stop(&fork_server, NULL);
}

enum ending { END_SIGTERM, END_STOP, END_EOF };

static void end_worker(struct worker_process *worker, enum ending ending)
{
    int64_t begin = fixture_now_ms();

    if (ending == END_SIGTERM) {
        kill(worker->pid, SIGTERM);
    } else if (ending == END_STOP) {
        json_t *stop = message_new("stop");
        assert_int_equal(channel_send(worker->channel, stop, NULL, 0), 0);
        json_decref(stop);
    } else {
        shutdown(worker->channel, SHUT_RDWR);
    }
    assert_int_equal(worker_wait_end(worker), 0);
    assert_true(fixture_now_ms() - begin < END_LIMIT_MS);
}

static void worker_ends_at_once_while_connecting(void **state)
{
    struct fork_server_process fork_server;
    struct fake_camera camera;

    (void)state;
    fork_server_start(&fork_server);
    for (enum ending ending = END_SIGTERM; ending <= END_EOF; ending++) {
        struct worker_process worker;
        fake_camera_start(&camera, FAKE_SILENT, 0);
        worker_spawn(&fork_server, &worker, RING_SIZE);
        start_on(&worker, camera.port, NULL);
        fake_camera_wait(&camera, "OPTIONS");
        end_worker(&worker, ending);
        worker_finish(&worker);
        fake_camera_stop(&camera);
    }
    fork_server_stop(&fork_server, NULL);
}

static void worker_ends_at_once_while_it_waits(void **state)
{
    struct fork_server_process fork_server;
    int port;
    int listener = fake_listener(&port);

    (void)state;
    close(listener); /* nothing listens there now */
    fork_server_start(&fork_server);
    for (enum ending ending = END_SIGTERM; ending <= END_EOF; ending++) {
        struct worker_process worker;
        worker_spawn(&fork_server, &worker, RING_SIZE);
        end_worker(&worker, ending); /* no task yet */
        worker_respawn(&fork_server, &worker);
        start_on(&worker, port, NULL);
        free(wait_error(&worker));
        free(wait_error(&worker)); /* it tries again by itself */
        end_worker(&worker, ending);
        worker_finish(&worker);
    }
    fork_server_stop(&fork_server, NULL);
}

static void worker_says_goodbye_to_a_camera_that_hangs(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene, FAKE_NO_MEDIA, 0);
    start_on(&scene.worker, scene.camera.port, NULL);
    fake_camera_wait(&scene.camera, "PLAY ");
    wait_log(&scene.fork_server, "connected");
    end_worker(&scene.worker, END_SIGTERM);
    fake_camera_wait(&scene.camera, "TEARDOWN ");
    end(&scene, NULL);
}

static void wrong_password_is_told_and_not_shown(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene, FAKE_REFUSES, 0);
    start_on(&scene.worker, scene.camera.port, CANARY "/@:%?# \"");
    char *error = wait_error(&scene.worker);
    assert_non_null(strstr(error, "401"));
    assert_null(strstr(error, CANARY));
    free(error);
    end(&scene, CANARY);
}

/* ringcastd kills a worker that promises to be alive in more than a minute. */
static void a_held_worker_keeps_its_promises(void **state)
{
    struct fork_server_process fork_server;
    struct worker_process worker;
    struct blackbox *box;
    int fd;

    (void)state;
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &worker, RING_SIZE);
    json_t *message = message_new(BLACKBOX_MESSAGE);
    assert_int_equal(blackbox_create(&box, &fd), 0);
    assert_int_equal(channel_send(worker.channel, message, &fd, 1), 0);
    json_decref(message);
    close(fd);
    worker_send_held(&worker, "rtsp://127.0.0.1:9/x", CANARY, 600000);
    json_decref(worker_wait_message(&worker, "state", "state", "failed"));
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;
    int64_t ahead = 0;
    while ((ahead = (int64_t)blackbox_due_ms(box) - fixture_now_ms()) < 20000) { /* it is going to sleep */
        assert_true(fixture_now_ms() < deadline);
        poll(NULL, 0, 5);
    }
    assert_in_range(ahead, 20000, 55000);
    blackbox_close(box);
    worker_finish(&worker);
    fork_server_stop(&fork_server, CANARY);
}

static void password_in_the_url_is_not_shown(void **state)
{
    struct scene scene;
    char url[128];

    (void)state;
    begin(&scene, FAKE_REFUSES, 0);
    snprintf(url, sizeof(url), "rtsp://admin:" CANARY "/x@127.0.0.1:%d/s?password=" CANARY,
             scene.camera.port);
    worker_send_camera(&scene.worker, url, NULL, NULL);
    char *error = wait_error(&scene.worker);
    assert_non_null(strstr(error, "401"));
    assert_null(strstr(error, CANARY));
    free(error);
    end(&scene, CANARY);
}

static void redirect_does_not_carry_credentials_away(void **state)
{
    struct fork_server_process fork_server;
    struct worker_process worker;
    struct fake_camera camera, other;

    (void)state;
    fake_camera_start(&other, FAKE_REFUSES, 0);
    fake_camera_start(&camera, FAKE_REDIRECT, other.port);
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &worker, RING_SIZE);
    start_on(&worker, camera.port, CANARY);
    char *error = wait_error(&worker);
    assert_non_null(strstr(error, "redirects to another host"));
    free(error);
    worker_finish(&worker);
    char byte;
    assert_int_equal(read(other.seen, &byte, 1), -1); /* it was asked nothing at all */
    fake_camera_stop(&camera);
    fake_camera_stop(&other);
    fork_server_stop(&fork_server, CANARY);
}

static void expect_named(enum fake_kind kind, const char *name)
{
    struct scene scene;

    begin(&scene, kind, 0);
    start_on(&scene.worker, scene.camera.port, NULL);
    char *error = wait_error(&scene.worker);
    assert_non_null(strstr(error, name));
    free(error);
    end(&scene, NULL);
}

static void motion_jpeg_is_named(void **state)
{
    (void)state;
    expect_named(FAKE_MJPEG, "motion JPEG (mjpeg), which is not supported");
}

static void av1_is_named(void **state)
{
    (void)state;
    expect_named(FAKE_AV1, "\"AV1\", which is not supported");
}

/* The log and the status say so once, and neither is flooded. */
static void a_flood_of_parameter_sets_is_bounded(void **state)
{
    enum { WARM_UP = 4, STATS = 2, LINES_MAX = 60, FPS_MAX = 300, GENERATIONS_MAX = 3 };
    struct scene scene;
    json_int_t before = 0;
    bool told = false;

    (void)state;
    begin(&scene, FAKE_FLOOD, 0);
    start_on(&scene.worker, scene.camera.port, NULL);
    while (!told) {
        json_t *body = worker_wait_message(&scene.worker, "state", "state", "streaming");
        told = strstr(message_string(body, "error", ""), "changes its parameter sets all the time") != NULL;
        json_decref(body);
    }
    for (int i = 0; i < WARM_UP + STATS; i++) {
        json_t *body = worker_wait_message(&scene.worker, "stats", NULL, NULL);
        double fps = json_number_value(json_object_get(body, "fps"));
        json_int_t generation = message_integer(body, "ring_generation", 0);
        if (i >= WARM_UP) { /* what comes at once at first is taken */
            assert_true(fps > 0 && fps < FPS_MAX);
            assert_true(generation - before <= GENERATIONS_MAX);
            assert_true(message_integer(body, "withheld", 0) >
                        generation); /* more than was taken, however slow the machine */
        }
        before = generation;
        json_decref(body);
    }
    char *log = fork_server_log(&scene.fork_server);
    int lines = 0;
    for (const char *c = log; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_in_range(lines, 1, LINES_MAX);
    free(log);
    end(&scene, NULL);
}

static void unusable_urls_are_named(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "concat:/etc/passwd", "nonsense", "ftp://h/x",
                                       "rtsp://"};
    struct fork_server_process fork_server;

    (void)state;
    fork_server_start(&fork_server);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct worker_process worker;
        worker_spawn(&fork_server, &worker, RING_SIZE);
        worker_send_camera(&worker, urls[i], NULL, NULL);
        free(wait_error(&worker));
        worker_finish(&worker);
    }
    fork_server_stop(&fork_server, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork_server_ends_with_its_channel),
        cmocka_unit_test(fork_server_drops_malformed_messages),
        cmocka_unit_test(worker_is_our_child_and_outlives_the_fork_server),
        cmocka_unit_test(worker_holds_only_its_own_descriptors),
        cmocka_unit_test(worker_drops_malformed_messages),
        cmocka_unit_test(worker_refuses_what_is_no_ring),
        cmocka_unit_test(worker_ends_at_once_while_connecting),
        cmocka_unit_test(worker_ends_at_once_while_it_waits),
        cmocka_unit_test(worker_says_goodbye_to_a_camera_that_hangs),
        cmocka_unit_test(wrong_password_is_told_and_not_shown),
        cmocka_unit_test(a_held_worker_keeps_its_promises),
        cmocka_unit_test(password_in_the_url_is_not_shown),
        cmocka_unit_test(redirect_does_not_carry_credentials_away),
        cmocka_unit_test(motion_jpeg_is_named),
        cmocka_unit_test(av1_is_named),
        cmocka_unit_test(a_flood_of_parameter_sets_is_bounded),
        cmocka_unit_test(unusable_urls_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
