/* SPDX-License-Identifier: MIT */
/* Keyframes by their time. Times are set by hand, so that nothing depends on how fast the test runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ring/ring_writer_private.h"
#include "tests/support/ring_fixture.h"

#define LENGTH 960 /* 64 of these are a lap of the fixture's ring */
#define PER_LAP (FIXTURE_CAPACITY / 1024)
#define GROUP 5

static int64_t time_of(uint64_t sequence)
{
    return (int64_t)sequence * 100;
}

static struct ring_index_place *place_of(struct ring_fixture *fixture, uint64_t number)
{
    const struct ring_identity *identity = &fixture->header->identity;
    uint8_t *map = (uint8_t *)fixture->header;
    struct ring_index_place *places = (struct ring_index_place *)(map + identity->index_offset);

    return &places[number % identity->index_count];
}

/* COUNT fragments, the first of every GROUP a keyframe, each with the time of its sequence. */
static void publish(struct ring_fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t sequence = ring_writer_next_sequence(fixture->writer);
        bool keyframe = (sequence - 1) % GROUP == 0;
        uint64_t before = atomic_load(&fixture->header->indexed);
        assert_int_equal(fixture_publish(fixture->writer, LENGTH, keyframe ? RINGCAST_KEYFRAME : 0), 0);
        struct ring_entry *entry = fixture_entry(fixture, atomic_load(&fixture->header->newest));
        atomic_store(&entry->published_ns, time_of(sequence));
        if (atomic_load(&fixture->header->indexed) != before) {
            atomic_store(&place_of(fixture, before)->published_ns, time_of(sequence));
        }
    }
}

/* The sequence of the keyframe that a reader finds for TIME_NS; 0: none. */
static uint64_t found_at(const ringcast_reader *reader, int64_t time_ns)
{
    ringcast_cursor cursor = {.position = 12345, .sequence = 6};
    ringcast_entry entry;

    int result = ringcast_seek_time(reader, &cursor, time_ns);
    if (result < 0) {
        assert_int_equal(result, -EAGAIN);
        return 0;
    }
    assert_int_equal(cursor.sequence, 0);
    assert_int_equal(ringcast_peek(reader, &cursor, &entry), 1);
    assert_true(entry.flags & RINGCAST_KEYFRAME);
    return entry.sequence;
}

/* Every keyframe from the oldest that is found on is found by its own time, and by any up to the next one. */
static void expect_all_found(struct ring_fixture *fixture)
{
    uint64_t newest = ring_writer_next_sequence(fixture->writer) - 1;
    uint64_t oldest = found_at(fixture->reader, INT64_MIN);

    assert_true(oldest > 0);
    for (uint64_t sequence = oldest; sequence <= newest; sequence++) {
        uint64_t keyframe = sequence - (sequence - 1) % GROUP;
        assert_int_equal(found_at(fixture->reader, time_of(sequence)), keyframe);
        assert_int_equal(found_at(fixture->reader, time_of(sequence) + 50), keyframe);
    }
    assert_int_equal(found_at(fixture->reader, time_of(oldest) - 1), oldest);
    assert_int_equal(found_at(fixture->reader, INT64_MAX), newest - (newest - 1) % GROUP);
}

static void test_nothing_before_the_first_keyframe(void **state)
{
    struct ring_fixture *fixture = *state;

    assert_int_equal(found_at(fixture->reader, 0), 0);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(found_at(fixture->reader, INT64_MAX), 0);
}

static void test_all_of_a_ring_that_is_not_full(void **state)
{
    struct ring_fixture *fixture = *state;

    fixture_begin_generation(fixture->writer);
    publish(fixture, 1);
    assert_int_equal(found_at(fixture->reader, 0), 1);
    publish(fixture, 41);
    expect_all_found(fixture);
    assert_int_equal(found_at(fixture->reader, INT64_MIN), 1);
}

static void test_all_that_is_left_after_some_laps(void **state)
{
    struct ring_fixture *fixture = *state;

    fixture_begin_generation(fixture->writer);
    for (int i = 0; i < 40; i++) {
        publish(fixture, 17);
        expect_all_found(fixture);
    }
    /* With the index all but a thirty-second part can be read, without it all but an eighth; and the group there is not whole. */
    bool indexed = fixture->header->identity.index_count > 0;
    uint64_t reach = indexed ? PER_LAP - PER_LAP / 32 : PER_LAP - PER_LAP / 8;
    assert_in_range(found_at(fixture->reader, 0), 40 * 17 - reach, 40 * 17 - reach + GROUP + 1);
}

/* The index goes round many times before the ring does: the places of what is still there are the newest. */
static void test_an_index_that_is_shorter_than_the_ring(void **state)
{
    struct ring_fixture *fixture = *state;

    fixture_begin_generation(fixture->writer);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(fixture_publish(fixture->writer, 64, RINGCAST_KEYFRAME), 0);
    }
    uint32_t count = fixture->header->identity.index_count;
    assert_true(count < 512);
    assert_int_equal(found_at(fixture->reader, INT64_MIN), 1000 - count + 2); /* one place may be in work */
}

static void test_r5_the_next_writer_goes_on_in_the_index(void **state)
{
    struct ring_fixture *fixture = *state;

    fixture_begin_generation(fixture->writer);
    publish(fixture, 50);
    fixture_attach(fixture);
    fixture_begin_generation(fixture->writer);
    publish(fixture, 31);
    expect_all_found(fixture);
    assert_int_equal(atomic_load(&fixture->header->indexed), 17);
}

