/* SPDX-License-Identifier: MIT */
/* A camera's states, with processes that the test itself forks in the fork server's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "supervisor/camera/camera.h"
#include "supervisor/process/fork_server.h"
#include "tests/support/patience.h"

#define PATIENCE_USEC (PATIENCE_MS * 1000u)

/* How long a reader wants an on-demand camera: longer than its idle time of 1 s. */
#define WANTED_MS 1200u

/* The test stands in for the fork server. */
struct fork_server {
    struct fork_client *client;
    int worker_end;  /* the test plays the worker on it; -1: none was asked for */
    int spawn_error; /* what the next request gets */
    int spawns;
};

struct bench {
    sd_event *event;
    struct children *children;
    struct logins *logins;
    struct camera *camera;
    char name[32], url[32], instance[32];
    struct config_camera config;
    struct fork_server fork_server;
    int changes;
    bool ended;
};

void fork_server_join(struct fork_server *fork_server, struct fork_client *client)
{
    fork_server->client = client;
}

void fork_server_leave(struct fork_server *fork_server, struct fork_client *client)
{
    assert_ptr_equal(fork_server->client, client);
    fork_server->client = NULL;
}

int fork_server_request(struct fork_server *fork_server, const struct fork_client *client, int worker_end)
{
    assert_ptr_equal(fork_server->client, client);
    assert_string_equal(client->camera, "Hof 1");
    fork_server->spawns++;
    if (fork_server->spawn_error < 0) {
        return fork_server->spawn_error;
    }
    assert_int_equal(fork_server->worker_end, -1);
    fork_server->worker_end = fcntl(worker_end, F_DUPFD_CLOEXEC, 0);
    return 0;
}

static void on_changed(void *data, struct camera *camera)
{
    struct bench *bench = data;

    (void)camera;
    bench->changes++;
}

static void on_ended(void *data, struct camera *camera)
{
    struct bench *bench = data;

    (void)camera;
    bench->ended = true;
}

static void on_exited(void *data, struct camera *camera, pid_t pid, const char *reason)
{
    (void)data, (void)camera, (void)reason;
    assert_true(pid > 0);
}

static int set_up(void **state)
{
    static struct bench bench;
    sigset_t mask;

    bench = (struct bench){.fork_server = {.worker_end = -1}, .name = "Hof 1", .url = "rtsp://127.0.0.1:9/x"};
    snprintf(bench.instance, sizeof(bench.instance), "unit-%d", (int)getpid());
    bench.config =
        (struct config_camera){.name = bench.name,
                               .task = {.url = bench.url, .transport = CAMERA_TRANSPORT_TCP, .audio = true},
                               .enabled = true,
                               .ring_size = 65536};
    const struct camera_callbacks callbacks = {
        .data = &bench, .changed = on_changed, .exited = on_exited, .ended = on_ended};
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    assert_true(sd_event_new(&bench.event) >= 0);
    assert_int_equal(children_create(bench.event, &bench.children), 0);
    assert_int_equal(logins_open(NULL, bench.instance, &bench.logins), 0);
    assert_int_equal(camera_create(bench.children, &bench.fork_server, bench.logins, bench.instance,
                                   &bench.config, LOG_LEVEL_ERROR, &callbacks, &bench.camera),
                     0);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    char ring[128];

    snprintf(ring, sizeof(ring), "%s", camera_view(bench->camera).ring);
    camera_destroy(bench->camera);
    logins_close(bench->logins);
    children_finish(bench->children);
    children_destroy(bench->children);
    sd_event_unref(bench->event);
    if (bench->fork_server.worker_end >= 0) {
        close(bench->fork_server.worker_end);
    }
    assert_int_equal(shm_open(ring, O_RDONLY, 0), -1); /* no ring stays */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);  /* no child stays */
    return 0;
}

static struct camera_view view(const struct bench *bench)
{
    return camera_view(bench->camera);
}

/* Runs the event loop until the camera has STATE. */
static void run_until(struct bench *bench, enum camera_state state)
{
    while (view(bench).state != state) {
        if (sd_event_run(bench->event, PATIENCE_USEC) <= 0) {
            fail_msg("still %s, not %s", camera_strstate(view(bench).state), camera_strstate(state));
        }
    }
}

