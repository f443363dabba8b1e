/* SPDX-License-Identifier: MIT */
/*
 * R5: writers that are killed. First at each step of publishing, of beginning a generation, of repairing a
 * ring and of going on in another; then at random instants. What a reader sees before, between and after is
 * always whole and in order, without a gap. Built with RING_TEST_FAULTS, which makes the writer call
 * ring_test_fault at each step.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/ring/ring_writer_private.h"
#include "tests/support/ring_follower.h"

#define RANDOM_KILLS 300
#define LONGEST_DELAY_US 3000
#define LENGTH 1000

/* One entry of LENGTH takes 1088 bytes: so many fit into a lap, and the next one needs padding. */
#define PER_LAP ((FIXTURE_CAPACITY - RING_FIRST_POSITION) / 1088)

static enum ring_fault_point armed;
static bool reached[RING_FAULT_POINTS]; /* a writer was killed there, and what it left was sound */

void ring_test_fault(enum ring_fault_point point)
{
    if (point == armed) {
        raise(SIGKILL);
    }
}

static void expect_killed(pid_t child)
{
    int status;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* What the writer notes about the fragment of SEQUENCE. */
static struct ring_note note_of(uint64_t sequence)
{
    struct ring_note note;

    for (size_t i = 0; i < RING_NOTE_WORDS; i++) {
        note.words[i] = sequence * 100 + i;
    }
    return note;
}

/* As fixture_publish, but the payload comes in two halves. */
static void publish_in_steps(struct ring_writer *writer, size_t length)
{
    uint64_t sequence = ring_writer_next_sequence(writer);
    const struct ring_note note = note_of(sequence);
    struct ring_fragment fragment = {
        .flags = RINGCAST_KEYFRAME,
        .note = &note,
        .decode_time = fixture_decode_time(sequence),
        .duration = FIXTURE_TICK,
        .wall_ns = (int64_t)sequence + 1,
        .capture_ns = (int64_t)sequence + 2,
    };
    uint8_t bytes[LENGTH];

    uint8_t *room = ring_writer_reserve(writer, length);
    if (!room) {
        _exit(2);
    }
    fragment_fill(bytes, length, sequence);
    memcpy(room, bytes, length / 2);
    ring_test_fault(RING_FAULT_PAYLOAD_HALF);
    memcpy(room + length / 2, bytes + length / 2, length - length / 2);
    ring_test_fault(RING_FAULT_PAYLOAD);
    ring_writer_publish(writer, &fragment);
}

/* In a child: publishes COUNT fragments, the first a keyframe, and is killed at POINT in the one after. */
static pid_t write_until_killed(struct ring_fixture *fixture, int count, enum ring_fault_point point)
{
    pid_t child = fixture_fork();

    if (child != 0) {
        return child;
    }
    struct ring_writer *writer = NULL;
    if (ring_writer_attach(dup(fixture->descriptors.writer), fixture->wake, &writer) < 0) {
        _exit(2);
    }
    fixture_begin_generation(writer);
    for (int i = 0; i < count; i++) {
        publish_in_steps(writer, LENGTH);
    }
    armed = point;
    publish_in_steps(writer, LENGTH);
    fixture_begin_generation(writer);
    _exit(1); /* the point was not on the way */
}

/* What readers have seen by then, and what the next writer makes of it. */
static void expect_sound(struct ring_fixture *fixture, struct ring_follower *follower, uint64_t complete)
{
    ringcast_cursor cursor;
    ringcast_entry entry;

    assert_int_equal(follower_drain(follower, fixture->reader), 0);
    assert_true(follower->last_sequence == complete || follower->last_sequence + 1 == complete);
    fixture_attach(fixture);
    assert_int_equal(ring_writer_next_sequence(fixture->writer), complete + 1);
    struct ring_note note, expected = note_of(complete);
    assert_true(ring_writer_note(fixture->writer, &note));
    assert_memory_equal(&note, &expected, sizeof(note));
    assert_true(ring_writer_end_ns(fixture->writer) >= (int64_t)(complete * UINT64_C(40000000)));
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, LENGTH, RINGCAST_KEYFRAME), 0);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.sequence, complete + 1);
    assert_int_equal(follower_drain(follower, fixture->reader), 0);
    assert_int_equal(follower->last_sequence, complete + 1);
    assert_int_equal(follower->gaps, 0);
}

/* Sequences that are in the ring for good when the writer dies at POINT in its (COUNT + 1)st fragment. */
static uint64_t complete_after(uint64_t count, enum ring_fault_point point)
{
    return point >= RING_FAULT_NEWEST ? count + 1 : count;
}