static void test_keyframes_that_follow_each_other_closely_are_left_out(void **state)
{
    struct ring_fixture *fixture = *state;

    fixture->header->identity.index_spacing_ms = 3600000;
    fixture_attach(fixture);
    fixture_begin_generation(fixture->writer);
    publish(fixture, 31);
    assert_int_equal(atomic_load(&fixture->header->indexed), 1);
    assert_int_equal(found_at(fixture->reader, time_of(30)), 1);
    assert_int_equal(found_at(fixture->reader, time_of(31)),
                     31); /* the newest one is known without the index */
}

/* What is in the index only says where to look. */
static void test_r7_a_damaged_index_costs_a_place_and_no_more(void **state)
{
    struct ring_fixture *fixture = *state;

    fixture_begin_generation(fixture->writer);
    publish(fixture, 200);
    uint64_t oldest = found_at(fixture->reader, 0);
    atomic_store(&place_of(fixture, (oldest - 1) / GROUP)->position, 77);
    assert_true(found_at(fixture->reader, 0) > 0);
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        struct ring_index_place *place = place_of(fixture, (uint64_t)random());
        uint64_t noise = (uint64_t)random() << (random() % 34);
        if (random() % 2) {
            atomic_store(&place->position, random() % 2 ? noise : noise & ~UINT64_C(63));
        } else {
            atomic_store(&place->published_ns, (int64_t)noise);
        }
        if (round % 10 == 0) {
            atomic_store(&fixture->header->indexed, random() % 2 ? noise : (uint64_t)random() % 50);
        }
        assert_true(found_at(fixture->reader, random() % 20000) > 0);
    }
}

/* A ring whose index is nowhere is one without: it is read all the same. */
static void test_an_index_that_lies_wrong_is_ignored(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_identity *identity = &fixture->header->identity;
    const struct ring_identity good = *identity;
    struct ring_geometry geometry;

    fixture_begin_generation(fixture->writer);
    publish(fixture, 30);
    assert_int_equal(ring_geometry_read(fixture->descriptors.reader, &geometry), 0);
    assert_int_equal(geometry.index_count, good.index_count);
    for (int i = 0; i < 7; i++) {
        *identity = good;
        switch (i) {
        case 0:
            identity->index_offset = 64;
            break;
        case 1:
            identity->index_offset += 8;
            break;
        case 2:
            identity->index_count = 3;
            break;
        case 3:
            identity->index_count = RING_INDEX_MAX;
            break;
        case 4:
            identity->index_count = 0;
            break;
        case 5:
            identity->index_offset = UINT32_MAX - 63;
            break;
        default:
            identity->compatible_flags = 0;
        }
        ringcast_reader *reader;
        assert_int_equal(ring_geometry_read(fixture->descriptors.reader, &geometry), 0);
        assert_int_equal(geometry.index_count, 0);
        assert_int_equal(ringcast_open_fd(fixture->descriptors.reader, &reader), 0);
        assert_int_equal(found_at(reader, time_of(12)), 11);
        ringcast_close(reader);
    }
}

/* How a reader of version 1.0 finds its way: by the fields that it knows. */
static void test_readers_of_the_first_version_are_not_disturbed(void **state)
{
    struct ring_fixture *fixture = *state;
    const struct ring_identity *identity = &fixture->header->identity;

    assert_int_equal(identity->version_major, 1);
    assert_int_equal(identity->incompatible_flags,
                     ring_is_power_of_two(FIXTURE_CAPACITY) ? 0 : RING_ANY_CAPACITY);
    assert_int_equal(identity->header_size, 1024);
    assert_true(identity->data_offset > RING_DATA_OFFSET && identity->data_offset <= RING_DATA_OFFSET_MAX);
    assert_int_equal(identity->data_offset % 4096, 0);
    fixture_begin_generation(fixture->writer);
    publish(fixture, 10);
    assert_int_equal(atomic_load(&fixture_entry(fixture, RING_FIRST_POSITION)->sequence), 1);
}

static void test_the_longest_past_fits(void **state)
{
    struct ring_descriptors ring;
    struct ring_geometry geometry;
    char name[RING_NAME_SIZE];

    (void)state;
    fixture_name(name);
    assert_int_equal(ring_create_unnamed(name, 65536, 3600, 0, &ring), 0);
    assert_int_equal(ring_geometry_read(ring.reader, &geometry), 0);
    assert_int_equal(geometry.index_count, 32768); /* 3600 s of four keyframes a second, and as much again */
    close(ring.writer);
    close(ring.reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_nothing_before_the_first_keyframe),
        RING_TEST(test_all_of_a_ring_that_is_not_full),
        RING_TEST(test_all_that_is_left_after_some_laps),
        RING_INDEX_TEST(test_nothing_before_the_first_keyframe),
        RING_INDEX_TEST(test_all_of_a_ring_that_is_not_full),
        RING_INDEX_TEST(test_all_that_is_left_after_some_laps),
        RING_INDEX_TEST(test_an_index_that_is_shorter_than_the_ring),
        RING_INDEX_TEST(test_r5_the_next_writer_goes_on_in_the_index),
        RING_INDEX_TEST(test_keyframes_that_follow_each_other_closely_are_left_out),
        RING_INDEX_TEST(test_r7_a_damaged_index_costs_a_place_and_no_more),
        RING_INDEX_TEST(test_an_index_that_lies_wrong_is_ignored),
        RING_INDEX_TEST(test_readers_of_the_first_version_are_not_disturbed),
        cmocka_unit_test(test_the_longest_past_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
