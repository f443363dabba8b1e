/* SPDX-License-Identifier: MIT */
/* A whole worker on the test camera, an independent RTSP server: what is in the ring, and that it goes on. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/ipc/channel.h"
#include "common/ipc/message.h"
#include "tests/process/ingest/fixture.h"
#include "tests/support/boxes.h"
#include "tests/support/patience.h"

#define RING_SIZE (4u << 20)
#define FRAGMENT_MAX (1u << 20)
#define PASSWORD "p@ss w:or/d%41\"c4nary"
#define CANARY "c4nary"

#define FPS 25
#define GOP 25

struct test_camera {
    pid_t pid;
    int commands; /* its standard input */
    int answers;
    int port;
};

static uint8_t fragment[FRAGMENT_MAX];

static void exec_camera(const char *options, int in, int out)
{
    char text[256];
    const char *arguments[32] = {"ringcast-test-camera", "--fps", "25", "--gop", "25", "--size", "320x240"};
    size_t count = 7;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    setenv("RINGCAST_CAMERA_PASSWORD", PASSWORD, 1);
    snprintf(text, sizeof(text), "%s", options);
    for (char *word = strtok(text, " "); word != NULL && count < 31; word = strtok(NULL, " ")) {
        arguments[count++] = word;
    }
    execv(RINGCAST_TEST_CAMERA, (char *const *)arguments);
    _exit(127);
}

/* One line of JSON from the camera. */
static json_t *read_answer(struct test_camera *camera)
{
    char line[1024];
    size_t length = 0;

    while (length < sizeof(line) - 1) {
        struct pollfd readable = {.fd = camera->answers, .events = POLLIN};
        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        assert_int_equal(read(camera->answers, line + length, 1), 1);
        if (line[length++] == '\n') {
            break;
        }
    }
    json_t *answer = json_loadb(line, length, 0, NULL);
    assert_non_null(answer);
    return answer;
}

