/* SPDX-License-Identifier: MIT */
/*
 * R9: docs/examples/recorder.c, a program that knows the public library only, on rings with made-up
 * fragments. What it writes is compared byte for byte; whether players like it is for the tests with a
 * camera. RECORDER: its path.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/patience.h"
#include "tests/support/ring_fixture.h"

#define LENGTH 1000

struct recording {
    struct ring_fixture *ring;
    char path[64];
    uint8_t expected[1 << 20];
    size_t expected_length;
};

static int set_up(void **state)
{
    struct recording *recording = calloc(1, sizeof(*recording));
    void *ring;

    assert_non_null(recording);
    assert_int_equal(fixture_set_up(&ring), 0);
    recording->ring = ring;
    snprintf(recording->path, sizeof(recording->path), "/tmp/ringcast-recorder-XXXXXX");
    int fd = mkstemp(recording->path);
    assert_true(fd >= 0);
    close(fd);
    *state = recording;
    return 0;
}

static int tear_down(void **state)
{
    struct recording *recording = *state;
    void *ring = recording->ring;

    unlink(recording->path);
    free(recording);
    return fixture_tear_down(&ring);
}

static void begin(struct recording *recording, const char *init, bool expected)
{
    struct ring_stream stream = {
        .codecs = "avc1.64001F",
        .init = init,
        .init_length = strlen(init),
        .timescale = FIXTURE_TIMESCALE,
    };

    assert_int_equal(ring_writer_begin_generation(recording->ring->writer, &stream), 0);
    if (expected) {
        memcpy(recording->expected + recording->expected_length, init, strlen(init));
        recording->expected_length += strlen(init);
    }
}

static void publish(struct recording *recording, int count, bool expected)
{
    for (int i = 0; i < count; i++) {
        uint64_t sequence = ring_writer_next_sequence(recording->ring->writer);
        assert_int_equal(fixture_publish(recording->ring->writer, LENGTH, i == 0 ? RINGCAST_KEYFRAME : 0), 0);
        if (!expected) {
            continue;
        }
        fragment_fill(recording->expected + recording->expected_length, LENGTH, sequence);
        recording->expected_length += LENGTH;
    }
}

static pid_t start(struct recording *recording, const char *seconds)
{
    pid_t child = fixture_fork();

    if (child == 0) {
        execl(RECORDER, "recorder", recording->ring->name, recording->path, seconds, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    return child;
}

static void expect_exit(pid_t child, int expected)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static void expect_file(struct recording *recording)
{
    static uint8_t found[sizeof(recording->expected)];
    int fd = open(recording->path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    ssize_t length = read(fd, found, sizeof(found));
    close(fd);
    assert_int_equal(length, recording->expected_length);
    assert_memory_equal(found, recording->expected, recording->expected_length);
}

/* Until all that is expected so far is in the file. */
static void wait_for_file(struct recording *recording)
{
    struct timespec pause = {.tv_nsec = 1000000};
    struct stat status;

    do {
        assert_int_equal(stat(recording->path, &status), 0);
        nanosleep(&pause, NULL);
    } while ((size_t)status.st_size < recording->expected_length); /* main has an alarm */
}

static void test_r9_recorder_takes_the_seconds_asked_for(void **state)
{
    struct recording *recording = *state;

    begin(recording, "ftyp moov", true);
    publish(recording, 7, false);
    publish(recording, 25, true); /* from the newest keyframe on, one second */
    assert_int_equal(fixture_publish(recording->ring->writer, LENGTH, 0), 0);
    expect_exit(start(recording, "1"), 0);
    expect_file(recording);
}

static void test_r9_recorder_waits_for_a_keyframe(void **state)
{
    struct recording *recording = *state;

    pid_t child = start(recording, "0.2");
    begin(recording, "ftyp moov", true);
    publish(recording, 5, true);
    expect_exit(child, 0);
    expect_file(recording);
}

static void test_r9_recorder_goes_on_over_the_same_parameters(void **state)
{
    struct recording *recording = *state;

    begin(recording, "ftyp moov", true);
    publish(recording, 5, true);
    pid_t child = start(recording, "0.4");
    wait_for_file(recording);
    fixture_attach(recording->ring); /* a worker was restarted */
    begin(recording, "ftyp moov", false);
    publish(recording, 5, true);
    expect_exit(child, 0);
    expect_file(recording);
}

static void test_r9_recorder_ends_with_other_parameters(void **state)
{
    struct recording *recording = *state;

    begin(recording, "ftyp moov", true);
    publish(recording, 5, true);
    pid_t child = start(recording, "100");
    wait_for_file(recording);
    begin(recording, "ftyp other", false);
    publish(recording, 5, false);
    expect_exit(child, 0);
    expect_file(recording);
}

static void test_r9_recorder_ends_with_the_ring(void **state)
{
    struct recording *recording = *state;

    begin(recording, "ftyp moov", true);
    publish(recording, 5, true);
    pid_t child = start(recording, "100");
    wait_for_file(recording);
    ring_retire(recording->ring->descriptors.writer);
    expect_exit(child, 0);
    expect_file(recording);
}

static void test_r9_recorder_goes_on_in_a_ring_of_another_size(void **state)
{
    struct recording *recording = *state;
    struct ring_descriptors next;

    begin(recording, "ftyp moov", true);
    publish(recording, 5, true);
    pid_t child = start(recording, "0.4");
    wait_for_file(recording);
    next = fixture_write_next(recording->ring);
    begin(recording, "ftyp moov", false);
    publish(recording, 5, true);
    fixture_install_next(recording->ring, next);
    expect_exit(child, 0);
    expect_file(recording);
}

static void test_r9_recorder_leaves_a_gap_where_it_was_overtaken(void **state)
{
    struct recording *recording = *state;

    begin(recording, "ftyp moov", true);
    publish(recording, 5, true);
    pid_t child = start(recording, "4");
    wait_for_file(recording);
    assert_int_equal(kill(child, SIGSTOP), 0);
    for (int i = 0; i < 9; i++) {
        publish(recording, 10, false); /* more than a lap */
    }
    publish(recording, 5, true);
    assert_int_equal(kill(child, SIGCONT), 0);
    expect_exit(child, 0); /* the hundredth fragment ends at four seconds */
    expect_file(recording);
}

static void test_r9_recorder_without_a_ring(void **state)
{
    struct recording *recording = *state;
    assert_int_equal(ring_unlink(recording->ring->name), 0);
    expect_exit(start(recording, "1"), 1);
}

int main(void)
{
#define RECORDER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RECORDER_TEST(test_r9_recorder_takes_the_seconds_asked_for),
        RECORDER_TEST(test_r9_recorder_waits_for_a_keyframe),
        RECORDER_TEST(test_r9_recorder_goes_on_over_the_same_parameters),
        RECORDER_TEST(test_r9_recorder_ends_with_other_parameters),
        RECORDER_TEST(test_r9_recorder_ends_with_the_ring),
        RECORDER_TEST(test_r9_recorder_goes_on_in_a_ring_of_another_size),
        RECORDER_TEST(test_r9_recorder_leaves_a_gap_where_it_was_overtaken),
        RECORDER_TEST(test_r9_recorder_without_a_ring),
    };

    alarm(PATIENCE_ALARM_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