static void run_pending(struct bench *bench)
{
    while (sd_event_run(bench->event, 0) > 0) {
    }
}

/* The fork server's answer: a process that lives until it is killed or ends with EXIT_CODE at once. */
static pid_t spawn_worker(struct bench *bench, int exit_code)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (exit_code >= 0) {
            _exit(exit_code);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (;;) {
            pause();
        }
    }
    assert_true(worker_spawned(bench->fork_server.client->worker, pid));
    return pid;
}

/* Puts MESSAGE (consumed) into the channel, where it waits until the event loop runs. */
static void whisper(struct bench *bench, json_t *message)
{
    assert_int_equal(channel_send(bench->fork_server.worker_end, message, NULL, 0), 0);
    json_decref(message);
}

static void say(struct bench *bench, json_t *message)
{
    whisper(bench, message);
    run_pending(bench);
}

static void say_state(struct bench *bench, const char *name, const char *error)
{
    say(bench, json_pack("{s:i, s:s, s:s, s:s?, s:s, s:i, s:i}", "v", 1, "type", "state", "state", name,
                         "error", error, "codecs", "avc1.64001F", "width", 640, "height", 360));
}

/* The worker of the test is gone: closes its end too. */
static void worker_gone(struct bench *bench)
{
    close(bench->fork_server.worker_end);
    bench->fork_server.worker_end = -1;
}

static void start_streaming(struct bench *bench)
{
    camera_start(bench->camera);
    spawn_worker(bench, -1);
    say_state(bench, "streaming", NULL);
    assert_int_equal(view(bench).state, CAMERA_STREAMING);
}

static void the_configuration_waits_in_the_channel(void **state)
{
    struct bench *bench = *state;
    struct channel_message message;

    camera_start(bench->camera);
    assert_int_equal(view(bench).state, CAMERA_STARTING);
    assert_false(view(bench).handed_over);
    assert_int_equal(channel_receive(bench->fork_server.worker_end, &message), 1);
    assert_true(message_is(message.body, "blackbox"));
    channel_message_clear(&message);
    assert_int_equal(channel_receive(bench->fork_server.worker_end, &message), 1);
    assert_true(message_is(message.body, "camera"));
    assert_string_equal(message_string(message.body, "name", ""), "Hof 1");
    assert_string_equal(message_string(message.body, "transport", ""), "tcp");
    assert_string_equal(message_string(message.body, "log_level", ""), "error");
    assert_true(message_boolean(message.body, "audio", false));
    assert_true(json_is_null(json_object_get(message.body, "password")));
    assert_int_equal(message.fd_count, 2);
    assert_int_equal(fcntl(message.fds[0], F_GETFL) & O_ACCMODE, O_RDWR);
    channel_message_clear(&message);
}

static void what_the_worker_says_is_the_state(void **state)
{
    struct bench *bench = *state;

    camera_start(bench->camera);
    pid_t pid = spawn_worker(bench, -1);
    assert_true(view(bench).handed_over);
    assert_int_equal(view(bench).pid, pid);
    say_state(bench, "starting", "connecting took too long");
    assert_string_equal(view(bench).error, "connecting took too long");
    say_state(bench, "streaming", NULL);
    assert_int_equal(view(bench).state, CAMERA_STREAMING);
    assert_null(view(bench).error);
    assert_string_equal(view(bench).codecs, "avc1.64001F");
    assert_int_equal(view(bench).height, 360);
    say(bench, json_pack("{s:i,s:s,s:i,s:f,s:i}", "v", 1, "type", "stats", "fragments", 9, "fps", 25.0,
                         "bitrate", 7));
    assert_int_equal(view(bench).fragments, 9);
    assert_true(view(bench).fps == 25.0 && view(bench).bitrate == 7.0);
    say_state(bench, "stalled", "no frame for 5 s");
    assert_int_equal(view(bench).state, CAMERA_STALLED);
    assert_string_equal(view(bench).error, "no frame for 5 s");
    assert_true(view(bench).fps == 0.0);
}