static void camera_start(struct test_camera *camera, const char *options)
{
    int in[2], out[2];

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    camera->pid = fork();
    if (camera->pid == 0) {
        exec_camera(options, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    camera->commands = in[1];
    camera->answers = out[0];
    json_t *ready = read_answer(camera);
    camera->port = (int)message_integer(ready, "port", 0);
    json_decref(ready);
    assert_true(camera->port > 0);
}

static void camera_command(struct test_camera *camera, const char *command)
{
    assert_int_equal(write(camera->commands, command, strlen(command)), (ssize_t)strlen(command));
    json_t *answer = read_answer(camera);
    assert_true(message_boolean(answer, "ok", false));
    json_decref(answer);
}

static void camera_stop(struct test_camera *camera)
{
    close(camera->commands);
    kill(camera->pid, SIGKILL);
    waitpid(camera->pid, NULL, 0);
    close(camera->answers);
}

static void send_camera(struct worker_process *worker, const struct test_camera *camera, bool password)
{
    char url[128];

    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/cam1", camera->port);
    worker_send_camera(worker, url, password ? "a%dm+in" : NULL, password ? PASSWORD : NULL);
}

static void send_camera_audio(struct worker_process *worker, const struct test_camera *camera,
                              const char *audio_codec)
{
    char url[128];

    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%d/cam1", camera->port);
    worker_send_camera_audio(worker, url, audio_codec);
}

/* A file that ffmpeg reads back. */
struct recording {
    char path[64];
    int fd;
};

static void recording_open(struct recording *recording)
{
    snprintf(recording->path, sizeof(recording->path), "/tmp/ringcast-test-XXXXXX");
    recording->fd = mkstemp(recording->path);
    assert_true(recording->fd >= 0);
}

static void recording_add(struct recording *recording, const void *data, size_t size)
{
    assert_int_equal(write(recording->fd, data, size), (ssize_t)size);
}

/* How many frames ffmpeg decoded: its framecrc has a line for each, which begins with the stream's number. */
static void count_frames(int from, unsigned counts[2])
{
    FILE *lines = fdopen(from, "r");
    char line[1024];

    assert_non_null(lines);
    counts[0] = counts[1] = 0;
    while (fgets(line, sizeof(line), lines) != NULL) {
        if (line[0] == '0' || line[0] == '1') {
            counts[line[0] - '0']++;
        }
    }
    fclose(lines);
}

/* Decodes every frame; the first error is one too many. Returns how many pictures there are. */
static unsigned recording_check(struct recording *recording)
{
    unsigned counts[2];
    int out[2];
    int status;

    close(recording->fd);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        execlp("ffmpeg", "ffmpeg", "-v", "warning", "-nostdin", "-xerror", "-i", recording->path, "-fps_mode",
               "passthrough", "-f", "framecrc", "-", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    count_frames(out[0], counts);
    waitpid(pid, &status, 0);
    unlink(recording->path);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return counts[0];
}

/* What a run of fragments showed. */
struct run {
    ringcast_cursor cursor;
    ringcast_entry last;
    unsigned generation;
    unsigned audio_samples;
    unsigned reordered; /* fragments with a composition offset */
    unsigned discontinuities;
    int64_t audio_end; /* ticks of the audio track */
    unsigned audio_gaps;
    ringcast_generation init;
};

static void read_init(struct worker_process *worker, struct run *run, struct recording *recording)
{
    static uint8_t init[RINGCAST_INIT_MAX];

    assert_int_equal(
        ringcast_init_segment(worker->reader, run->last.generation, init, sizeof(init), &run->init), 0);
    boxes_check(init, run->init.init_length);
    run->generation = run->last.generation;
    if (recording != NULL) {
        recording_add(recording, init, run->init.init_length);
    }
}

static void check_audio(struct run *run, const struct fragment_track *audio)
{
    if (audio->samples == 0) {
        return;
    }
    if (run->audio_samples > 0 && run->audio_end != (int64_t)audio->decode_time) {
        run->audio_gaps++;
    }
    run->audio_samples += audio->samples;
    run->audio_end = (int64_t)(audio->decode_time + audio->duration);
}

/* Reads and checks COUNT fragments. */
static void read_run(struct worker_process *worker, struct run *run, unsigned count,
                     struct recording *recording)
{
    struct fragment_track tracks[2];

    for (unsigned i = 0; i < count; i++) {
        ringcast_entry before = run->last;
        worker_read_fragment(worker, &run->cursor, fragment, sizeof(fragment), &run->last);
        if (run->last.generation != run->generation) {
            read_init(worker, run, recording);
            assert_true((run->last.flags & RINGCAST_KEYFRAME) != 0);
        }
        assert_int_equal(boxes_check_fragment(fragment, run->last.length, tracks),
                         (uint32_t)run->last.sequence);
        assert_int_equal(tracks[0].decode_time, run->last.decode_time);
        assert_int_equal(tracks[0].duration, run->last.duration);
        assert_true(boxes_check_sample(tracks[0].first_data, tracks[0].bytes) > 0);
        assert_int_equal((tracks[0].first_flags & 0x10000) == 0, (run->last.flags & RINGCAST_KEYFRAME) != 0);
        assert_true(before.sequence == 0 || run->last.decode_time > before.decode_time);
        assert_true(before.sequence == 0 || run->last.sequence == before.sequence + 1);
        run->discontinuities += (run->last.flags & RINGCAST_DISCONTINUITY) != 0;
        run->reordered += tracks[0].composition_offset != 0;
        check_audio(run, &tracks[1]);
        if (recording != NULL) {
            recording_add(recording, fragment, run->last.length);
        }
    }
}

static void begin_run(struct worker_process *worker, struct run *run)
{
    memset(run, 0, sizeof(*run));
    worker_seek(worker, &run->cursor);
}

/* A worker that shows the test camera. */
struct scene {
    struct fork_server_process fork_server;
    struct worker_process worker;
    struct test_camera camera;
};

/* OPTIONS: the camera's. RING_BYTES: the worker's ring. */
static void begin(struct scene *scene, const char *options, size_t ring_bytes)
{
    camera_start(&scene->camera, options);
    fork_server_start(&scene->fork_server);
    worker_spawn(&scene->fork_server, &scene->worker, ring_bytes);
    send_camera(&scene->worker, &scene->camera, false);
}

static void end(struct scene *scene)
{
    worker_finish(&scene->worker);
    fork_server_stop(&scene->fork_server, NULL);
    camera_stop(&scene->camera);
}

static void stream_audio(const char *options, bool password, const char *audio_codec, unsigned fragments,
                         struct run *run)
{
    struct fork_server_process fork_server;
    struct worker_process worker;
    struct test_camera camera;
    struct recording recording;

    camera_start(&camera, options);
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &worker, RING_SIZE);
    if (password) {
        send_camera(&worker, &camera, true);
    } else {
        send_camera_audio(&worker, &camera, audio_codec);
    }
    json_t *streaming = worker_wait_message(&worker, "state", "state", "streaming");
    /* Sound that comes after the first keyframe is there from the next one on. */
    while (strstr(options, "--audio") && !strchr(message_string(streaming, "codecs", ""), ',')) {
        json_decref(streaming);
        streaming = worker_wait_message(&worker, "state", "state", "streaming");
    }
    assert_int_equal(message_integer(streaming, "width", 0), 320);
    assert_int_equal(message_integer(streaming, "height", 0), 240);
    recording_open(&recording);
    begin_run(&worker, run);
    read_run(&worker, run, fragments, &recording);
    assert_string_equal(message_string(streaming, "codecs", ""), run->init.codecs);
    json_decref(streaming);
    json_t *stats = worker_wait_message(&worker, "stats", NULL, NULL);
    assert_true(message_integer(stats, "fragments", 0) > 0);
    assert_true(json_number_value(json_object_get(stats, "fps")) > 0);
    assert_int_equal(message_integer(stats, "lost", -1), 0);
    assert_int_equal(message_integer(stats, "withheld", -1), 0);
    assert_int_equal(message_integer(stats, "discontinuities", -1), 0);
    assert_true(json_is_number(json_object_get(stats, "jitter_ms")));
    assert_true(message_integer(stats, "ring_sequence", 0) >= message_integer(stats, "fragments", 0));
    assert_true(message_integer(stats, "ring_keyframe", 0) > 0);
    assert_true(message_integer(stats, "ring_head", 0) > message_integer(stats, "ring_keyframe", 0));
    assert_true(message_integer(stats, "ring_generation", 0) > 0);
    json_decref(stats);
    worker_finish(&worker);
    fork_server_stop(&fork_server, CANARY);
    camera_stop(&camera);
    assert_int_equal(recording_check(&recording), fragments);
    assert_int_equal(run->discontinuities, 0);
    assert_int_equal(run->audio_gaps, 0);
}

static void stream_with(const char *options, bool password, unsigned fragments, struct run *run)
{
    stream_audio(options, password, "flac", fragments, run);
}

static void h264_with_aac(void **state)
{
    struct run run;

    (void)state;
    stream_with("--codec h264 --audio aac", false, 3 * GOP, &run);
    assert_memory_equal(run.init.codecs, "avc1.", 5);
    assert_non_null(strstr(run.init.codecs, ",mp4a.40.2"));
    assert_true(run.audio_samples > 10);
}

static void h265_without_audio(void **state)
{
    struct run run;

    (void)state;
    stream_with("--codec h265", false, 2 * GOP, &run);
    assert_memory_equal(run.init.codecs, "hvc1.1.6.L", 10);
    assert_int_equal(run.audio_samples, 0);
}

static void b_frames(void **state)
{
    struct run run;

    (void)state;
    stream_with("--codec h265 --b-frames 2", false, 2 * GOP, &run);
    assert_true(run.reordered > GOP);
}

static void b_frames_of_h264(void **state)
{
    struct run run;

    (void)state;
    stream_with("--codec h264 --b-frames 2", false, 2 * GOP, &run);
    assert_true(run.reordered > GOP);
}

/* What browsers play passes through; what they do not play is encoded, as configured. */
static void every_audio_is_played(void **state)
{
    static const struct {
        const char *options;
        const char *audio_codec;
        const char *codec;
    } cases[] = {
        {"--audio opus", "flac", ",opus"},     {"--audio latm", "flac", ",mp4a.40.2"},
        {"--audio pcmu", "flac", ",flac"},     {"--audio pcma", "opus", ",opus"},
        {"--audio pcmu", "aac", ",mp4a.40.2"}, {"--audio l16", "flac", ",flac"},
        {"--audio g722", "flac", ",flac"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run run;
        print_message("%s as %s\n", cases[i].options, cases[i].audio_codec);
        stream_audio(cases[i].options, false, cases[i].audio_codec, GOP, &run);
        if (strstr(run.init.codecs, cases[i].codec) == NULL || run.audio_samples < 5) {
            fail_msg("%s: %s, %u samples", cases[i].options, run.init.codecs, run.audio_samples);
        }
    }
}

static void digest_with_any_characters(void **state)
{
    struct run run;

    (void)state;
    stream_with("--auth digest --user a%dm+in", true, 1, &run);
}

static void reconnect_keeps_generation_and_timeline(void **state)
{
    struct scene scene;
    struct recording recording;
    struct run run;

    (void)state;
    begin(&scene, "--audio aac", RING_SIZE);
    json_decref(worker_wait_message(&scene.worker, "state", "state", "streaming"));
    recording_open(&recording);
    begin_run(&scene.worker, &run);
    read_run(&scene.worker, &run, GOP, &recording);
    camera_command(&scene.camera, "drop cam1\n");
    json_decref(worker_wait_message(&scene.worker, "state", "state", "starting"));
    json_decref(worker_wait_message(&scene.worker, "state", "state", "streaming"));
    while (run.discontinuities == 0) {
        read_run(&scene.worker, &run, 1, &recording);
    }
    assert_true((run.last.flags & RINGCAST_KEYFRAME) != 0);
    read_run(&scene.worker, &run, GOP, &recording);
    assert_int_equal(run.discontinuities, 1);
    assert_int_equal(run.generation, 1);
    end(&scene);
    recording_check(&recording);
}

static void killed_worker_is_followed_by_another(void **state)
{
    struct scene scene;
    struct run run;
    int status;

    (void)state;
    begin(&scene, "--audio none", RING_SIZE); /* sound that comes late begins a generation, too */
    begin_run(&scene.worker, &run);
    read_run(&scene.worker, &run, GOP, NULL);
    kill(scene.worker.pid, SIGKILL);
    waitpid(scene.worker.pid, &status, 0);
    worker_respawn(&scene.fork_server, &scene.worker);
    send_camera(&scene.worker, &scene.camera, false);
    json_decref(worker_wait_message(&scene.worker, "state", "state", "streaming"));
    read_run(&scene.worker, &run, 2 * GOP, NULL);
    assert_int_equal(run.generation, 2);
    end(&scene);
}

static void silence_is_a_stall(void **state)
{
    struct scene scene;
    struct run run;

    (void)state;
    begin(&scene, "", RING_SIZE);
    begin_run(&scene.worker, &run);
    read_run(&scene.worker, &run, 5, NULL);
    camera_command(&scene.camera, "pause cam1\n");
    json_t *stalled = worker_wait_message(&scene.worker, "state", "state", "stalled");
    assert_non_null(strstr(message_string(stalled, "error", ""), "no video for 5 s"));
    json_decref(stalled);
    camera_command(&scene.camera, "resume cam1\n");
    json_decref(worker_wait_message(&scene.worker, "state", "state", "streaming"));
    end(&scene);
}

static unsigned count_words(const char *text, const char *word)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) {
        count++;
    }
    return count;
}

/* Fails unless the workers have made so many connections. */
static void assert_connections(const struct fork_server_process *fork_server, unsigned count)
{
    char *log = fork_server_log(fork_server);

    assert_int_equal(count_words(log, "connected: "), count);
    free(log);
}

/* Who comes in the middle of a group of a minute waits for its end, longer than any other deadline, and says so. */
static void a_long_group_is_waited_for(void **state)
{
    struct fork_server_process fork_server;
    struct worker_process first, second;
    struct test_camera camera;
    struct run run;

    (void)state;
    camera_start(&camera, "--gop 1500");
    fork_server_start(&fork_server);
    worker_spawn(&fork_server, &first, RING_SIZE);
    send_camera(&first, &camera, false);
    begin_run(&first, &run);
    read_run(&first, &run, 5, NULL);
    worker_spawn(&fork_server, &second, RING_SIZE);
    send_camera(&second, &camera, false);
    json_decref(worker_wait_message(&second, "state", "error", "waiting for a keyframe, 2 s so far"));
    json_t *waiting = worker_wait_message(&second, "state", "error", "waiting for a keyframe, 12 s so far");
    assert_string_equal(message_string(waiting, "state", ""), "starting");
    json_decref(waiting);
    camera_command(&camera, "keyframe cam1\n");
    json_decref(worker_wait_message(&second, "state", "state", "streaming"));
    assert_connections(&fork_server, 2);
    worker_finish(&second);
    worker_finish(&first);
    fork_server_stop(&fork_server, NULL);
    camera_stop(&camera);
}

/* A camera whose pictures came seconds apart may be silent for longer than 5 s; another one may not (see above). */
static void a_slow_pace_is_learnt(void **state)
{
    struct scene scene;
    struct run run;

    (void)state;
    begin(&scene, "--gop 1", RING_SIZE);
    begin_run(&scene.worker, &run);
    read_run(&scene.worker, &run, 5, NULL);
    camera_command(&scene.camera, "pause cam1\n");
    usleep(4 * 1000 * 1000);
    begin_run(&scene.worker, &run); /* at the newest picture, which may have been read already */
    read_run(&scene.worker, &run, 1, NULL);
    camera_command(&scene.camera, "resume cam1\n");
    read_run(&scene.worker, &run, 2, NULL);
    camera_command(&scene.camera, "pause cam1\n");
    usleep(7 * 1000 * 1000);
    camera_command(&scene.camera, "resume cam1\n");
    read_run(&scene.worker, &run, 5, NULL);
    assert_connections(&scene.fork_server, 1);
    end(&scene);
}

static void picture_that_does_not_fit_is_told(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene, "--size 1280x720 --bitrate 20000", 65536);
    json_t *told;
    do {
        told = worker_wait_message(&scene.worker, "state", NULL, NULL);
        if (strstr(message_string(told, "error", ""), "ring_size") != NULL) {
            break;
        }
        json_decref(told);
    } while (true);
    json_decref(told);
    end(&scene);
}

