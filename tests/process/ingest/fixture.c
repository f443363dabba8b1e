/* SPDX-License-Identifier: MIT */
#include "tests/process/ingest/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/support/patience.h"

static unsigned rings_made;

int64_t fixture_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void exec_fork_server(int channel, int log)
{
    dup2(log, STDERR_FILENO);
    /* dup2 onto itself would leave close-on-exec set. */
    int moved = fcntl(channel, F_DUPFD, CHANNEL_CHILD_FD + 1);
    dup2(moved, CHANNEL_CHILD_FD);
    close(moved);
    execl(RINGCAST_INGEST, "ringcast-ingest", "--fork-server", (char *)NULL);
    _exit(127);
}

/* As ringcastd does while nothing was refused. */
static void allow_login(int channel, const json_t *question)
{
    json_t *answer = message_pack("login-answer", "{s:I, s:s, s:I}", "id", message_integer(question, "id", 0),
                                  "verdict", "granted", "wait_ms", (json_int_t)0);

    assert_int_equal(channel_send(channel, answer, NULL, 0), 0);
    json_decref(answer);
}

static json_t *wait_message(int channel, const char *type, const char *name, const char *value)
{
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;
    struct channel_message message;

    for (;;) {
        int result = channel_receive(channel, &message);
        if (result == -EAGAIN) {
            struct pollfd readable = {.fd = channel, .events = POLLIN};
            int64_t left = deadline - fixture_now_ms();
            assert_true(left > 0);
            poll(&readable, 1, (int)left);
            continue;
        }
        if (result != 1) {
            fail_msg("waiting for %s %s: the channel gives %d", type, value != NULL ? value : "", result);
        }
        if (message_is(message.body, "login-ask")) {
            allow_login(channel, message.body);
        }
        bool matches = message_is(message.body, type) &&
                       (name == NULL || strcmp(message_string(message.body, name, ""), value) == 0);
        json_t *body = matches ? json_incref(message.body) : NULL;
        channel_message_clear(&message);
        if (matches) {
            return body;
        }
    }
}

void fork_server_start(struct fork_server_process *fork_server)
{
    int ends[2];

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fork_server->log = memfd_create("log", MFD_CLOEXEC);
    assert_true(fork_server->log >= 0);
    assert_int_equal(channel_pair(ends), 0);
    fork_server->pid = fork();
    if (fork_server->pid == 0) {
        exec_fork_server(ends[1], fork_server->log);
    }
    close(ends[1]);
    fork_server->channel = ends[0];
    json_decref(wait_message(fork_server->channel, "ready", NULL, NULL));
}

char *fork_server_log(const struct fork_server_process *fork_server)
{
    off_t size = lseek(fork_server->log, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);

    assert_non_null(text);
    assert_int_equal(pread(fork_server->log, text, (size_t)size, 0), size);
    return text;
}

