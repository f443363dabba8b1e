/* SPDX-License-Identifier: MIT */
/*
 * A writer and readers as threads of one process on one and the same mapping: so ThreadSanitizer, which knows
 * nothing of two mappings of the same memory, can see every pair of accesses (R4). It runs in all other
 * builds, too.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common/ring/ring_reader.h"
#include "common/ring/ring_writer_private.h"
#include "tests/support/ring_fixture.h"

#define READERS 3
#define FRAGMENTS 6000
#define KEYFRAME_EVERY 10
#define GENERATION_EVERY 500
#define GENERATIONS 5000
#define LONGEST_FRAGMENT 3000

struct reading {
    pthread_t thread;
    struct ringcast_reader reader; /* over the writer's own mapping */
    uint64_t fragments;
    uint64_t last_sequence;
    uint64_t failures;
};

static void check(struct reading *reading, bool good)
{
    if (!good) {
        reading->failures++;
    }
}

static void check_init_segment(struct reading *reading, uint32_t number)
{
    ringcast_generation generation;
    static _Thread_local uint8_t init[RINGCAST_INIT_MAX];

    int result = ringcast_init_segment(&reading->reader, number, init, sizeof(init), &generation);
    check(reading, result == 0 || result == -ESTALE);
    if (result == 0) {
        check(reading, generation.number == number && fragment_intact(init, generation.init_length, number));
    }
}

static void *read_to_the_end(void *argument)
{
    struct reading *reading = argument;
    static _Thread_local uint8_t buffer[FIXTURE_CAPACITY];
    ringcast_cursor cursor;
    ringcast_entry entry;
    uint32_t generation = 0;
    int result;

    ringcast_seek_keyframe(&reading->reader, &cursor);
    while ((result = ringcast_read(&reading->reader, &cursor, buffer, sizeof(buffer), &entry)) != -EPIPE) {
        if (result == 1) {
            check(reading, fragment_intact(buffer, entry.length, entry.sequence));
            check(reading, entry.sequence > reading->last_sequence);
            if (entry.generation != generation) {
                check_init_segment(reading, entry.generation);
            }
            generation = entry.generation;
            reading->last_sequence = entry.sequence;
            reading->fragments++;
        } else if (result == -ESTALE) {
            /*
             * Not before the last one: a keyframe that is still unread lies ahead or is that one's successor.
             */
            ringcast_seek_keyframe(&reading->reader, &cursor);
            while (cursor.position && ringcast_peek(&reading->reader, &cursor, &entry) == 1 &&
                   entry.sequence <= reading->last_sequence) {
                if (ringcast_read(&reading->reader, &cursor, buffer, sizeof(buffer), &entry) != 1) {
                    break;
                }
            }
        } else {
            check(reading, result == 0);
            ringcast_wait(&reading->reader, &cursor, -1);
        }
    }
    return NULL;
}

static void begin(struct ring_writer *writer, uint32_t number)
{
    static uint8_t init[RINGCAST_INIT_MAX];
    struct ring_stream stream = {
        .codecs = "avc1.64001F", .init = init, .init_length = 9000, .timescale = 90000};

    fragment_fill(init, stream.init_length, number);
    assert_int_equal(ring_writer_begin_generation(writer, &stream), 0);
}

static void publish_all(struct ring_fixture *fixture)
{
    uint32_t generation = 0;

    for (uint64_t i = 0; i < FRAGMENTS; i++) {
        if (i % GENERATION_EVERY == 0) {
            begin(fixture->writer, ++generation);
        }
        uint32_t flags = i % KEYFRAME_EVERY == 0 ? RINGCAST_KEYFRAME : 0;
        assert_int_equal(fixture_publish(fixture->writer, 1 + (i * 7919) % LONGEST_FRAGMENT, flags), 0);
        if (i % 16 == 0) {
            sched_yield(); /* or no reader ever keeps up on few cores */
        }
    }
}

static void test_r4_threads_see_whole_fragments(void **state)
{
    struct ring_fixture *fixture = *state;
    static struct reading readings[READERS];

    for (int i = 0; i < READERS; i++) {
        readings[i] = (struct reading){
            .reader = {.map = fixture->writer->map, .geometry = fixture->writer->geometry},
        };
        assert_int_equal(pthread_create(&readings[i].thread, NULL, read_to_the_end, &readings[i]), 0);
    }
    publish_all(fixture);
    ring_retire(fixture->descriptors.writer);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readings[i].thread, NULL), 0);
        assert_int_equal(readings[i].failures, 0);
        assert_true(readings[i].fragments > 0);
        assert_int_equal(readings[i].last_sequence, FRAGMENTS);
    }
}

/* Reads the oldest generation that is still there: the one that the writer overwrites next. */
static void *read_oldest_generations(void *argument)
{
    struct reading *reading = argument;
    const struct ring_header *header = (const struct ring_header *)reading->reader.map;

    while (atomic_load_explicit(&header->state, memory_order_acquire) != RING_RETIRED) {
        uint32_t newest = atomic_load_explicit(&header->generation, memory_order_acquire);
        if (newest < RING_GENERATIONS) {
            continue;
        }
        check_init_segment(reading, newest - RING_GENERATIONS + 1);
        reading->fragments++;
    }
    return NULL;
}

static void test_r3_threads_see_whole_generations(void **state)
{
    struct ring_fixture *fixture = *state;
    static struct reading reading;

    reading = (struct reading){
        .reader = {.map = fixture->writer->map, .geometry = fixture->writer->geometry},
    };
    assert_int_equal(pthread_create(&reading.thread, NULL, read_oldest_generations, &reading), 0);
    for (uint32_t number = 1; number <= GENERATIONS; number++) {
        begin(fixture->writer, number);
    }
    ring_retire(fixture->descriptors.writer);
    assert_int_equal(pthread_join(reading.thread, NULL), 0);
    assert_int_equal(reading.failures, 0);
    assert_true(reading.fragments > 0);
}

/* Rings come and go in several threads: the registry of SIGBUS guards is shared by all. */
static void *open_and_close(void *argument)
{
    const char *name = argument;
    intptr_t failures = 0;

    for (int i = 0; i < 200; i++) {
        ringcast_reader *reader = NULL;
        if (ringcast_open(name, &reader) < 0 || ringcast_capacity(reader) != FIXTURE_CAPACITY) {
            failures++;
        }
        ringcast_close(reader);
    }
    return (void *)failures; /* NOLINT(performance-no-int-to-ptr) */
}

static void test_r9_threads_open_and_close(void **state)
{
    struct ring_fixture *fixture = *state;
    pthread_t threads[READERS];

    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, fixture->name), 0);
    }
    for (int i = 0; i < READERS; i++) {
        void *failures;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_r4_threads_see_whole_fragments),
        RING_TEST(test_r3_threads_see_whole_generations),
        RING_TEST(test_r9_threads_open_and_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
