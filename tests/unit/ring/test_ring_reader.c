/* SPDX-License-Identifier: MIT */
/* What a reader makes of every state of a ring. Counters are set by hand; nothing here races. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

/* One lap of the smallest ring in fragments of this length: 64 header + 960. */
#define KIBI_FRAGMENT 960
#define KIBI_PER_LAP (FIXTURE_CAPACITY / 1024)

static void publish_many(struct ring_fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(fixture_publish(fixture->writer, KIBI_FRAGMENT, i == 0 ? RINGCAST_KEYFRAME : 0), 0);
    }
}

static ringcast_cursor with_entries(struct ring_fixture *fixture, int count)
{
    ringcast_cursor cursor;

    fixture_begin_generation(fixture->writer);
    publish_many(fixture, count);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    return cursor;
}

static int read_at(struct ring_fixture *fixture, ringcast_cursor cursor)
{
    ringcast_entry entry;

    return fixture_read(fixture->reader, &cursor, &entry);
}

static int peek_at(struct ring_fixture *fixture, ringcast_cursor cursor)
{
    ringcast_entry entry;

    return ringcast_peek(fixture->reader, &cursor, &entry);
}

/* Where a reader that begins with some past begins, in a ring with a keyframe every INTERVAL fragments. */
static uint64_t oldest_sequence(struct ring_fixture *fixture, int count, int interval)
{
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_begin_generation(fixture->writer);
    for (int i = 0; i < count; i++) {
        assert_int_equal(fixture_publish(fixture->writer, KIBI_FRAGMENT - (size_t)(i % 7) * 64,
                                         i % interval == 0 ? RINGCAST_KEYFRAME : 0),
                         0);
    }
    assert_int_equal(ringcast_seek_oldest(fixture->reader, &cursor), 0);
    assert_int_equal(cursor.sequence, 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_true(entry.flags & RINGCAST_KEYFRAME);
    uint64_t oldest = entry.sequence;
    while (fixture_read(fixture->reader, &cursor, &entry) == 1) { /* and nothing is missing from there on */
    }
    assert_int_equal(entry.sequence, count);
    return oldest;
}

static void test_the_oldest_keyframe_of_a_ring_that_is_not_full(void **state)
{
    assert_int_equal(oldest_sequence(*state, 25, 10), 1);
}

static void test_the_oldest_keyframe_after_some_laps(void **state)
{
    uint64_t oldest = oldest_sequence(*state, 10 * KIBI_PER_LAP + 5, 10);

    /* Fragments of 640 to 1024 bytes: seven eighths of the ring hold so many of them, and the next keyframe is ten away at most. */
    const uint64_t fewest = KIBI_PER_LAP * 7 / 8, most = KIBI_PER_LAP * 7 / 5;
    assert_in_range(oldest, 10 * KIBI_PER_LAP + 5 - most, 10 * KIBI_PER_LAP + 5 - fewest + 10);
}

static void test_the_oldest_keyframe_is_the_newest_if_there_is_no_other(void **state)
{
    assert_int_equal(oldest_sequence(*state, KIBI_PER_LAP * 3 / 2, KIBI_PER_LAP), KIBI_PER_LAP + 1);
}

static void test_no_oldest_keyframe_before_the_first(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;

    assert_int_equal(ringcast_seek_oldest(fixture->reader, &cursor), -EAGAIN);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(ringcast_seek_oldest(fixture->reader, &cursor), -EAGAIN);
}

/* The search is for a place that nothing points to, so what is damaged there costs a step and no more. */
static void test_r7_damage_before_the_oldest_keyframe_is_passed_over(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;

    uint64_t oldest = oldest_sequence(fixture, 6 * KIBI_PER_LAP, 10);
    assert_int_equal(ringcast_seek_oldest(fixture->reader, &cursor), 0);
    struct ring_entry *entry = fixture_entry(fixture, cursor.position);
    atomic_store(&entry->length, UINT32_MAX);
    assert_int_equal(ringcast_seek_oldest(fixture->reader, &cursor), 0);
    ringcast_entry found;
    assert_int_equal(ringcast_peek(fixture->reader, &cursor, &found), 1);
    assert_true(found.sequence > oldest);
    assert_true(found.flags & RINGCAST_KEYFRAME);
    memset(fixture->data, 0xA5, FIXTURE_CAPACITY); /* the newest keyframe, too */
    assert_int_equal(ringcast_seek_oldest(fixture->reader, &cursor), -EAGAIN);
}

static void test_the_epoch_is_told(void **state)
{
    struct ring_fixture *fixture = *state;

    assert_int_equal(ringcast_epoch_ns(fixture->reader), fixture->header->identity.epoch_ns);
    assert_int_equal(ringcast_epoch_ns(fixture->reader), ring_writer_epoch_ns(fixture->writer));
}

static void test_r2_positions_go_on_over_many_laps(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);
    ringcast_entry entry;
    uint64_t last = 0;

    for (uint64_t sequence = 2; sequence < FIXTURE_CAPACITY / 64; sequence++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
        assert_int_equal(entry.sequence, sequence - 1);
        assert_true(entry.position > last);
        last = entry.position;
        assert_int_equal(fixture_publish(fixture->writer, 1 + (sequence * 7919) % 16000, 0), 0);
    }
    assert_true(last > (uint64_t)50 * FIXTURE_CAPACITY);
}