/* Exit status of PID, which ends by itself. */
static int wait_end(pid_t pid)
{
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;
    const struct timespec pause = {.tv_nsec = 2000000};
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (fixture_now_ms() > deadline) {
            kill(pid, SIGKILL);
            fail_msg("process %d does not end", (int)pid);
        }
        nanosleep(&pause, NULL);
    }
    if (!WIFEXITED(status)) {
        fail_msg("process %d was killed by signal %d", (int)pid, WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}

void fork_server_stop(struct fork_server_process *fork_server, const char *canary)
{
    char *log = fork_server_log(fork_server);

    close(fork_server->channel);
    int status = wait_end(fork_server->pid);
    if (canary != NULL && strstr(log, canary) != NULL) {
        fail_msg("the log shows a secret");
    }
    if (status != 0) {
        fputs(log, stderr);
    }
    assert_int_equal(status, 0);
    free(log);
    close(fork_server->log);
}

static void start_worker(struct fork_server_process *fork_server, struct worker_process *worker)
{
    json_t *spawn = message_new("spawn");
    int ends[2];

    assert_int_equal(channel_pair(ends), 0);
    json_object_set_new(spawn, "camera", json_string("cam"));
    assert_int_equal(channel_send(fork_server->channel, spawn, &ends[1], 1), 0);
    json_decref(spawn);
    close(ends[1]);
    worker->channel = ends[0];
    json_t *spawned = wait_message(fork_server->channel, "spawned", "camera", "cam");
    worker->pid = (pid_t)message_integer(spawned, "pid", 0);
    json_decref(spawned);
    assert_true(worker->pid > 0);
}

void worker_spawn(struct fork_server_process *fork_server, struct worker_process *worker, size_t capacity)
{
    struct timespec now;
    char instance[32];
    char name[RING_NAME_SIZE];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(instance, sizeof(instance), "ingest%d-%u", (int)getpid(), rings_made++);
    assert_int_equal(ring_name(name, instance, "cam"), 0);
    assert_int_equal(ring_create(name, capacity, 0, now.tv_sec * 1000000000LL + now.tv_nsec, &worker->ring),
                     0);
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_int_equal(ringcast_open(name, &worker->reader), 0);
    assert_int_equal(ring_unlink(name), 0); /* a test that fails leaves nothing behind */
    start_worker(fork_server, worker);
}

void worker_respawn(struct fork_server_process *fork_server, struct worker_process *worker)
{
    close(worker->channel);
    start_worker(fork_server, worker);
}

static json_t *string_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static void send_camera(struct worker_process *worker, const char *url, const char *username,
                        const char *password, const char *audio_codec, int wait_ms)
{
    json_t *camera = message_new("camera");
    int fds[2] = {worker->ring.writer, worker->wake};

    json_object_set_new(camera, "name", json_string("cam"));
    json_object_set_new(camera, "url", json_string(url));
    json_object_set_new(camera, "username", string_or_null(username));
    json_object_set_new(camera, "password", string_or_null(password));
    json_object_set_new(camera, "transport", json_string("tcp"));
    json_object_set_new(camera, "audio", json_true());
    json_object_set_new(camera, "audio_codec", json_string(audio_codec));
    json_object_set_new(camera, "log_level", json_string("debug"));
    /* Credentials that have worked are tried even while a test does not look at its messages. */
    json_object_set_new(
        camera, "login",
        json_pack("{s:b, s:i, s:s}", "proven", wait_ms == 0, "wait_ms", wait_ms, "error", "held"));
    assert_int_equal(channel_send(worker->channel, camera, fds, 2), 0);
    json_decref(camera);
}

void worker_send_camera(struct worker_process *worker, const char *url, const char *username,
                        const char *password)
{
    send_camera(worker, url, username, password, "flac", 0);
}

void worker_send_held(struct worker_process *worker, const char *url, const char *password, int wait_ms)
{
    send_camera(worker, url, "admin", password, "flac", wait_ms);
}

void worker_send_camera_audio(struct worker_process *worker, const char *url, const char *audio_codec)
{
    send_camera(worker, url, NULL, NULL, audio_codec, 0);
}

json_t *worker_wait_message(struct worker_process *worker, const char *type, const char *name,
                            const char *value)
{
    return wait_message(worker->channel, type, name, value);
}

int worker_wait_end(struct worker_process *worker)
{
    pid_t pid = worker->pid;

    worker->pid = 0;
    return wait_end(pid);
}

void worker_finish(struct worker_process *worker)
{
    close(worker->channel);
    if (worker->pid > 0) {
        assert_int_equal(worker_wait_end(worker), 0);
    }
    ringcast_close(worker->reader);
    close(worker->ring.writer);
    close(worker->ring.reader);
    close(worker->wake);
}

void worker_seek(struct worker_process *worker, ringcast_cursor *cursor)
{
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;

    while (ringcast_seek_keyframe(worker->reader, cursor) != 0) {
        assert_true(fixture_now_ms() < deadline);
        ringcast_wait(worker->reader, cursor, 200);
    }
}

void worker_read_fragment(struct worker_process *worker, ringcast_cursor *cursor, void *buffer, size_t size,
                          ringcast_entry *entry)
{
    int64_t deadline = fixture_now_ms() + PATIENCE_MS;
    int result;

    while ((result = ringcast_read(worker->reader, cursor, buffer, size, entry)) == 0) {
        assert_true(fixture_now_ms() < deadline);
        ringcast_wait(worker->reader, cursor, 200);
    }
    assert_int_equal(result, 1);
}

void fixture_send_raw(int channel, const void *data, size_t size)
{
    assert_int_equal(send(channel, data, size, MSG_NOSIGNAL), (ssize_t)size);
}
