/* SPDX-License-Identifier: MIT */
/* What cameras without viewers cost the fan-out (F5, F8: docs/design/fanout.md), and its loop. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* cmocka.h needs the headers above it. */
#include <cmocka.h>

#include "tests/process/fanout/fixture.h"

#define CAMERAS 40

/* Rounds of one fragment per camera, at 25 a second. */
#define ROUNDS 75
#define ROUND_NS 40000000L

/* It sleeps if it has not woken up for so long; it must come to that within so many steps. */
#define SETTLE_NS 250000000L
#define SETTLE_STEPS 80

static struct source sources[CAMERAS];

static int set_up(void **state)
{
    (void)state;
    fanout_start(&fanout);
    for (int i = 0; i < CAMERAS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "camera%d", i);
        source_begin(&sources[i], &fanout, name, RING_BYTES);
        source_generation(&sources[i], CODECS, INIT_A);
        source_publish(&sources[i], FRAGMENT_BYTES, true);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fanout_end(&fanout, SIGTERM);
    for (int i = 0; i < CAMERAS; i++) {
        source_end(&sources[i]);
    }
    return 0;
}

/* How often the fan-out, which is one thread, has gone to sleep. */
static long sleeps(void)
{
    char path[64], line[256];
    long count = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", fanout.pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        sscanf(line, "voluntary_ctxt_switches: %ld", &count);
    }
    fclose(file);
    assert_true(count >= 0);
    return count;
}

static void wait_until_it_sleeps(void)
{
    const struct timespec step = {.tv_nsec = SETTLE_NS};
    long before = -1, now = sleeps();
    for (int i = 0; before != now; i++) {
        assert_true(i < SETTLE_STEPS);
        nanosleep(&step, NULL);
        before = now;
        now = sleeps();
    }
}

/* Cameras from number FIRST on publish for three seconds. */
static void publish_all(int first)
{
    const struct timespec round = {.tv_nsec = ROUND_NS};
    for (int i = 0; i < ROUNDS; i++) {
        for (int camera = first; camera < CAMERAS; camera++) {
            source_publish(&sources[camera], FRAGMENT_BYTES, i % 25 == 0);
        }
        nanosleep(&round, NULL);
    }
}

static void cameras_that_nobody_watches_wake_nobody(void **state)
{
    (void)state;
    wait_until_it_sleeps();
    long before = sleeps();
    publish_all(0);
    assert_int_equal(sleeps(), before);
}

/* A paused viewer watches nothing, and others' cameras are not a viewer's business. */
static void viewers_of_nothing_cost_next_to_nothing(void **state)
{
    (void)state;
    enum { COARSE_TIMER_MAX = 2 }; /* pings */
    struct client quiet, paused;
    watch_camera(&quiet, &fanout, "/live/camera0", 0);
    watch_camera(&paused, &fanout, "/live/camera1", 0);
    say(&paused, "{\"type\":\"pause\"}");
    wait_until_it_sleeps();
    long before = sleeps();
    publish_all(1);
    assert_in_range(sleeps() - before, 0, COARSE_TIMER_MAX);
    client_close(&quiet, false);
    client_close(&paused, false);
}

static int epoll_instances(void)
{
    char path[64], name[320], target[64];
    int count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", fanout.pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        ssize_t length = readlink(name, target, sizeof(target) - 1);
        target[length > 0 ? length : 0] = '\0';
        count += strcmp(target, "anon_inode:[eventpoll]") == 0;
    }
    closedir(directory);
    return count;
}

static void serve_one(void)
{
    struct client client;
    watch_camera(&client, &fanout, "/live/camera0", 0);
    expect_init(&client, INIT_A);
    expect_fragment(&client, 1);
    source_publish(&sources[0], FRAGMENT_BYTES, false);
    expect_fragment(&client, 2);
    client_close(&client, false);
}

/* libev's instance and that of the cameras' eventfds. */
static void the_loop_is_epoll(void **state)
{
    (void)state;
    assert_int_equal(epoll_instances(), 2);
    serve_one();
}

/* As on a machine without libwebsockets' plugin for libev. */
static int set_up_poll(void **state)
{
    setenv("RINGCAST_FANOUT_LOOP", "poll", 1);
    int status = set_up(state);
    unsetenv("RINGCAST_FANOUT_LOOP");
    return status;
}

static void the_loop_may_be_poll(void **state)
{
    (void)state;
    assert_int_equal(epoll_instances(), 1);
    serve_one();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cameras_that_nobody_watches_wake_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(viewers_of_nothing_cost_next_to_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loop_is_epoll, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_loop_may_be_poll, set_up_poll, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