/* A ring of its own for each point, so that the padding comes where it is expected. */
static void kill_at(int count, enum ring_fault_point point)
{
    struct ring_follower follower;
    void *state;

    assert_int_equal(fixture_set_up_with_index(&state), 0);
    struct ring_fixture *fixture = state;
    ring_unlink(fixture->name); /* nothing stays behind if this fails */
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, LENGTH, RINGCAST_KEYFRAME), 0);
    follower_init(&follower, fixture->reader);
    assert_int_equal(follower_drain(&follower, fixture->reader), 0);
    expect_killed(write_until_killed(fixture, count, point));
    expect_sound(fixture, &follower, complete_after(1 + (uint64_t)count, point));
    assert_int_equal(fixture_tear_down(&state), 0);
    reached[point] = true;
}

static bool is_of_padding(enum ring_fault_point point)
{
    return point == RING_FAULT_PADDING_HALF || point == RING_FAULT_PADDING;
}

static void test_r5_killed_at_each_step(void **state)
{
    (void)state;
    for (enum ring_fault_point point = RING_FAULT_INTENT; point <= RING_FAULT_GENERATION; point++) {
        if (!is_of_padding(point)) {
            kill_at(3, point);
        }
    }
}

static void test_r5_killed_at_each_step_with_padding(void **state)
{
    (void)state;
    for (enum ring_fault_point point = RING_FAULT_INTENT; point <= RING_FAULT_WOKEN; point++) {
        kill_at(PER_LAP - 1, point);
    }
}

/* Attaches to the ring in a child, which is killed at POINT. */
static void expect_killed_attaching(struct ring_fixture *fixture, enum ring_fault_point point)
{
    pid_t child = fixture_fork();

    if (child == 0) {
        struct ring_writer *writer;
        armed = point;
        _exit(ring_writer_attach(dup(fixture->descriptors.writer), -1, &writer) < 0 ? 2 : 1);
    }
    expect_killed(child);
    reached[point] = true;
}

/* Each step behind the commit leaves work for the next writer, which is killed while it does it. */
static void test_r5_killed_while_rolling_forward(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_follower follower;
    uint64_t complete = 1;

    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, LENGTH, RINGCAST_KEYFRAME), 0);
    follower_init(&follower, fixture->reader);
    for (enum ring_fault_point left = RING_FAULT_NEWEST; left <= RING_FAULT_KEYFRAME; left++) {
        for (enum ring_fault_point point = RING_FAULT_RECOVER_HEAD; point <= RING_FAULT_RECOVER_KEYFRAME;
             point++) {
            assert_int_equal(follower_drain(&follower, fixture->reader), 0);
            expect_killed(write_until_killed(fixture, 1, left));
            expect_killed_attaching(fixture, point);
            expect_sound(fixture, &follower, complete + 2);
            complete += 3;
        }
    }
}

/* A ring with damaged counters, whose repair is cut off as well; the repair after that must still succeed. */
static void test_r5_killed_while_repairing(void **state)
{
    struct ring_fixture *fixture = *state;

    for (enum ring_fault_point point = RING_FAULT_RECOVER_INTENT; point <= RING_FAULT_RECOVER_SEQUENCE;
         point++) {
        ringcast_cursor cursor;
        ringcast_entry entry;
        fixture_begin_generation(fixture->writer);
        for (int i = 0; i < 10; i++) {
            assert_int_equal(fixture_publish(fixture->writer, LENGTH, RINGCAST_KEYFRAME), 0);
        }
        uint64_t least = ring_writer_next_sequence(fixture->writer);
        atomic_fetch_add(&fixture->header->newest, 64);
        expect_killed_attaching(fixture, point);
        int result = ringcast_seek_keyframe(fixture->reader, &cursor);
        assert_true(result == 0 || result == -EAGAIN);
        assert_true(fixture_read(fixture->reader, &cursor, &entry) <= 1);
        fixture_attach(fixture);
        assert_true(ring_writer_next_sequence(fixture->writer) >= least);
        fixture_begin_generation(fixture->writer);
        assert_int_equal(fixture_publish(fixture->writer, LENGTH, RINGCAST_KEYFRAME), 0);
        assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
        assert_true(entry.sequence >= least);
    }
}

