/* SPDX-License-Identifier: MIT */
/* The writer's promises, and what it makes of the remains of another one. Counters are set by hand. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

static void test_r3_writer_refuses_what_readers_could_not_use(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_fragment fragment = {.flags = RINGCAST_KEYFRAME};
    static uint8_t init[RINGCAST_INIT_MAX + 1];
    char codecs[RINGCAST_CODECS_SIZE + 1];
    struct ring_stream stream = {
        .codecs = "avc1.64001F", .init = init, .init_length = sizeof(init), .timescale = 1};

    assert_null(ring_writer_reserve(fixture->writer, 100)); /* no generation */
    assert_int_equal(ring_writer_publish(fixture->writer, &fragment), -EINVAL);
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), -EMSGSIZE);
    stream.init_length = RINGCAST_INIT_MAX;
    memset(codecs, 'a', sizeof(codecs));
    codecs[RINGCAST_CODECS_SIZE] = '\0';
    stream.codecs = codecs;
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), -EMSGSIZE);
    codecs[RINGCAST_CODECS_SIZE - 1] = '\0';
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), 0);
    stream.codecs = "avc1\"";
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), -EINVAL);
    stream.codecs = "avc1.64001F";
    stream.timescale = 0;
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), -EINVAL);
    assert_null(ring_writer_reserve(fixture->writer, 0));
    assert_null(ring_writer_reserve(fixture->writer, FIXTURE_CAPACITY / 4 + 1));
    assert_non_null(ring_writer_reserve(fixture->writer, FIXTURE_CAPACITY / 4));
}

static void test_r5_first_fragment_of_a_generation_is_a_keyframe(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_fragment fragment = {.flags = 0};

    fixture_begin_generation(fixture->writer);
    assert_non_null(ring_writer_reserve(fixture->writer, 100));
    assert_int_equal(ring_writer_publish(fixture->writer, &fragment), -EINVAL);
    fragment.flags = RINGCAST_KEYFRAME;
    assert_int_equal(ring_writer_publish(fixture->writer, &fragment), -EINVAL); /* the reservation is gone */
    assert_int_equal(ring_writer_next_sequence(fixture->writer), 1);
    assert_int_equal(fixture_publish(fixture->writer, 100, RINGCAST_KEYFRAME), 0);
    assert_int_equal(fixture_publish(fixture->writer, 100, 0), 0);
    assert_int_equal(ring_writer_next_sequence(fixture->writer), 3);
}

static void test_r4_reserving_again_takes_the_first_back(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 100, RINGCAST_KEYFRAME), 0);
    assert_non_null(ring_writer_reserve(fixture->writer, FIXTURE_CAPACITY / 4));
    uint64_t intent = atomic_load(&fixture->header->intent);
    assert_int_equal(fixture_publish(fixture->writer, 200, 0), 0);
    assert_int_equal(atomic_load(&fixture->header->intent), intent); /* never back */
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.length, 200);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 0);
}

static void test_r1_no_allocation_after_attach(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;
    ringcast_entry entry;
    static uint8_t buffer[FIXTURE_CAPACITY];

    fixture_begin_generation(fixture->writer);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(fixture_publish(fixture->writer, 3000, RINGCAST_KEYFRAME), 0);
        assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
        assert_int_equal(ringcast_read(fixture->reader, &cursor, buffer, sizeof(buffer), &entry), 1);
    }
    fixture_begin_generation(fixture->writer);
    assert_int_equal(mallinfo2().uordblks, before);
}

static void test_wake_counts_publishes(void **state)
{
    struct ring_fixture *fixture = *state;
    uint64_t count;

    fixture_begin_generation(fixture->writer);
    uint32_t word = atomic_load(&fixture->header->wake);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_publish(fixture->writer, 100, RINGCAST_KEYFRAME), 0);
    }
    assert_int_equal(read(fixture->wake, &count, sizeof(count)), sizeof(count));
    assert_int_equal(count, 3);
    assert_int_equal(atomic_load(&fixture->header->wake), word + 3);
    count = UINT64_MAX - 1; /* no reader waits: the counter is full and the writer does not block */
    assert_int_equal(write(fixture->wake, &count, sizeof(count)), sizeof(count));
    assert_int_equal(fixture_publish(fixture->writer, 100, RINGCAST_KEYFRAME), 0);
}