static void test_r2_positions_near_their_largest_value(void **state)
{
    struct ring_fixture *fixture = *state;
    uint64_t far = RING_COUNT_MAX - 2 * (uint64_t)FIXTURE_CAPACITY;
    ringcast_cursor cursor;
    ringcast_entry entry;

    atomic_store(&fixture->header->intent, far);
    atomic_store(&fixture->header->head, far);
    fixture_attach(fixture);
    fixture_begin_generation(fixture->writer);
    publish_many(fixture, 3);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    }
    assert_true(entry.position > far);
}

static void test_r3_fragments_are_contiguous_behind_padding(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, KIBI_PER_LAP - 1);
    ringcast_entry entry;

    for (int i = 0; i < (int)KIBI_PER_LAP - 1; i++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    }
    assert_int_equal(fixture_publish(fixture->writer, 2000, 0), 0);
    assert_int_equal(fixture_entry(fixture, cursor.position)->flags, RING_PADDING);
    assert_int_equal(peek_at(fixture, cursor), 1);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.position, FIXTURE_CAPACITY);
    assert_int_equal(entry.length, 2000);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 0);
}

static void test_r3_every_length_up_to_a_quarter(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);
    ringcast_entry entry;

    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    for (size_t length = 1; length <= FIXTURE_CAPACITY / 4; length += length < 200 ? 1 : 509) {
        assert_int_equal(fixture_publish(fixture->writer, length, 0), 0);
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
        assert_int_equal(entry.length, length);
    }
    assert_int_equal(fixture_publish(fixture->writer, FIXTURE_CAPACITY / 4, 0), 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
}

static void test_r3_small_buffer_leaves_the_cursor(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);
    ringcast_cursor before = cursor;
    ringcast_entry entry;
    uint8_t small[16];

    assert_int_equal(ringcast_read(fixture->reader, &cursor, small, sizeof(small), &entry), -ENOSPC);
    assert_int_equal(entry.length, KIBI_FRAGMENT);
    assert_memory_equal(&cursor, &before, sizeof(cursor));
    assert_int_equal(ringcast_read(fixture->reader, &cursor, NULL, 0, &entry), -ENOSPC);
    assert_int_equal(read_at(fixture, cursor), 1);
}

static void test_r4_overwritten_place_is_stale(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);

    publish_many(fixture, KIBI_PER_LAP);
    publish_many(fixture, 1);
    assert_int_equal(read_at(fixture, cursor), -ESTALE);
    assert_int_equal(peek_at(fixture, cursor), -ESTALE);
    assert_int_equal(ringcast_wait(fixture->reader, &cursor, 0), 1);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    assert_int_equal(read_at(fixture, cursor), 1);
}

