/* SPDX-License-Identifier: MIT */
/*
 * R8: readers survive a ring that is cut off under them, and leave other people's SIGBUS alone. cmocka has a
 * handler of its own, which it puts in place after the set-up of a test; so the rings that matter are opened
 * in the test itself.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

/* More rings than one block of the registry holds. */
#define MANY 150

static sigjmp_buf foreign_fault;

static void on_foreign_fault(int number)
{
    (void)number;
    siglongjmp(foreign_fault, 1);
}

static void test_r8_truncated_ring_ends(void **state)
{
    struct ring_fixture *fixture = *state;
    const off_t sizes[] = {RING_DATA_OFFSET, 4096, 0};
    ringcast_generation generation;
    ringcast_entry entry;
    static uint8_t buffer[RINGCAST_INIT_MAX];
    uint8_t saved[sizeof(struct ring_header)];

    assert_int_equal(pread(fixture->descriptors.writer, saved, sizeof(saved), 0), sizeof(saved));
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ringcast_reader *reader;
        ringcast_cursor cursor;
        assert_int_equal(ringcast_open(fixture->name, &reader), 0);
        assert_int_equal(ringcast_seek_keyframe(reader, &cursor), 0);
        assert_int_equal(ftruncate(fixture->descriptors.writer, sizes[i]), 0);
        assert_int_equal(fixture_read(reader, &cursor, &entry), -EPIPE);
        assert_int_equal(ringcast_peek(reader, &cursor, &entry), -EPIPE);
        assert_int_equal(ringcast_wait(reader, &cursor, -1), -EPIPE);
        assert_int_equal(ringcast_init_segment(reader, 0, buffer, sizeof(buffer), &generation), -EBADMSG);
        assert_int_equal(ringcast_init_segment(reader, 1, buffer, sizeof(buffer), &generation), -EBADMSG);
        assert_int_equal(ringcast_seek_keyframe(reader, &cursor), -EAGAIN);
        ringcast_close(reader);
        assert_int_equal(ftruncate(fixture->descriptors.writer, (off_t)fixture->map_length), 0);
        assert_int_equal(pwrite(fixture->descriptors.writer, saved, sizeof(saved), 0), sizeof(saved));
        fixture_attach(fixture);
        fixture_begin_generation(fixture->writer);
        assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME), 0);
    }
}

static void test_r8_only_the_ring_that_was_cut_off_ends(void **state)
{
    struct ring_fixture *fixture = *state;
    void *second_state;
    ringcast_cursor cursor;
    ringcast_cursor other;
    ringcast_entry entry;

    assert_int_equal(fixture_set_up(&second_state), 0);
    struct ring_fixture *second = second_state;
    fixture_begin_generation(fixture->writer);
    fixture_begin_generation(second->writer);
    assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME), 0);
    assert_int_equal(fixture_publish(second->writer, 1000, RINGCAST_KEYFRAME), 0);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_int_equal(ringcast_seek_keyframe(second->reader, &other), 0);
    assert_int_equal(ftruncate(second->descriptors.writer, 0), 0);
    assert_int_equal(fixture_read(second->reader, &other, &entry), -EPIPE);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(fixture_tear_down(&second_state), 0);
}

/* A page behind the end of a file of our own. */
static volatile const char *map_beyond_end(void)
{
    int fd = memfd_create("beyond", MFD_CLOEXEC);

    assert_true(fd >= 0);
    void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    assert_ptr_not_equal(map, MAP_FAILED);
    return map;
}

static void test_faults_elsewhere_go_to_the_previous_handler(void **state)
{
    struct sigaction mine = {.sa_handler = on_foreign_fault};
    struct sigaction before;
    struct sigaction now;
    void *fixture_state;
    volatile const char *beyond = map_beyond_end();
    (void)state;

    assert_int_equal(sigaction(SIGBUS, &mine, &before), 0);
    assert_int_equal(fixture_set_up(&fixture_state), 0);
    struct ring_fixture *fixture = fixture_state;
    assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
    assert_ptr_not_equal(now.sa_handler, on_foreign_fault);
    if (sigsetjmp(foreign_fault, 1) == 0) {
        (void)*beyond;
        fail_msg("no SIGBUS");
    }
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, NULL, 0, &(ringcast_generation){0}), -EAGAIN);
    assert_int_equal(fixture_tear_down(&fixture_state), 0);
    assert_int_equal(sigaction(SIGBUS, &before, &now), 0);
    assert_ptr_equal(now.sa_handler, on_foreign_fault); /* given back */
    munmap((void *)beyond, 4096);
}

static void test_handler_of_somebody_else_stays(void **state)
{
    struct sigaction mine = {.sa_handler = on_foreign_fault};
    struct sigaction ours;
    struct sigaction now;
    void *fixture_state;
    (void)state;

    assert_int_equal(fixture_set_up(&fixture_state), 0);
    assert_int_equal(sigaction(SIGBUS, &mine, &ours), 0);
    assert_int_equal(fixture_tear_down(&fixture_state), 0);
    assert_int_equal(sigaction(SIGBUS, &ours, &now), 0);
    assert_ptr_equal(now.sa_handler, on_foreign_fault);
    assert_int_equal(fixture_set_up(&fixture_state), 0);
    assert_int_equal(fixture_tear_down(&fixture_state), 0);
    assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
    assert_ptr_not_equal(now.sa_sigaction, ours.sa_sigaction);
}

/* Runs in a child: a SIGBUS that nobody handles kills, whether it was raised by a fault or sent. */
static void die_of_sigbus(bool by_fault)
{
    void *fixture_state;

    signal(SIGBUS, SIG_DFL);
    if (fixture_set_up(&fixture_state) < 0) {
        _exit(1);
    }
    ring_unlink(((struct ring_fixture *)fixture_state)->name);
    if (by_fault) {
        (void)*map_beyond_end();
    } else {
        raise(SIGBUS);
    }
    _exit(0);
}

static void test_unhandled_faults_still_kill(void **state)
{
    (void)state;
    for (int by_fault = 0; by_fault < 2; by_fault++) {
        int status;
        pid_t child = fixture_fork();
        if (child == 0) {
            die_of_sigbus(by_fault);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGBUS);
    }
}

static void test_many_rings_are_guarded(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_reader *readers[MANY];
    ringcast_cursor cursor;

    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ringcast_open(fixture->name, &readers[i]), 0);
    }
    assert_int_equal(ftruncate(fixture->descriptors.writer, 0), 0);
    for (int i = MANY; i-- > 0;) {
        assert_int_equal(ringcast_seek_keyframe(readers[i], &cursor), -EAGAIN);
        assert_int_equal(ringcast_wait(readers[i], &cursor, -1), -EPIPE);
        ringcast_close(readers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_r8_truncated_ring_ends),
        RING_TEST(test_r8_only_the_ring_that_was_cut_off_ends),
        cmocka_unit_test(test_faults_elsewhere_go_to_the_previous_handler),
        RING_TEST(test_many_rings_are_guarded),
        cmocka_unit_test(test_unhandled_faults_still_kill),
        cmocka_unit_test(test_handler_of_somebody_else_stays), /* last: what it leaves is not to be undone */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
