/* SPDX-License-Identifier: MIT */
#include "tests/support/ring_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LONGEST (FIXTURE_CAPACITY)

void fixture_name(char name[RING_NAME_SIZE])
{
    static atomic_uint count;
    char instance[32];
    char camera[32];

    snprintf(instance, sizeof(instance), "unit-%d", (int)getpid());
    snprintf(camera, sizeof(camera), "camera-%u", atomic_fetch_add(&count, 1));
    assert_int_equal(ring_name(name, instance, camera), 0);
}

void fixture_attach(struct ring_fixture *fixture)
{
    ring_writer_detach(fixture->writer);
    fixture->writer = NULL;
    assert_int_equal(ring_writer_attach(dup(fixture->descriptors.writer), fixture->wake, &fixture->writer),
                     0);
}

struct ring_descriptors fixture_write_next(struct ring_fixture *fixture)
{
    struct ring_descriptors next;
    struct ring_writer *writer;

    assert_int_equal(ring_create_unnamed(fixture->name, 4 * (size_t)FIXTURE_CAPACITY, 0,
                                         ring_writer_epoch_ns(fixture->writer), &next),
                     0);
    assert_int_equal(ring_writer_attach(dup(next.writer), -1, &writer), 0);
    assert_int_equal(ring_writer_succeed(writer, fixture->writer), 0);
    ring_writer_detach(fixture->writer);
    fixture->writer = writer;
    return next;
}

void fixture_install_next(struct ring_fixture *fixture, struct ring_descriptors next)
{
    assert_int_equal(ring_replace(fixture->name, next.writer), 0);
    ring_retire(fixture->descriptors.writer);
    close(fixture->descriptors.writer);
    close(fixture->descriptors.reader);
    fixture->descriptors = next;
}

static int set_up(void **state, unsigned past_s)
{
    struct ring_fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture_name(fixture->name);
    assert_int_equal(ring_create(fixture->name, FIXTURE_CAPACITY, past_s, 1000, &fixture->descriptors), 0);
    fixture->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fixture->wake >= 0);
    struct ring_geometry geometry;
    assert_int_equal(ring_geometry_read(fixture->descriptors.writer, &geometry), 0);
    fixture->map_length = geometry.length;
    void *map =
        mmap(NULL, fixture->map_length, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->descriptors.writer, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    fixture->header = map;
    fixture->header->identity.index_spacing_ms = 0;
    fixture->data = (uint8_t *)map + geometry.data_offset;
    fixture_attach(fixture);
    assert_int_equal(ringcast_open(fixture->name, &fixture->reader), 0);
    *state = fixture;
    return 0;
}

int fixture_set_up(void **state)
{
    return set_up(state, 0);
}

int fixture_set_up_with_index(void **state)
{
    return set_up(state, 8);
}

int fixture_tear_down(void **state)
{
    struct ring_fixture *fixture = *state;

    ringcast_close(fixture->reader);
    ring_writer_detach(fixture->writer);
    munmap(fixture->header, fixture->map_length);
    close(fixture->wake);
    close(fixture->descriptors.writer);
    close(fixture->descriptors.reader);
    int result = ring_unlink(fixture->name);
    free(fixture);
    return result;
}

void fixture_begin_generation(struct ring_writer *writer)
{
    static const char init[] = "ftyp and moov";
    struct ring_stream stream = {
        .codecs = "avc1.64001F,mp4a.40.2",
        .init = init,
        .init_length = sizeof(init),
        .timescale = FIXTURE_TIMESCALE,
        .width = 1280,
        .height = 720,
    };

    assert_int_equal(ring_writer_begin_generation(writer, &stream), 0);
}

static uint64_t next_word(uint64_t word)
{
    return word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

void fragment_fill(uint8_t *bytes, size_t length, uint64_t sequence)
{
    uint64_t word = next_word(sequence ^ length << 32);

    for (size_t i = 0; i < length; i++, word = next_word(word)) {
        bytes[i] = (uint8_t)(word >> 56);
    }
}

bool fragment_intact(const uint8_t *bytes, size_t length, uint64_t sequence)
{
    uint64_t word = next_word(sequence ^ length << 32);

    for (size_t i = 0; i < length; i++, word = next_word(word)) {
        if (bytes[i] != (uint8_t)(word >> 56)) {
            return false;
        }
    }
    return true;
}

int64_t fixture_decode_time(uint64_t sequence)
{
    return (int64_t)((sequence & UINT32_MAX) * FIXTURE_TICK);
}

int fixture_publish(struct ring_writer *writer, size_t length, uint32_t flags)
{
    uint64_t sequence = ring_writer_next_sequence(writer);
    struct ring_fragment fragment = {
        .flags = flags,
        .decode_time = fixture_decode_time(sequence),
        .duration = FIXTURE_TICK,
        .wall_ns = (int64_t)sequence + 1,
        .capture_ns = (int64_t)sequence + 2,
    };

    uint8_t *room = ring_writer_reserve(writer, length);
    if (!room) {
        return -1;
    }
    fragment_fill(room, length, sequence);
    return ring_writer_publish(writer, &fragment);
}

int fixture_read(const ringcast_reader *reader, ringcast_cursor *cursor, ringcast_entry *entry)
{
    static _Thread_local uint8_t buffer[LONGEST];

    int result = ringcast_read(reader, cursor, buffer, sizeof(buffer), entry);
    if (result == 1) {
        assert_true(fragment_intact(buffer, entry->length, entry->sequence));
        assert_int_equal(entry->decode_time, fixture_decode_time(entry->sequence));
        assert_int_equal(entry->wall_ns, entry->sequence + 1);
        assert_int_equal(entry->capture_ns, entry->sequence + 2);
    }
    return result;
}

struct ring_entry *fixture_entry(struct ring_fixture *fixture, uint64_t position)
{
    return (struct ring_entry *)(fixture->data + position % FIXTURE_CAPACITY);
}

pid_t fixture_fork(void)
{
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return child;
}

size_t fixture_count_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");

    assert_non_null(folder);
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}