static void test_end_of_the_timeline(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_fragment fragment = {.flags = RINGCAST_KEYFRAME, .decode_time = 90001, .duration = 3600};
    struct ring_stream stream = {.codecs = "avc1.64001F", .init = "", .init_length = 0, .timescale = 90000};

    assert_int_equal(ring_writer_epoch_ns(fixture->writer), 1000);
    assert_int_equal(ring_writer_end_ns(fixture->writer), 0);
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), 0);
    assert_non_null(ring_writer_reserve(fixture->writer, 1));
    assert_int_equal(ring_writer_publish(fixture->writer, &fragment), 0);
    assert_int_equal(ring_writer_end_ns(fixture->writer), 1040011112); /* 93601 / 90000 s, rounded up */
    fragment.decode_time = 0;
    assert_non_null(ring_writer_reserve(fixture->writer, 1));
    assert_int_equal(ring_writer_publish(fixture->writer, &fragment), 0);
    assert_int_equal(ring_writer_end_ns(fixture->writer), 1040011112);
    fixture_attach(fixture);
    assert_int_equal(ring_writer_end_ns(fixture->writer), 1040011112);
    atomic_store(&fixture->header->end_ns, INT64_MAX);
    fixture_attach(fixture);
    assert_true(ring_writer_end_ns(fixture->writer) < INT64_MAX / 2);
    atomic_store(&fixture->header->end_ns, -1);
    fixture_attach(fixture);
    assert_int_equal(ring_writer_end_ns(fixture->writer), 0);
}

static void test_times_that_cannot_be(void **state)
{
    struct ring_fixture *fixture = *state;
    const int64_t times[] = {INT64_MIN, -1, INT64_MAX, INT64_MAX / 2};
    struct ring_stream stream = {.codecs = "", .init = "", .init_length = 0, .timescale = UINT32_MAX};

    for (uint32_t timescale = 1; timescale; timescale = timescale == 1 ? UINT32_MAX : 0) {
        stream.timescale = timescale;
        assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), 0);
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
            struct ring_fragment fragment = {
                .flags = RINGCAST_KEYFRAME, .decode_time = times[i], .duration = UINT32_MAX};
            assert_non_null(ring_writer_reserve(fixture->writer, 1));
            assert_int_equal(ring_writer_publish(fixture->writer, &fragment), 0);
            assert_true(ring_writer_end_ns(fixture->writer) >= 0);
        }
    }
}

static void test_r5_next_writer_goes_on(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_begin_generation(fixture->writer);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fixture_publish(fixture->writer, 300, i == 0 ? RINGCAST_KEYFRAME : 0), 0);
    }
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_non_null(ring_writer_reserve(fixture->writer, 5000)); /* and dies */
    fixture_attach(fixture);
    assert_null(ring_writer_reserve(fixture->writer, 100)); /* a generation of its own first */
    assert_int_equal(ring_writer_next_sequence(fixture->writer), 11);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 300, RINGCAST_KEYFRAME), 0);
    for (uint64_t sequence = 1; sequence <= 11; sequence++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
        assert_int_equal(entry.sequence, sequence);
        assert_int_equal(entry.generation, sequence <= 10 ? 1 : 2);
    }
}

static void test_r5_attach_rolls_a_complete_entry_forward(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 300, RINGCAST_KEYFRAME), 0);
    uint64_t head = atomic_load(&fixture->header->head);
    assert_int_equal(fixture_publish(fixture->writer, 300, RINGCAST_KEYFRAME), 0);
    atomic_store(&fixture->header->head, head);
    atomic_store(&fixture->header->keyframe, RING_FIRST_POSITION);
    atomic_store(&fixture->header->sequence, 1);
    fixture_attach(fixture);
    assert_int_equal(ring_writer_next_sequence(fixture->writer), 3);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.sequence, 2);
}

/* After damage no place of before may be read, nor may a stale entry that lies in the data come to light. */
static void expect_fresh_start(struct ring_fixture *fixture, ringcast_cursor old, uint64_t least)
{
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_attach(fixture);
    assert_true(ring_writer_next_sequence(fixture->writer) >= least);
    assert_true(fixture_read(fixture->reader, &old, &entry) < 0);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), -EAGAIN);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 0);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 500, RINGCAST_KEYFRAME), 0);
    assert_true(fixture_read(fixture->reader, &old, &entry) < 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    fixture_attach(fixture); /* the state is sound again */
    assert_int_equal(ring_writer_next_sequence(fixture->writer), entry.sequence + 1);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
}

static void test_r5_damage_starts_afresh(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_header *header = fixture->header;
    _Atomic uint64_t *const fields[] = {&header->intent, &header->newest, &header->head};
    const uint64_t deltas[] = {1, 64, UINT64_C(3) * FIXTURE_CAPACITY, UINT64_C(1) << 40};
    ringcast_cursor old;

    for (size_t field = 0; field < sizeof(fields) / sizeof(fields[0]); field++) {
        for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
            if (field == 0 && deltas[i] == 64) {
                continue; /* intent + 64 is what a kill in mid-write leaves */
            }
            fixture_begin_generation(fixture->writer);
            for (int n = 0; n < 40; n++) {
                assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME), 0);
            }
            assert_int_equal(ringcast_seek_keyframe(fixture->reader, &old), 0);
            uint64_t least = ring_writer_next_sequence(fixture->writer);
            atomic_fetch_add(fields[field], deltas[i]);
            expect_fresh_start(fixture, old, least);
        }
    }
}