/* A larger ring's first writer dies before it is in use; the next one goes on all the same. */
static void test_r5_killed_while_succeeding(void **state)
{
    struct ring_fixture *old = *state;
    void *next_state;

    assert_int_equal(fixture_set_up(&next_state), 0);
    struct ring_fixture *next = next_state;
    fixture_begin_generation(old->writer);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fixture_publish(old->writer, LENGTH, RINGCAST_KEYFRAME), 0);
    }
    pid_t child = fixture_fork();
    if (child == 0) {
        armed = RING_FAULT_SUCCEED;
        _exit(ring_writer_succeed(next->writer, old->writer) < 0 ? 2 : 1);
    }
    expect_killed(child);
    reached[RING_FAULT_SUCCEED] = true;

    ringcast_cursor cursor;
    ringcast_entry entry;
    assert_int_equal(ringcast_seek_keyframe(next->reader, &cursor), -EAGAIN);
    fixture_attach(next);
    assert_int_equal(ring_writer_next_sequence(next->writer), 6);
    fixture_begin_generation(next->writer);
    assert_int_equal(fixture_publish(next->writer, LENGTH, RINGCAST_KEYFRAME), 0);
    assert_int_equal(ringcast_seek_keyframe(next->reader, &cursor), 0);
    assert_int_equal(fixture_read(next->reader, &cursor, &entry), 1);
    assert_int_equal(entry.sequence, 6);
    assert_int_equal(fixture_tear_down(&next_state), 0);
}

/* A step that is added needs its kill here. */
static void test_r5_no_step_was_left_out(void **state)
{
    (void)state;
    for (int point = RING_FAULT_INTENT; point < RING_FAULT_POINTS; point++) {
        if (!reached[point]) {
            fail_msg("no writer was killed at step %d", point);
        }
    }
}

/* In a child: publishes for ever, and a new generation now and then. */
static _Noreturn void write_for_ever(struct ring_fixture *fixture)
{
    struct ring_writer *writer = NULL;

    if (ring_writer_attach(dup(fixture->descriptors.writer), fixture->wake, &writer) < 0) {
        _exit(2);
    }
    for (uint64_t i = 0;; i++) {
        if (i % 50 == 0) {
            fixture_begin_generation(writer);
        }
        if (fixture_publish(writer, 1 + (i * 7919) % 9000, i % 10 == 0 ? RINGCAST_KEYFRAME : 0) < 0) {
            _exit(3);
        }
    }
}

static void follow_until(struct ring_follower *follower, const ringcast_reader *reader, int64_t delay_us)
{
    struct timespec begin;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        assert_int_equal(follower_drain(follower, reader), 0);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < delay_us);
}

static void expect_next_writer_seen(struct ring_fixture *fixture, struct ring_follower *follower)
{
    fixture_attach(fixture);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, LENGTH, RINGCAST_KEYFRAME), 0);
    assert_int_equal(follower_drain(follower, fixture->reader), 0);
    assert_int_equal(follower->last_sequence, ring_writer_next_sequence(fixture->writer) - 1);
}

static void test_r5_killed_at_random(void **state)
{
    struct ring_fixture *fixture = *state;
    unsigned seed = (unsigned)time(NULL);
    struct ring_follower follower;
    uint64_t last = 0;

    print_message("seed %u\n", seed);
    srandom(seed);
    follower_init(&follower, fixture->reader);
    for (int i = 0; i < RANDOM_KILLS; i++) {
        pid_t child = fixture_fork();
        if (child == 0) {
            write_for_ever(fixture);
        }
        assert_true(child > 0);
        /* Until it publishes, or every kill would fall into the start of the process. */
        assert_int_equal(ringcast_wait(fixture->reader, &follower.cursor, 10000), 1);
        follow_until(&follower, fixture->reader, random() % LONGEST_DELAY_US);
        kill(child, SIGKILL);
        expect_killed(child);
        assert_int_equal(follower_drain(&follower, fixture->reader), 0);
        assert_true(follower.last_sequence >= last);
        last = follower.last_sequence;
    }
    assert_true(follower.fragments > RANDOM_KILLS);
    expect_next_writer_seen(fixture, &follower);
    print_message("%d kills: %llu fragments read, %llu jumps over %llu\n", RANDOM_KILLS,
                  (unsigned long long)follower.fragments, (unsigned long long)follower.jumps,
                  (unsigned long long)follower.gaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_r5_killed_at_each_step),
        cmocka_unit_test(test_r5_killed_at_each_step_with_padding),
        RING_TEST(test_r5_killed_while_rolling_forward),
        RING_TEST(test_r5_killed_while_repairing),
        RING_TEST(test_r5_killed_while_succeeding),
        cmocka_unit_test(test_r5_no_step_was_left_out),
        RING_TEST(test_r5_killed_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
