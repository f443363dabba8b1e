/* SPDX-License-Identifier: MIT */
/* One writer and one reader in the order that a viewer sees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

static void test_r3_entry_carries_what_the_writer_said(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;
    ringcast_entry entry;

    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), -EAGAIN);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 0);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 1000, RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY), 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
    assert_int_equal(entry.sequence, 1);
    assert_int_equal(entry.generation, 1);
    assert_int_equal(entry.flags, RINGCAST_KEYFRAME | RINGCAST_DISCONTINUITY);
    assert_int_equal(entry.length, 1000);
    assert_int_equal(entry.duration, FIXTURE_TICK);
    assert_int_equal(entry.timescale, FIXTURE_TIMESCALE);
    assert_true(entry.published_ns > 0);
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 0);
}

static void test_r3_generation_is_kept_apart(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_generation generation;
    uint8_t init[RINGCAST_INIT_MAX];

    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), -EAGAIN);
    fixture_begin_generation(fixture->writer);
    assert_int_equal(ringcast_init_segment(fixture->reader, 0, init, sizeof(init), &generation), 0);
    assert_int_equal(generation.number, 1);
    assert_int_equal(generation.width, 1280);
    assert_int_equal(generation.height, 720);
    assert_string_equal(generation.codecs, "avc1.64001F,mp4a.40.2");
    assert_string_equal((char *)init, "ftyp and moov");
    assert_int_equal(ringcast_init_segment(fixture->reader, 1, init, 3, &generation), -ENOSPC);
    assert_int_equal(generation.init_length, sizeof("ftyp and moov"));
    assert_int_equal(ringcast_init_segment(fixture->reader, 1, NULL, 0, &generation), 0);
    assert_int_equal(ringcast_init_segment(fixture->reader, 2, init, sizeof(init), &generation), -ESTALE);
}

static void test_r6_late_join_begins_at_the_newest_keyframe(void **state)
{
    struct ring_fixture *fixture = *state;
    ringcast_cursor cursor;
    ringcast_entry entry;

    fixture_begin_generation(fixture->writer);
    for (int i = 0; i < 25; i++) {
        assert_int_equal(fixture_publish(fixture->writer, 500, i % 10 == 0 ? RINGCAST_KEYFRAME : 0), 0);
    }
    assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
    for (uint64_t sequence = 21; sequence <= 25; sequence++) {
        assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
        assert_int_equal(entry.sequence, sequence);
    }
    assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_r3_entry_carries_what_the_writer_said, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_r3_generation_is_kept_apart, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_r6_late_join_begins_at_the_newest_keyframe, fixture_set_up,
                                        fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