static void test_r5_damaged_newest_entry_starts_afresh(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor old;

    for (int damage = 0; damage < 5; damage++) {
        fixture_begin_generation(fixture->writer);
        for (int n = 0; n < 70; n++) {
            assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME), 0);
        }
        assert_int_equal(ringcast_seek_keyframe(fixture->reader, &old), 0);
        struct ring_entry *entry = fixture_entry(fixture, atomic_load(&fixture->header->newest));
        uint64_t least = ring_writer_next_sequence(fixture->writer);
        switch (damage) {
        case 0:
            atomic_store(&entry->position, 0);
            break;
        case 1:
            atomic_store(&entry->length, UINT32_MAX);
            break;
        case 2:
            atomic_store(&entry->length, 1);
            break;
        case 3:
            atomic_store(&entry->flags, RING_PADDING);
            break;
        default:
            atomic_store(&entry->sequence, 1);
            break;
        }
        expect_fresh_start(fixture, old, least);
    }
}

static void test_r5_counts_beyond_repair(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_writer *writer = NULL;
    size_t before = fixture_count_descriptors();

    atomic_store(&fixture->header->head, UINT64_MAX - 63);
    assert_int_equal(ring_writer_attach(dup(fixture->descriptors.writer), -1, &writer), -EBADMSG);
    atomic_store(&fixture->header->head, RING_FIRST_POSITION);
    atomic_store(&fixture->header->sequence, UINT64_MAX);
    assert_int_equal(ring_writer_attach(dup(fixture->descriptors.writer), -1, &writer), -EBADMSG);
    fixture->header->identity.magic[0] = 'X';
    assert_int_equal(ring_writer_attach(dup(fixture->descriptors.writer), -1, &writer), -EPROTO);
    assert_int_equal(ring_writer_attach(-1, -1, &writer), -EBADF);
    assert_null(writer);
    assert_int_equal(fixture_count_descriptors(), before);
    ring_writer_detach(NULL);
}

static void test_generation_number_skips_zero(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_generation generation;

    atomic_store(&fixture->header->generation, UINT32_MAX);
    fixture_attach(fixture);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, NULL, 0, &generation), 0);
    assert_int_equal(generation.number, 1);
}

static void test_successor_carries_on(void **state)
{
    struct ring_fixture *fixture = *state;
    char name[RING_NAME_SIZE];
    struct ring_descriptors next;
    struct ring_writer *writer;
    ringcast_reader *reader;
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_begin_generation(fixture->writer);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fixture_publish(fixture->writer, 100, i == 0 ? RINGCAST_KEYFRAME : 0), 0);
    }
    fixture_name(name);
    assert_int_equal(ring_create(name, 262144, 0, ring_writer_epoch_ns(fixture->writer), &next), 0);
    assert_int_equal(ring_unlink(name), 0);
    assert_int_equal(ring_writer_attach(next.writer, -1, &writer), 0);
    assert_int_equal(ring_writer_succeed(writer, fixture->writer), 0);
    assert_int_equal(ring_writer_end_ns(writer), ring_writer_end_ns(fixture->writer));
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    while (fixture_read(fixture->reader, &cursor, &entry) == 1) {
        continue;
    }
    assert_int_equal(entry.sequence, 5);
    assert_int_equal(ringcast_open_fd(next.reader, &reader), 0);
    assert_int_equal(ringcast_continue(reader, &cursor), -EAGAIN);
    assert_int_equal(fixture_read(reader, &cursor, &entry), 0); /* it may wait there */
    fixture_begin_generation(writer);
    assert_int_equal(fixture_publish(writer, 100, RINGCAST_KEYFRAME), 0);
    assert_int_equal(ring_writer_succeed(writer, fixture->writer), -EINVAL);
    ringcast_cursor waiting = cursor;
    assert_int_equal(fixture_read(reader, &waiting, &entry), 1);
    assert_int_equal(ringcast_continue(reader, &cursor), 0);
    assert_int_equal(fixture_read(reader, &cursor, &entry), 1);
    assert_int_equal(entry.sequence, 6);
    assert_int_equal(entry.generation, 2);
    cursor.sequence = 4; /* of another ring, or from long ago */
    assert_int_equal(ringcast_continue(reader, &cursor), -ESTALE);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(fixture_publish(writer, 100, 0), 0);
    }
    cursor.sequence = 5;
    assert_int_equal(ringcast_continue(reader, &cursor), -ESTALE);
    ringcast_close(reader);
    ring_writer_detach(writer);
    close(next.reader);
}

