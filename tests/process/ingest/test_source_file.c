/* SPDX-License-Identifier: MIT */
/* A file as a source: at its own speed, again and again, and nothing but media. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/source/source.h"

/* A clip of 0.8 s: 20 frames at 25 a second, with sound. */
#define CLIP_FRAMES 20
#define CLIP_MS 800
#define FRAME_MS 40

#define NS_PER_MS 1000000LL

static bool stop;

static bool interrupted(void *context)
{
    (void)context;
    return stop;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

static void make_clip(const char *path, const char *b_frames)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execlp("ffmpeg", "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
               "testsrc=size=160x120:rate=25:duration=0.8", "-f", "lavfi", "-i", "sine=duration=0.8", "-c:v",
               "libx264", "-preset", "ultrafast", "-bf", b_frames, "-c:a", "aac", "-shortest", path,
               (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static struct source *open_file(const char *path)
{
    static char url[128]; /* outlives the source, as its task does */
    static struct camera_task task;
    struct source_options options = {.task = &task, .interrupted = interrupted, .attention = -1};
    char error[SOURCE_ERROR_SIZE];
    struct source *source;

    stop = false;
    snprintf(url, sizeof(url), "file://%s", path);
    task = (struct camera_task){.url = url, .audio = true};
    if (source_open(&options, &source, error) < 0) {
        fail_msg("%s", error);
    }
    return source;
}

static void plays(const char *suffix, const char *b_frames)
{
    char path[64];
    char error[SOURCE_ERROR_SIZE];
    struct media_unit unit;
    int64_t last = INT64_MIN;
    unsigned frames = 0, sounds = 0, keyframes = 0;

    snprintf(path, sizeof(path), "/tmp/ringcast-clip-%d%s", (int)getpid(), suffix);
    make_clip(path, b_frames);
    struct source *source = open_file(path);
    unlink(path);
    assert_int_equal(source_describe(source)->video.codec, MEDIA_CODEC_H264);
    assert_int_equal(source_describe(source)->audio.codec, MEDIA_CODEC_AAC);
    assert_in_range(source_describe(source)->audio.extradata_size, 2, 5);
    int64_t begun = now_ms();
    while (frames < 2 * CLIP_FRAMES + 1) {
        assert_int_equal(source_read(source, &unit, error), 1);
        if (!unit.video) {
            sounds++;
            assert_false(unit.data[0] == 0xff && (unit.data[1] & 0xf6) == 0xf0); /* a header of ADTS */
            continue;
        }
        frames++;
        keyframes += unit.keyframe;
        assert_true(last == INT64_MIN || unit.decode_ns > last);
        assert_true(last == INT64_MIN || unit.decode_ns - last < NS_PER_MS * 3 * FRAME_MS);
        last = unit.decode_ns;
    }
    int64_t took = now_ms() - begun;
    assert_true(took > 2 * CLIP_MS - 2 * FRAME_MS);
    assert_true(keyframes >= 3);
    assert_true(sounds > 20);
    source_close(source);
}

static void a_file_is_played_at_its_speed_and_again(void **state)
{
    (void)state;
    plays(".mp4", "0");
}

static void a_file_that_does_not_begin_at_zero_too(void **state)
{
    (void)state;
    plays(".ts", "2");
}

static void waiting_is_interrupted(void **state)
{
    char path[64];
    char error[SOURCE_ERROR_SIZE];
    struct media_unit unit;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/ringcast-clip-%d.mkv", (int)getpid());
    make_clip(path, "0");
    struct source *source = open_file(path);
    unlink(path);
    assert_int_equal(source_read(source, &unit, error), 1);
    stop = true;
    assert_int_equal(source_read(source, &unit, error), -ECANCELED);
    source_close(source);
}

static void what_is_no_media_is_refused(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "file:///dev/null", "file:///nonexistent.mp4",
                                       "file://relative.mp4"};
    struct camera_task task = {0};
    struct source_options options = {.task = &task, .interrupted = interrupted, .attention = -1};
    char error[SOURCE_ERROR_SIZE];
    struct source *source;

    (void)state;
    stop = false;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        error[0] = '\0';
        task.url = strdup(urls[i]);
        assert_true(source_open(&options, &source, error) < 0);
        assert_null(source);
        assert_true(error[0] != '\0');
        free(task.url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_played_at_its_speed_and_again),
        cmocka_unit_test(a_file_that_does_not_begin_at_zero_too),
        cmocka_unit_test(waiting_is_interrupted),
        cmocka_unit_test(what_is_no_media_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