/* What is wrong with a stream that is shown all the same. */
static void a_camera_that_streams_may_have_an_error(void **state)
{
    struct bench *bench = *state;

    start_streaming(bench);
    int changes = bench->changes;
    say_state(bench, "streaming", "a group of pictures is larger than the ring");
    assert_int_equal(view(bench).state, CAMERA_STREAMING);
    assert_string_equal(view(bench).error, "a group of pictures is larger than the ring");
    assert_int_equal(bench->changes, changes + 1);
    say_state(bench, "streaming", NULL);
    assert_null(view(bench).error);
    assert_int_equal(bench->changes, changes + 2);
    say_state(bench, "streaming", "a group of pictures is larger than the ring");
    say_state(bench, "stalled", NULL);
    assert_null(view(bench).error);
}

static void nonsense_changes_nothing(void **state)
{
    struct bench *bench = *state;
    char codecs[300];

    start_streaming(bench);
    say(bench, json_pack("{s:i,s:s,s:s}", "v", 1, "type", "state", "state", "backoff"));
    say(bench, json_pack("{s:i,s:s,s:s}", "v", 1, "type", "state", "state", "dancing"));
    say(bench, json_pack("{s:i,s:s,s:i}", "v", 1, "type", "state", "state", 4));
    say(bench, json_pack("{s:i,s:s}", "v", 1, "type", "ready"));
    memset(codecs, 'x', sizeof(codecs) - 1);
    codecs[sizeof(codecs) - 1] = '\0';
    say(bench,
        json_pack("{s:i,s:s,s:s,s:s}", "v", 1, "type", "state", "state", "streaming", "codecs", codecs));
    say(bench,
        json_pack("{s:i,s:s,s:s,s:s}", "v", 1, "type", "state", "state", "streaming", "codecs", "a\"b"));
    say(bench, json_pack("{s:i,s:s,s:s,s:s,s:i}", "v", 1, "type", "state", "state", "streaming", "codecs",
                         "avc1", "width", -4));
    say(bench, json_pack("{s:i,s:s,s:i,s:f}", "v", 1, "type", "stats", "fragments", 9, "fps", -25.0));
    assert_int_equal(view(bench).state, CAMERA_STREAMING);
    assert_string_equal(view(bench).codecs, "avc1.64001F");
    assert_int_equal(view(bench).width, 640);
    assert_true(view(bench).fps == 0.0);
}

/* The next message to the worker, which has TYPE. */
static json_t *heard(struct bench *bench, const char *type)
{
    struct channel_message message;

    for (;;) {
        assert_int_equal(channel_receive(bench->fork_server.worker_end, &message), 1);
        json_t *body = message_is(message.body, type) ? json_incref(message.body) : NULL;
        channel_message_clear(&message);
        if (body) {
            return body;
        }
    }
}

static void set_password(struct bench *bench, char *password)
{
    static char user[] = "admin";

    bench->config.task.username = user;
    bench->config.task.password = password;
    camera_set(bench->camera, &bench->config);
}

static void assert_answer(struct bench *bench, json_int_t id, const char *verdict)
{
    json_t *answer = heard(bench, "login-answer");

    assert_int_equal(message_integer(answer, "id", -1), id);
    assert_string_equal(message_string(answer, "verdict", ""), verdict);
    json_decref(answer);
}

static void say_login(struct bench *bench, const char *result)
{
    say(bench, json_pack("{s:i,s:s,s:i}", "v", 1, "type", "login-ask", "id", 7));
    assert_answer(bench, 7, "granted");
    say(bench, json_pack("{s:i,s:s,s:i,s:s}", "v", 1, "type", "login-result", "id", 7, "result", result));
}

/* The next worker, and the member "login" of its task. */
static json_t *next_login(struct bench *bench)
{
    spawn_worker(bench, -1);
    json_t *task = heard(bench, "camera");
    json_t *login = json_incref(json_object_get(task, "login"));
    json_decref(task);
    return login;
}

