/* SPDX-License-Identifier: MIT */
/*
 * One writer at full speed, several readers, each a process of its own: every fragment that a reader gets is
 * whole and in order, no wake-up is lost (readers sleep without a time-out), all reach the end. Hangs end in
 * the time limit.
 */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/patience.h"
#include "tests/support/ring_follower.h"

#define READERS 3
#define FRAGMENTS 30000
#define LONGEST_FRAGMENT 6000
#define KEYFRAME_EVERY                                                                                       \
    8 /* so that there is always one in the ring, and a reader that jumps still reaches the end */

enum reader_exit { READER_GOOD = 10, READER_BROKEN, READER_MISSED_THE_END, READER_NO_RING };

static enum reader_exit follow(const char *name)
{
    ringcast_reader *reader;
    struct ring_follower follower;
    int result;

    alarm(PATIENCE_ALARM_S);
    if (ringcast_open(name, &reader) < 0) {
        return READER_NO_RING;
    }
    follower_init(&follower, reader);
    while ((result = follower_drain(&follower, reader)) == 0) {
        ringcast_wait(reader, &follower.cursor, -1);
    }
    ringcast_close(reader);
    if (result != -EPIPE) {
        return READER_BROKEN;
    }
    return follower.last_sequence == FRAGMENTS ? READER_GOOD : READER_MISSED_THE_END;
}

static void test_r4_processes_see_whole_fragments(void **state)
{
    struct ring_fixture *fixture = *state;
    pid_t readers[READERS];

    for (int i = 0; i < READERS; i++) {
        readers[i] = fixture_fork();
        if (readers[i] == 0) {
            _exit(follow(fixture->name));
        }
        assert_true(readers[i] > 0);
    }
    fixture_begin_generation(fixture->writer);
    for (uint64_t i = 0; i < FRAGMENTS; i++) {
        uint32_t flags = i % KEYFRAME_EVERY == 0 ? RINGCAST_KEYFRAME : 0;
        assert_int_equal(fixture_publish(fixture->writer, 1 + (i * 7919) % LONGEST_FRAGMENT, flags), 0);
        if (i % 8 == 0) {
            sched_yield(); /* readers are to be close behind, and overtaken now and then */
        }
    }
    ring_retire(fixture->descriptors.writer);
    for (int i = 0; i < READERS; i++) {
        int status;
        assert_int_equal(waitpid(readers[i], &status, 0), readers[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), READER_GOOD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {RING_TEST(test_r4_processes_see_whole_fragments)};

    alarm(PATIENCE_ALARM_S + 5);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