/* The writer has claimed the room but not begun to write: from then on the bytes may change at any time. */
static void test_r4_claimed_place_is_stale_before_the_copy(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);

    atomic_store(&fixture->header->intent, cursor.position + FIXTURE_CAPACITY);
    assert_int_equal(read_at(fixture, cursor), 1);
    atomic_store(&fixture->header->intent, cursor.position + FIXTURE_CAPACITY + 1);
    assert_int_equal(read_at(fixture, cursor), -ESTALE);
}

static void test_r5_entry_above_head_is_not_seen(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 2);
    ringcast_entry entry;

    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    atomic_store(&fixture->header->head, cursor.position);
    assert_int_equal(read_at(fixture, cursor), 0);
    assert_int_equal(ringcast_wait(fixture->reader, &cursor, 0), 0);
}

static void test_r6_no_keyframe_left(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);

    for (size_t i = 0; i < KIBI_PER_LAP; i++) {
        assert_int_equal(fixture_publish(fixture->writer, KIBI_FRAGMENT, 0), 0);
    }
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), -EAGAIN);
    assert_int_equal(cursor.position, fixture->header->head);
    assert_int_equal(cursor.sequence, 0);
    assert_int_equal(fixture_publish(fixture->writer, KIBI_FRAGMENT, RINGCAST_KEYFRAME), 0);
    assert_int_equal(read_at(fixture, cursor), 1);
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
}

static void test_r6_keyframe_that_is_none(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 3);
    uint64_t keyframe = cursor.position;
    uint64_t head = atomic_load(&fixture->header->head);
    const uint64_t wrong[] = {0,    1,         keyframe + 1,   keyframe + 64, keyframe + 1024,
                              head, head + 64, UINT64_MAX - 63};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        atomic_store(&fixture->header->keyframe, wrong[i]);
        assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), -EAGAIN);
        assert_int_equal(cursor.position, head);
    }
}

static void test_r7_places_that_cannot_be(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 3);
    uint64_t head = atomic_load(&fixture->header->head);

    assert_int_equal(read_at(fixture, (ringcast_cursor){0}), -ESTALE);
    assert_int_equal(read_at(fixture, (ringcast_cursor){.position = cursor.position + 1}), -EBADMSG);
    assert_int_equal(read_at(fixture, (ringcast_cursor){.position = cursor.position + 64}), -EBADMSG);
    assert_true(read_at(fixture, (ringcast_cursor){.position = head + 64}) < 0);
    assert_true(read_at(fixture, (ringcast_cursor){.position = UINT64_MAX - 63}) < 0);
    assert_int_equal(read_at(fixture, (ringcast_cursor){.position = cursor.position, .sequence = 7}),
                     -EBADMSG);
}

static void test_r7_lengths_that_cannot_be(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 2);
    struct ring_entry *entry = fixture_entry(fixture, cursor.position);
    const uint32_t wrong[] = {
        0,       2 * 1024 + 1, FIXTURE_CAPACITY / 4 + 1, FIXTURE_CAPACITY - 64, UINT32_MAX, UINT32_MAX - 127,
        1u << 31};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        atomic_store(&entry->length, wrong[i]);
        assert_int_equal(read_at(fixture, cursor), -EBADMSG);
        assert_int_equal(peek_at(fixture, cursor), -EBADMSG);
        assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), -EAGAIN);
        cursor.position = RING_FIRST_POSITION;
    }
}

/* At the very end of the data, where one byte too many lies outside of the mapping. */
static void test_r7_nothing_is_read_behind_the_data(void **state)
{
    struct ring_fixture *fixture = *state;
    uint64_t last = FIXTURE_CAPACITY - RING_ALIGN;
    struct ring_entry *entry = fixture_entry(fixture, last);

    with_entries(fixture, 1);
    atomic_store(&fixture->header->head, (uint64_t)FIXTURE_CAPACITY * 2);
    atomic_store(&fixture->header->intent, (uint64_t)FIXTURE_CAPACITY);
    atomic_store(&entry->position, last);
    atomic_store(&entry->sequence, 1);
    atomic_store(&entry->generation, 1);
    for (uint32_t length = 1; length <= FIXTURE_CAPACITY / 4; length *= 2) {
        atomic_store(&entry->length, length);
        assert_int_equal(read_at(fixture, (ringcast_cursor){.position = last}), -EBADMSG);
    }
    for (uint64_t i = 1; i < RING_ALIGN; i++) {
        assert_int_equal(read_at(fixture, (ringcast_cursor){.position = last + i}), -EBADMSG);
    }
}