static void next_worker(struct bench *bench)
{
    kill(view(bench).pid, SIGKILL);
    worker_gone(bench);
    while (bench->fork_server.worker_end < 0) {
        assert_true(sd_event_run(bench->event, PATIENCE_USEC) > 0);
    }
}

static void a_refused_log_in_is_held(void **state)
{
    struct bench *bench = *state;
    char wrong[] = "wrong", other[] = "other";

    set_password(bench, wrong);
    camera_start(bench->camera);
    json_t *login = next_login(bench);
    assert_false(message_boolean(login, "proven", true));
    assert_int_equal(message_integer(login, "wait_ms", -1), 0);
    json_decref(login);
    say_login(bench, "refused");
    assert_answer(bench, 0, "held");
    say_state(bench, "failed", "the camera refuses the username or password (401)");
    assert_int_equal(view(bench).state, CAMERA_FAILED);
    assert_true(view(bench).pid > 0);

    next_worker(bench); /* knows it before it connects */
    login = next_login(bench);
    assert_in_range(message_integer(login, "wait_ms", -1), 20000, 30000);
    assert_non_null(strstr(message_string(login, "error", ""), "1 log-in since"));
    assert_non_null(strstr(message_string(login, "error", ""), "ringcastctl restart Hof 1"));
    json_decref(login);

    camera_restart(bench->camera);
    next_worker(bench);
    login = next_login(bench);
    assert_int_equal(message_integer(login, "wait_ms", -1), 0);
    json_decref(login);
    say_login(bench, "refused");
    assert_answer(bench, 0, "held");

    set_password(bench, other);
    next_worker(bench);
    login = next_login(bench);
    assert_int_equal(message_integer(login, "wait_ms", -1), 0);
    json_decref(login);
    say_login(bench, "accepted");
    next_worker(bench);
    login = next_login(bench);
    assert_true(message_boolean(login, "proven", false));
    json_decref(login);
}

/* The words are cut within a character of the host, and the answer comes all the same. */
static void a_long_host_is_answered(void **state)
{
    struct bench *bench = *state;
    char url[] =
        "rtsp://"
        "a\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
        "\u00fc\u00fc\u00fc\u00fc"
        "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc.example/x";
    char wrong[] = "wrong";

    bench->config.task.url = url;
    set_password(bench, wrong);
    camera_start(bench->camera);
    json_decref(next_login(bench));
    say_login(bench, "refused");
    assert_answer(bench, 0, "held");
}

/*
 * What the worker says of credentials that are not the camera's any more is about those. The event loop does not run between
 * these words and the worker's end: the change ends the worker, and the next one would be asked for while this one's channel is open.
 */
static void an_old_workers_refusal_holds_no_new_password(void **state)
{
    struct bench *bench = *state;
    char wrong[] = "wrong", other[] = "other";

    set_password(bench, wrong);
    camera_start(bench->camera);
    json_decref(next_login(bench));
    say(bench, json_pack("{s:i,s:s,s:i}", "v", 1, "type", "login-ask", "id", 1));
    set_password(bench, other);
    whisper(bench,
            json_pack("{s:i,s:s,s:i,s:s}", "v", 1, "type", "login-result", "id", 1, "result", "refused"));
    next_worker(bench);
    json_t *login = next_login(bench);
    assert_int_equal(message_integer(login, "wait_ms", -1), 0);
    json_decref(login);
}

static void errors_are_cut_between_characters_and_redacted(void **state)
{
    struct bench *bench = *state;
    char error[1024] = "x";

    camera_start(bench->camera);
    spawn_worker(bench, -1);
    while (strlen(error) < 1000) {
        strcat(error, "\xc3\xa4");
    }
    say_state(bench, "starting", error);
    json_t *text = json_string(view(bench).error); /* NULL if it were not UTF-8 */
    assert_non_null(text);
    json_decref(text);
    say_state(bench, "starting", "rtsp://admin:s3cret@127.0.0.1/x: refused");
    assert_null(strstr(view(bench).error, "s3cret"));
    assert_non_null(strstr(view(bench).error, "refused"));
}