/* The ring stays at 64 KiB, a group of three seconds takes more. */
static void group_that_does_not_fit_is_told(void **state)
{
    struct scene scene;
    bool told = false;

    (void)state;
    begin(&scene, "--size 320x240 --bitrate 600 --fps 25 --gop 75", 65536);
    while (!told) {
        json_t *body = worker_wait_message(&scene.worker, "state", "state", "streaming");
        told = strstr(message_string(body, "error", ""), "larger than the ring of 64 KiB") != NULL;
        assert_true(!told || strstr(message_string(body, "error", ""), "set ring_size = ") != NULL);
        json_decref(body);
    }
    char *log = fork_server_log(&scene.fork_server);
    assert_non_null(strstr(log, "larger than the ring of 64 KiB"));
    free(log);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h264_with_aac),
        cmocka_unit_test(h265_without_audio),
        cmocka_unit_test(b_frames),
        cmocka_unit_test(b_frames_of_h264),
        cmocka_unit_test(every_audio_is_played),
        cmocka_unit_test(digest_with_any_characters),
        cmocka_unit_test(reconnect_keeps_generation_and_timeline),
        cmocka_unit_test(killed_worker_is_followed_by_another),
        cmocka_unit_test(silence_is_a_stall),
        cmocka_unit_test(a_long_group_is_waited_for),
        cmocka_unit_test(a_slow_pace_is_learnt),
        cmocka_unit_test(picture_that_does_not_fit_is_told),
        cmocka_unit_test(group_that_does_not_fit_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