static void test_r7_fields_that_cannot_be(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 2);
    struct ring_entry *entry = fixture_entry(fixture, cursor.position);

    atomic_store(&entry->position, cursor.position + FIXTURE_CAPACITY);
    assert_int_equal(read_at(fixture, cursor), -EBADMSG);
    atomic_store(&entry->position, cursor.position);
    atomic_store(&entry->generation, 0);
    assert_int_equal(read_at(fixture, cursor), -EBADMSG);
    atomic_store(&entry->generation, 1);
    atomic_store(&entry->sequence, 0);
    assert_int_equal(read_at(fixture, cursor), -EBADMSG);
    atomic_store(&entry->sequence, 1);
    atomic_store(&entry->flags, RING_PADDING); /* that does not reach the end of the lap */
    assert_int_equal(read_at(fixture, cursor), -EBADMSG);
    atomic_store(&entry->flags, RINGCAST_KEYFRAME);
    assert_int_equal(read_at(fixture, cursor), 1);
    atomic_store(&entry->flags, RINGCAST_KEYFRAME | 0x40);
    ringcast_entry described;
    assert_int_equal(ringcast_peek(fixture->reader, &cursor, &described), 1);
    assert_int_equal(described.flags, RINGCAST_KEYFRAME);
}

static void test_r7_padding_behind_padding(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, KIBI_PER_LAP - 1);
    ringcast_entry entry;

    for (size_t i = 0; i < KIBI_PER_LAP - 1; i++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    }
    assert_int_equal(fixture_publish(fixture->writer, 2000, 0), 0);
    atomic_store(&fixture_entry(fixture, FIXTURE_CAPACITY)->flags, RING_PADDING);
    assert_int_equal(read_at(fixture, cursor), -EBADMSG);
    atomic_store(&fixture->header->head, (uint64_t)FIXTURE_CAPACITY); /* padding and nothing behind it */
    assert_int_equal(read_at(fixture, cursor), -EBADMSG);
}

static void test_r7_generation_slots_that_cannot_be(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_generation_slot *slot = (struct ring_generation_slot *)(fixture->header + 1) + 1;
    ringcast_generation generation;
    uint8_t init[RINGCAST_INIT_MAX];

    fixture_begin_generation(fixture->writer);
    atomic_store(&slot->init_length, RINGCAST_INIT_MAX + 1);
    assert_int_equal(ringcast_init_segment(fixture->reader, 1, init, sizeof(init), &generation), -EBADMSG);
    atomic_store(&slot->init_length, UINT32_MAX);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), -EBADMSG);
    size_t large_size = 2 * fixture->map_length;
    uint8_t *large = malloc(large_size);
    assert_non_null(large);
    memset(large, 0xAA, large_size);
    atomic_store(&slot->init_length, (uint32_t)large_size);
    assert_int_equal(ringcast_init_segment(fixture->reader, 1, large, large_size, &generation), -EBADMSG);
    assert_int_equal(large[large_size - 1], 0xAA); /* nothing was copied */
    free(large);
    atomic_store(&slot->init_length, RINGCAST_INIT_MAX);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), 0);
    atomic_store(&slot->timescale, 0);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), -EBADMSG);
    atomic_store(&slot->timescale, 1);
    memset(slot->codecs, 'a', sizeof(slot->codecs)); /* no NUL */
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), -EBADMSG);
    strcpy(slot->codecs, "\"><img onerror>");
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), -EBADMSG);
    strcpy(slot->codecs, "avc1.64001F");
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), 0);
    atomic_store(&fixture->header->generation, UINT32_MAX);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), -ESTALE);
}