static void a_death_is_followed_by_a_new_worker(void **state)
{
    struct bench *bench = *state;

    start_streaming(bench);
    assert_int_equal(kill(view(bench).pid, SIGKILL), 0);
    run_until(bench, CAMERA_BACKOFF);
    assert_string_equal(view(bench).error, "killed by signal 9 (SIGKILL)");
    assert_int_equal(view(bench).pid, 0);
    assert_int_equal(bench->fork_server.spawns, 1);
    worker_gone(bench);
    run_until(bench, CAMERA_STARTING);
    assert_int_equal(bench->fork_server.spawns, 2);
    assert_int_equal(view(bench).restarts, 1);
    assert_string_equal(view(bench).error,
                        "killed by signal 9 (SIGKILL)"); /* still why there is no picture */
    spawn_worker(bench, -1);
    say_state(bench, "streaming", NULL);
    assert_null(view(bench).error);
}

static void last_words_come_before_the_end(void **state)
{
    struct bench *bench = *state;

    start_streaming(bench);
    int changes = bench->changes;
    whisper(bench, json_pack("{s:i,s:s,s:s,s:s}", "v", 1, "type", "state", "state", "stalled", "error",
                             "disk on fire"));
    kill(view(bench).pid, SIGKILL);
    run_until(bench, CAMERA_BACKOFF);
    assert_int_equal(bench->changes, changes + 2); /* stalled, backoff */
}

static void a_waiting_request_goes_out_when_the_fork_server_is_back(void **state)
{
    struct bench *bench = *state;

    bench->fork_server.spawn_error = -EAGAIN;
    camera_start(bench->camera);
    assert_false(view(bench).handed_over);
    bench->fork_server.spawn_error = 0;
    worker_fork_server_ready(bench->fork_server.client->worker);
    assert_true(bench->fork_server.worker_end >= 0);
    spawn_worker(bench, -1);
    assert_true(view(bench).handed_over);
    worker_fork_server_ready(bench->fork_server.client->worker); /* not asked twice */
    assert_int_equal(bench->fork_server.spawns, 2);
}

static void a_refused_spawn_backs_off(void **state)
{
    struct bench *bench = *state;

    camera_start(bench->camera);
    assert_true(worker_spawn_failed(bench->fork_server.client->worker, "no more processes"));
    assert_int_equal(view(bench).state, CAMERA_BACKOFF);
    assert_true(view(bench).handed_over);
    assert_false(worker_spawn_failed(bench->fork_server.client->worker, "again"));
    assert_false(worker_spawned(bench->fork_server.client->worker, getpid()));
}

static void a_reason_that_is_not_utf8_is_escaped(void **state)
{
    struct bench *bench = *state;

    camera_start(bench->camera);
    assert_true(worker_spawn_failed(bench->fork_server.client->worker, "caf\xe9 \x1b[2J closed"));
    assert_string_equal(view(bench).error, "caf\\xe9 \\x1b[2J closed");
}

static void a_process_that_is_not_ours_is_not_adopted(void **state)
{
    struct bench *bench = *state;

    camera_start(bench->camera);
    assert_true(worker_spawned(bench->fork_server.client->worker, getppid()));
    assert_int_equal(view(bench).state, CAMERA_BACKOFF);
    assert_int_equal(view(bench).pid, 0);
    assert_int_equal(kill(getppid(), 0), 0);
}

/* The worker may exist: the next one is asked for only when the channel says that it is gone. */
static void a_lost_worker_is_waited_for(void **state)
{
    struct bench *bench = *state;

    camera_start(bench->camera);
    worker_fork_server_gone(bench->fork_server.client->worker);
    run_pending(bench);
    assert_int_equal(bench->fork_server.spawns, 1);
    worker_gone(bench);
    run_pending(bench);
    assert_int_equal(bench->fork_server.spawns, 2);
    assert_int_equal(view(bench).state, CAMERA_STARTING); /* not its fault: no backoff */
}

