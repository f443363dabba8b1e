/* SPDX-License-Identifier: MIT */
/*
 * Following a camera (ringcast_follow): init segments and fragments in order, from ring to ring, and what
 * happens when a reader is too slow, a ring ends, or its content leads nowhere.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

#define LENGTH 1000
#define SHORT_MS 20

static ringcast_follower *follower;
static ringcast_piece piece;

static int set_up(void **state)
{
    int result = fixture_set_up(state);
    struct ring_fixture *ring = *state;

    return result != 0 ? result : ringcast_follow(ring->name, &follower);
}

static int tear_down(void **state)
{
    ringcast_unfollow(follower);
    follower = NULL;
    return fixture_tear_down(state);
}

static void begin(struct ring_fixture *ring, const char *init)
{
    struct ring_stream stream = {
        .codecs = "avc1.64001F",
        .init = init,
        .init_length = strlen(init),
        .timescale = FIXTURE_TIMESCALE,
    };

    assert_int_equal(ring_writer_begin_generation(ring->writer, &stream), 0);
}

static void publish(struct ring_fixture *ring, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(fixture_publish(ring->writer, LENGTH, i == 0 ? RINGCAST_KEYFRAME : 0), 0);
    }
}

static void expect_init(const char *init, uint64_t sequence)
{
    assert_int_equal(ringcast_next(follower, -1, &piece), 1);
    assert_true(piece.init);
    assert_int_equal(piece.length, strlen(init));
    assert_memory_equal(piece.data, init, strlen(init));
    assert_int_equal(piece.entry.sequence, sequence);
    assert_int_equal(piece.generation->number, piece.entry.generation);
    assert_int_equal(piece.generation->timescale, FIXTURE_TIMESCALE);
}

static void expect_fragments(uint64_t first, uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        assert_int_equal(ringcast_next(follower, -1, &piece), 1);
        assert_false(piece.init);
        assert_int_equal(piece.entry.sequence, sequence);
        assert_int_equal(piece.length, LENGTH);
        assert_true(fragment_intact(piece.data, piece.length, sequence));
        assert_int_equal(piece.generation->number, piece.entry.generation);
    }
}

static void expect_nothing(int answer)
{
    assert_int_equal(ringcast_next(follower, SHORT_MS, &piece), answer);
}

static void init_first_then_from_the_newest_keyframe(void **state)
{
    struct ring_fixture *ring = *state;

    expect_nothing(0);
    begin(ring, "ftyp moov");
    publish(ring, 3);
    publish(ring, 5);
    expect_init("ftyp moov", 4);
    expect_fragments(4, 8);
    expect_nothing(0);
    publish(ring, 1);
    expect_fragments(9, 9);
}

static void an_init_segment_comes_again_when_it_differs(void **state)
{
    struct ring_fixture *ring = *state;

    begin(ring, "ftyp moov");
    publish(ring, 2);
    begin(ring, "ftyp moov"); /* a worker was restarted */
    publish(ring, 2);
    expect_init("ftyp moov", 3);
    expect_fragments(3, 4);
    begin(ring, "ftyp moov");
    publish(ring, 2);
    expect_fragments(5, 6);
    begin(ring, "ftyp m00v");
    publish(ring, 2);
    expect_init("ftyp m00v", 7);
    expect_fragments(7, 8);
    begin(ring, "ftyp moov, longer");
    publish(ring, 1);
    expect_init("ftyp moov, longer", 9);
    expect_fragments(9, 9);
}

static void nothing_is_missing_where_a_ring_replaces_another(void **state)
{
    struct ring_fixture *ring = *state;
    struct ring_descriptors next;

    begin(ring, "ftyp moov");
    publish(ring, 5);
    expect_init("ftyp moov", 1);
    expect_fragments(1, 2);
    next = fixture_write_next(ring);
    begin(ring, "ftyp moov");
    publish(ring, 5);
    fixture_install_next(ring, next);
    expect_fragments(3, 10);
    expect_nothing(0);
}

static void overtaken_it_goes_on_with_the_newest_keyframe(void **state)
{
    struct ring_fixture *ring = *state;

    begin(ring, "ftyp moov");
    publish(ring, 1);
    expect_init("ftyp moov", 1);
    expect_fragments(1, 1);
    for (int i = 0; i < 10; i++) {
        publish(ring, 10); /* more than a lap */
    }
    expect_fragments(92, 101);
}

static void a_ring_that_ends_is_read_to_its_end(void **state)
{
    struct ring_fixture *ring = *state;

    begin(ring, "ftyp moov");
    publish(ring, 3);
    expect_init("ftyp moov", 1);
    ring_retire(ring->descriptors.writer);
    assert_int_equal(ring_unlink(ring->name), 0);
    expect_fragments(1, 3);
    assert_int_equal(ringcast_next(follower, -1, &piece), -ENOENT);
    assert_int_equal(ringcast_next(follower, -1, &piece), -ENOENT);
}

static void a_ring_that_is_not_there_may_come(void **state)
{
    struct ring_fixture *ring = *state;
    char aside[RING_NAME_SIZE + 16];
    char path[RING_NAME_SIZE + 16];

    snprintf(path, sizeof(path), "/dev/shm%s", ring->name);
    snprintf(aside, sizeof(aside), "/dev/shm%s~", ring->name);
    begin(ring, "ftyp moov");
    publish(ring, 1);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(ringcast_next(follower, -1, &piece), -ENOENT);
    assert_int_equal(rename(aside, path), 0);
    expect_init("ftyp moov", 1);
    expect_fragments(1, 1);
}

/* The newest keyframe's init segment is gone: time passes, but not as work, and what is sound is taken. */
static void damage_ends_in_time(void **state)
{
    struct ring_fixture *ring = *state;

    begin(ring, "ftyp moov");
    publish(ring, 1);
    fixture_entry(ring, RING_FIRST_POSITION)->generation = 77;
    expect_nothing(0);
    expect_nothing(0);
    publish(ring, 2);
    expect_init("ftyp moov", 2);
    expect_fragments(2, 3);
}

static void on_alarm(int number)
{
    (void)number;
}

static void a_signal_is_told(void **state)
{
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval soon = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}};

    const struct itimerval never = {.it_value = {0}};

    (void)state;
    sigaction(SIGALRM, &action, &before);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(ringcast_next(follower, -1, &piece), -EINTR);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    sigaction(SIGALRM, &before, NULL);
}

static void nothing_stays_open(void **state)
{
    struct ring_fixture *ring = *state;
    size_t before = fixture_count_descriptors();

    begin(ring, "ftyp moov");
    publish(ring, 1);
    for (int i = 0; i < 50; i++) {
        ringcast_follower *other;
        assert_int_equal(ringcast_follow(ring->name, &other), 0);
        assert_int_equal(ringcast_next(other, 0, &piece), 1);
        ringcast_unfollow(other);
    }
    ringcast_unfollow(NULL);
    assert_int_equal(fixture_count_descriptors(), before);
}

int main(void)
{
#define FOLLOW_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FOLLOW_TEST(init_first_then_from_the_newest_keyframe),
        FOLLOW_TEST(an_init_segment_comes_again_when_it_differs),
        FOLLOW_TEST(nothing_is_missing_where_a_ring_replaces_another),
        FOLLOW_TEST(overtaken_it_goes_on_with_the_newest_keyframe),
        FOLLOW_TEST(a_ring_that_ends_is_read_to_its_end),
        FOLLOW_TEST(a_ring_that_is_not_there_may_come),
        FOLLOW_TEST(damage_ends_in_time),
        FOLLOW_TEST(a_signal_is_told),
        FOLLOW_TEST(nothing_stays_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