static void test_r3_generation_being_written(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);
    struct ring_generation_slot *slot = (struct ring_generation_slot *)(fixture->header + 1) + 1;
    ringcast_generation generation;
    ringcast_entry entry;

    atomic_fetch_add(&slot->lock, 1);
    assert_int_equal(ringcast_init_segment(fixture->reader, 1, NULL, 0, &generation), -ESTALE);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, NULL, 0, &generation), -ESTALE);
    assert_int_equal(ringcast_peek(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.timescale, 0);
}

static void test_r3_fifth_generation_overwrites_the_first(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);
    ringcast_generation generation;
    ringcast_entry entry;

    for (uint32_t number = 2; number <= 5; number++) {
        assert_int_equal(ringcast_init_segment(fixture->reader, 1, NULL, 0, &generation), 0);
        assert_int_equal(ringcast_peek(fixture->reader, &cursor, &entry), 1);
        assert_int_equal(entry.timescale, FIXTURE_TIMESCALE);
        fixture_begin_generation(fixture->writer);
        assert_int_equal(ringcast_init_segment(fixture->reader, 0, NULL, 0, &generation), 0);
        assert_int_equal(generation.number, number);
    }
    assert_int_equal(ringcast_init_segment(fixture->reader, 1, NULL, 0, &generation), -ESTALE);
    assert_int_equal(ringcast_peek(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.timescale, 0);
}

static void test_retired_ring_is_read_to_its_end(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 3);
    ringcast_entry entry;

    ring_retire(fixture->descriptors.writer);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ringcast_wait(fixture->reader, &cursor, -1), 1);
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    }
    assert_int_equal(ringcast_wait(fixture->reader, &cursor, -1), -EPIPE);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), -EPIPE);
    assert_int_equal(ringcast_peek(fixture->reader, &cursor, &entry), -EPIPE);
}

static void test_wait_ends_at_its_time_out(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor = with_entries(fixture, 1);
    ringcast_entry entry;

    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(ringcast_wait(fixture->reader, &cursor, 0), 0);
    assert_int_equal(ringcast_wait(fixture->reader, &cursor, 20), 0);
}

/* Opens the ring as if its identity were IDENTITY. */
static int open_with(struct ring_fixture *fixture, struct ring_identity identity)
{
    ringcast_reader *reader = NULL;

    assert_int_equal(pwrite(fixture->descriptors.writer, &identity, sizeof(identity), 0), sizeof(identity));
    int result = ringcast_open(fixture->name, &reader);
    ringcast_close(reader);
    return result;
}

static void test_r7_identity_is_checked(void **state)
{
    struct ring_fixture *fixture = *state;
    struct ring_identity good = fixture->header->identity;

#define EXPECT_REFUSED(field, value)                                                                         \
    do {                                                                                                     \
        struct ring_identity changed = good;                                                                 \
        changed.field = (value);                                                                             \
        assert_int_equal(open_with(fixture, changed), -EPROTO);                                              \
    } while (0)
    EXPECT_REFUSED(magic[0], 'X');
    EXPECT_REFUSED(magic[7], 0);
    EXPECT_REFUSED(version_major, 2);
    EXPECT_REFUSED(version_major, 0);
    EXPECT_REFUSED(incompatible_flags, RING_ANY_CAPACITY << 1);
    EXPECT_REFUSED(incompatible_flags, 1u << 31);
    EXPECT_REFUSED(header_size, 0);
    EXPECT_REFUSED(header_size, 1023);
    EXPECT_REFUSED(header_size, 1025);
    EXPECT_REFUSED(header_size, UINT32_MAX - 63);
    EXPECT_REFUSED(capacity, 0);
    EXPECT_REFUSED(capacity, FIXTURE_CAPACITY / 2);
    EXPECT_REFUSED(capacity, FIXTURE_CAPACITY + 64);
    EXPECT_REFUSED(capacity, (uint64_t)FIXTURE_CAPACITY * 2);
    EXPECT_REFUSED(capacity, RING_CAPACITY_MAX * 2);
    EXPECT_REFUSED(capacity, UINT64_C(1) << 63);
    EXPECT_REFUSED(data_offset, 0);
    EXPECT_REFUSED(data_offset, RING_DATA_OFFSET + 1);
    EXPECT_REFUSED(data_offset, RING_DATA_OFFSET + 64);
    EXPECT_REFUSED(data_offset, UINT64_MAX - FIXTURE_CAPACITY + 1);
#undef EXPECT_REFUSED
    struct ring_identity newer = good;
    newer.version_minor = 9;
    newer.compatible_flags = UINT32_MAX;
    assert_int_equal(open_with(fixture, newer), 0);
    assert_int_equal(open_with(fixture, good), 0);
}