static void publish_noted(struct ring_writer *writer, uint32_t flags, uint64_t first_word)
{
    const struct ring_note note = {.words = {first_word, 2, 3, 4, 5, 6}};
    const struct ring_fragment fragment = {.flags = flags, .note = &note};

    assert_non_null(ring_writer_reserve(writer, 100));
    assert_int_equal(ring_writer_publish(writer, &fragment), 0);
}

static void test_a_note_is_that_of_the_newest_entry(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_note note;

    assert_false(ring_writer_note(fixture->writer, &note));
    fixture_begin_generation(fixture->writer);
    for (uint64_t i = 1; i <= 5; i++) {
        publish_noted(fixture->writer, RINGCAST_KEYFRAME, 70 + i);
        fixture_attach(fixture);
        assert_true(ring_writer_note(fixture->writer, &note));
        assert_int_equal(note.words[0], 70 + i);
        assert_int_equal(note.words[5], 6);
        fixture_begin_generation(fixture->writer);
    }
    assert_int_equal(fixture_publish(fixture->writer, 100, RINGCAST_KEYFRAME), 0);
    assert_false(ring_writer_note(fixture->writer, &note));
    publish_noted(fixture->writer, 0, 80);
    struct ring_descriptors next = fixture_write_next(fixture);
    assert_true(ring_writer_note(fixture->writer, &note)); /* a ring of another size begins with it */
    assert_int_equal(note.words[0], 80);
    fixture_install_next(fixture, next);
}

/* Damage, and with it entries that are no longer there. */
static void test_a_note_does_not_outlive_its_entry(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_note note;

    fixture_begin_generation(fixture->writer);
    publish_noted(fixture->writer, RINGCAST_KEYFRAME, 1);
    publish_noted(fixture->writer, 0, 2);
    atomic_fetch_add(&fixture->header->newest, 64);
    atomic_store(&fixture->header->notes[1].sequence, 3); /* as if killed within the next publish */
    fixture_attach(fixture);
    assert_int_equal(ring_writer_next_sequence(fixture->writer), 4);
    assert_false(ring_writer_note(fixture->writer, &note));
}

static void test_r5_the_same_stream_goes_on_in_its_generation(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_stream stream = {.codecs = "avc1.64001F",
                                 .init = "init",
                                 .init_length = 4,
                                 .timescale = 90000,
                                 .width = 2,
                                 .height = 3};
    ringcast_cursor cursor;
    ringcast_entry entry;

    assert_int_equal(ring_writer_resume_generation(fixture->writer, &stream), -ESTALE); /* nothing is there */
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), 0);
    fixture_attach(fixture);
    assert_int_equal(ring_writer_resume_generation(fixture->writer, &stream),
                     -ESTALE); /* it has no keyframe */
    assert_int_equal(ring_writer_begin_generation(fixture->writer, &stream), 0);
    assert_int_equal(fixture_publish(fixture->writer, 100, RINGCAST_KEYFRAME), 0);
    assert_int_equal(ring_writer_resume_generation(fixture->writer, &stream), -ESTALE); /* it is its own */
    fixture_attach(fixture);
    struct ring_stream others[] = {stream, stream, stream, stream, stream};
    others[0].codecs = "avc1.64001E";
    others[1].init = "inix";
    others[2].init_length = 3;
    others[3].timescale = 1000;
    others[4].width = 4;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(ring_writer_resume_generation(fixture->writer, &others[i]), -ESTALE);
    }
    assert_null(ring_writer_reserve(fixture->writer, 100));
    assert_int_equal(ring_writer_resume_generation(fixture->writer, &stream), 0);
    assert_int_equal(fixture_publish(fixture->writer, 100, 0), 0);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    for (uint64_t sequence = 1; sequence <= 2; sequence++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
        assert_int_equal(entry.sequence, sequence);
        assert_int_equal(entry.generation, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_r3_writer_refuses_what_readers_could_not_use),
        RING_TEST(test_r5_first_fragment_of_a_generation_is_a_keyframe),
        RING_TEST(test_r4_reserving_again_takes_the_first_back),
        RING_TEST(test_r1_no_allocation_after_attach),
        RING_TEST(test_wake_counts_publishes),
        RING_TEST(test_end_of_the_timeline),
        RING_TEST(test_times_that_cannot_be),
        RING_TEST(test_r5_next_writer_goes_on),
        RING_TEST(test_r5_attach_rolls_a_complete_entry_forward),
        RING_TEST(test_r5_damage_starts_afresh),
        RING_TEST(test_r5_damaged_newest_entry_starts_afresh),
        RING_TEST(test_r5_counts_beyond_repair),
        RING_TEST(test_generation_number_skips_zero),
        RING_TEST(test_successor_carries_on),
        RING_TEST(test_a_note_is_that_of_the_newest_entry),
        RING_TEST(test_a_note_does_not_outlive_its_entry),
        RING_TEST(test_r5_the_same_stream_goes_on_in_its_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