static void restart_skips_the_backoff(void **state)
{
    struct bench *bench = *state;

    start_streaming(bench);
    pid_t pid = view(bench).pid;
    camera_restart(bench->camera);
    assert_int_equal(view(bench).state,
                     CAMERA_STARTING); /* the old worker's pictures do not count any more */
    worker_gone(bench);
    while (bench->fork_server.spawns < 2) {
        assert_true(sd_event_run(bench->event, PATIENCE_USEC) > 0);
    }
    assert_int_not_equal(spawn_worker(bench, 7), pid);
    run_until(bench, CAMERA_BACKOFF);
    worker_gone(bench);
    camera_restart(bench->camera);
    assert_int_equal(view(bench).state, CAMERA_STARTING);
    assert_null(view(bench).error);
    assert_int_equal(bench->fork_server.spawns, 3);
}

static void ends_without_a_worker(void **state)
{
    struct bench *bench = *state;

    camera_end(bench->camera);
    assert_true(bench->ended);
}

static void ends_a_running_worker(void **state)
{
    struct bench *bench = *state;

    start_streaming(bench);
    camera_end(bench->camera);
    assert_false(bench->ended);
    while (!bench->ended) {
        assert_true(sd_event_run(bench->event, PATIENCE_USEC) > 0);
    }
    assert_int_equal(view(bench).pid, 0);
    assert_int_equal(bench->fork_server.spawns, 1);
}

static void ends_a_worker_that_is_just_being_forked(void **state)
{
    struct bench *bench = *state;

    camera_start(bench->camera);
    camera_end(bench->camera);
    assert_false(bench->ended);
    spawn_worker(bench, -1);
    while (!bench->ended) {
        assert_true(sd_event_run(bench->event, PATIENCE_USEC) > 0);
    }
}

/* A reader that says that it wants the camera, and then nothing more: it is forgotten. */
static void on_demand_it_sleeps_when_nobody_wants_it(void **state)
{
    struct bench *bench = *state;
    struct config_camera config = bench->config;

    config.on_demand = true;
    config.on_demand_idle = 1;
    start_streaming(bench);
    camera_set(bench->camera, &config);
    run_until(bench, CAMERA_IDLE);
    worker_gone(bench);
    assert_int_equal(bench->fork_server.spawns, 1);
    uint64_t begun = clock_now_ms(); /* the time to sleep does not wait for a busy machine */
    camera_want(bench->camera, WANTED_MS);
    assert_int_equal(view(bench).state, CAMERA_STARTING);
    spawn_worker(bench, -1);
    say_state(bench, "streaming", NULL);
    run_until(bench, CAMERA_IDLE);
    assert_true(clock_now_ms() - begun >= WANTED_MS);
    assert_int_equal(view(bench).pid, 0);
    assert_null(view(bench).error);
    worker_gone(bench);
    assert_true(camera_set_viewers(bench->camera, 1)); /* and a viewer wakes it as well */
    assert_int_equal(view(bench).state, CAMERA_STARTING);
    assert_int_equal(bench->fork_server.spawns, 3);
    spawn_worker(bench, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_configuration_waits_in_the_channel),
        TEST(what_the_worker_says_is_the_state),
        TEST(a_camera_that_streams_may_have_an_error),
        TEST(nonsense_changes_nothing),
        TEST(errors_are_cut_between_characters_and_redacted),
        TEST(a_death_is_followed_by_a_new_worker),
        TEST(last_words_come_before_the_end),
        TEST(a_waiting_request_goes_out_when_the_fork_server_is_back),
        TEST(a_refused_spawn_backs_off),
        TEST(a_refused_log_in_is_held),
        TEST(an_old_workers_refusal_holds_no_new_password),
        TEST(a_long_host_is_answered),
        TEST(a_reason_that_is_not_utf8_is_escaped),
        TEST(a_process_that_is_not_ours_is_not_adopted),
        TEST(a_lost_worker_is_waited_for),
        TEST(restart_skips_the_backoff),
        TEST(on_demand_it_sleeps_when_nobody_wants_it),
        TEST(ends_without_a_worker),
        TEST(ends_a_running_worker),
        TEST(ends_a_worker_that_is_just_being_forked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