static void test_r7_files_that_are_no_ring(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_reader *reader = NULL;
    int ends[2];
    size_t before = fixture_count_descriptors();

    assert_int_equal(ringcast_open("/ringcast.unit-none.camera", &reader), -ENOENT);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ringcast_open_fd(ends[0], &reader), -EPROTO);
    close(ends[0]);
    close(ends[1]);
    const off_t sizes[] = {0, 1, 511, 1024, RING_DATA_OFFSET, RING_DATA_OFFSET + FIXTURE_CAPACITY - 1};
    for (size_t i = sizeof(sizes) / sizeof(sizes[0]); i-- > 0;) {
        assert_int_equal(ftruncate(fixture->descriptors.writer, sizes[i]), 0);
        assert_int_equal(ringcast_open(fixture->name, &reader), -EPROTO);
    }
    assert_int_equal(ftruncate(fixture->descriptors.writer, RING_DATA_OFFSET + FIXTURE_CAPACITY), 0);
    assert_int_equal(ringcast_open(fixture->name, &reader), -EPROTO); /* all zeros */
    assert_int_equal(fixture_count_descriptors(), before);
}

/* R9: a process that may read a ring through its read-only descriptor or its name can do no more than that. */
static void test_r1_readers_map_read_only(void **state)
{
    struct ring_fixture *fixture = *state;
    int fd = fixture->descriptors.reader;
    ringcast_reader *reader;

    assert_int_equal(ringcast_open_fd(fd, &reader), 0);
    assert_int_equal(ringcast_capacity(reader), FIXTURE_CAPACITY);
    ringcast_close(reader);
    ringcast_close(NULL);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_true(ftruncate(fd, 0) < 0);
    assert_true(pwrite(fd, "x", 1, 0) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_the_oldest_keyframe_of_a_ring_that_is_not_full),
        RING_TEST(test_the_oldest_keyframe_after_some_laps),
        RING_TEST(test_the_oldest_keyframe_is_the_newest_if_there_is_no_other),
        RING_TEST(test_no_oldest_keyframe_before_the_first),
        RING_TEST(test_r7_damage_before_the_oldest_keyframe_is_passed_over),
        RING_TEST(test_the_epoch_is_told),
        RING_TEST(test_r2_positions_go_on_over_many_laps),
        RING_TEST(test_r2_positions_near_their_largest_value),
        RING_TEST(test_r3_fragments_are_contiguous_behind_padding),
        RING_TEST(test_r3_every_length_up_to_a_quarter),
        RING_TEST(test_r3_small_buffer_leaves_the_cursor),
        RING_TEST(test_r4_overwritten_place_is_stale),
        RING_TEST(test_r4_claimed_place_is_stale_before_the_copy),
        RING_TEST(test_r5_entry_above_head_is_not_seen),
        RING_TEST(test_r6_no_keyframe_left),
        RING_TEST(test_r6_keyframe_that_is_none),
        RING_TEST(test_r7_places_that_cannot_be),
        RING_TEST(test_r7_lengths_that_cannot_be),
        RING_TEST(test_r7_nothing_is_read_behind_the_data),
        RING_TEST(test_r7_fields_that_cannot_be),
        RING_TEST(test_r7_padding_behind_padding),
        RING_TEST(test_r7_generation_slots_that_cannot_be),
        RING_TEST(test_r3_generation_being_written),
        RING_TEST(test_r3_fifth_generation_overwrites_the_first),
        RING_TEST(test_retired_ring_is_read_to_its_end),
        RING_TEST(test_wait_ends_at_its_time_out),
        RING_TEST(test_r7_identity_is_checked),
        RING_TEST(test_r7_files_that_are_no_ring),
        RING_TEST(test_r1_readers_map_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
