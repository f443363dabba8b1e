/* SPDX-License-Identifier: MIT */
/*
 * R7, R8: a process that has the ring's writable descriptor and means harm. It writes random values where
 * they hurt most and cuts the ring off, while readers read. They may get nothing useful; they must not crash,
 * hang, read outside the ring (AddressSanitizer sees what is copied where), or believe a length that the ring
 * cannot have.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/ring_fixture.h"

#define OPENINGS 20
#define READS_PER_OPENING 4000
#define LEAST 100 /* of each outcome that the test is about */
#define ENOUGH_CUTS 50
#define LEAST_CUTS 3         /* on a machine that is busy with other things */
#define TIME_LIMIT_SECONDS 8 /* to get to enough */

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Half of the time something near the truth: plain noise is refused by the first check. */
static uint64_t nasty(uint64_t truth)
{
    static const uint64_t special[] = {0, 1, 63, 64, 65535, 65536, UINT32_MAX, UINT64_MAX, UINT64_MAX - 63};

    switch (next_random() % 4) {
    case 0:
        return next_random();
    case 1:
        return special[next_random() % (sizeof(special) / sizeof(special[0]))];
    case 2:
        return truth + next_random() % 3 * 64;
    default:
        return truth ^ (UINT64_C(1) << next_random() % 64);
    }
}

static void scribble_header(struct ring_header *header)
{
    _Atomic uint64_t *const counts[] = {&header->intent, &header->newest, &header->head, &header->keyframe,
                                        &header->sequence};
    _Atomic uint64_t *count = counts[next_random() % (sizeof(counts) / sizeof(counts[0]))];

    atomic_store(count, nasty(atomic_load(count)));
    if (next_random() % 8 == 0) {
        atomic_store(&header->generation, (uint32_t)nasty(atomic_load(&header->generation)));
    }
    atomic_fetch_add(&header->wake, 1);
}

static void scribble_slot(struct ring_header *header)
{
    struct ring_generation_slot *slots = (struct ring_generation_slot *)(header + 1);
    struct ring_generation_slot *slot = &slots[next_random() % RING_GENERATIONS];

    atomic_store(&slot->lock, (uint32_t)next_random() & ~1u);
    atomic_store(&slot->number, (uint32_t)nasty(atomic_load(&header->generation)));
    atomic_store(&slot->init_length, (uint32_t)nasty(RINGCAST_INIT_MAX));
    memset(slot->codecs, (int)(next_random() & 0x7F), sizeof(slot->codecs) - next_random() % 2);
}

static void scribble_entry(struct ring_header *header, uint8_t *data)
{
    uint64_t position = next_random() % 2 ? atomic_load(&header->keyframe) : next_random();
    struct ring_entry *entry = (struct ring_entry *)(data + position / 64 * 64 % FIXTURE_CAPACITY);

    if (next_random() % 2) {
        atomic_store(&entry->position, position & ~UINT64_C(63));
    }
    atomic_store(&entry->length, (uint32_t)nasty(atomic_load(&entry->length)));
    if (next_random() % 4 == 0) {
        atomic_store(&entry->flags, (uint32_t)next_random());
    }
}

/* Puts the counters so that the reader comes to the data at all. */
static void tempt(struct ring_header *header, uint8_t *data)
{
    uint64_t position = (1 + next_random() % 5000) * 64;
    struct ring_entry *entry = (struct ring_entry *)(data + position % FIXTURE_CAPACITY);

    atomic_store(&entry->position, position);
    atomic_store(&entry->sequence, next_random() | 1);
    atomic_store(&entry->generation, 1);
    atomic_store(&entry->flags, RINGCAST_KEYFRAME | (next_random() % 4 == 0 ? RING_PADDING : 0));
    atomic_store(&entry->length, (uint32_t)nasty(next_random() % 17000));
    atomic_store(&header->head, position + next_random() % 300 * 64);
    atomic_store(&header->intent, atomic_load(&header->head));
    atomic_store(&header->keyframe, position);
}

static void scribble_index(struct ring_header *header)
{
    const struct ring_identity *identity = &header->identity;
    struct ring_index_place *places = (struct ring_index_place *)((uint8_t *)header + identity->index_offset);
    struct ring_index_place *place = &places[next_random() % identity->index_count];

    atomic_store(&place->position, nasty(atomic_load(&header->keyframe)));
    atomic_store(&place->published_ns, (int64_t)nasty((uint64_t)atomic_load(&place->published_ns)));
    if (next_random() % 8 == 0) {
        atomic_store(&header->indexed, nasty(atomic_load(&header->indexed)));
    }
}

static void scribble(struct ring_fixture *fixture)
{
    switch (next_random() % 5) {
    case 4:
        scribble_index(fixture->header);
        break;
    case 0:
        scribble_header(fixture->header);
        break;
    case 1:
        scribble_slot(fixture->header);
        break;
    case 2:
        scribble_entry(fixture->header, fixture->data);
        break;
    default:
        tempt(fixture->header, fixture->data);
        break;
    }
}

struct outcome {
    uint64_t fragments, stale, damaged, ended;
};

/* At the newest keyframe, or at PLACE. */
static void read_one(const ringcast_reader *reader, uint64_t place, struct outcome *outcome)
{
    uint8_t *buffer;
    ringcast_cursor cursor;
    ringcast_entry entry = {0};
    size_t size = 1 + next_random() % (FIXTURE_CAPACITY / 4);

    buffer = malloc(size); /* of the exact size, so that AddressSanitizer sees one byte too many */
    assert_non_null(buffer);
    ringcast_seek_keyframe(reader, &cursor);
    if (next_random() % 4 == 0) {
        int result = ringcast_seek_time(reader, &cursor, (int64_t)nasty(1));
        assert_true((result == 0 || result == -EAGAIN) && cursor.sequence == 0);
    }
    if (next_random() % 2) { /* a place that was sound when it was found need not be so any more */
        cursor = (ringcast_cursor){.position = place};
    }
    int result = ringcast_read(reader, &cursor, buffer, size, &entry);
    free(buffer);
    if (result == 1 || result == -ENOSPC) {
        assert_true(entry.length > 0 && entry.length <= FIXTURE_CAPACITY / 4);
    }
    if (result == 1) {
        assert_true(entry.length <= size && cursor.position % 64 == 0);
    }
    outcome->fragments += result == 1 || result == -ENOSPC;
    outcome->stale += result == -ESTALE;
    outcome->damaged += result == -EBADMSG;
    outcome->ended += result == -EPIPE;
    ringcast_wait(reader, &cursor, 0);
    ringcast_peek(reader, &cursor, &entry);
}

static void read_init(const ringcast_reader *reader)
{
    ringcast_generation generation;
    size_t size = next_random() % (RINGCAST_INIT_MAX + 1);
    uint8_t *buffer = malloc(size + 1);

    assert_non_null(buffer);
    int result = ringcast_init_segment(reader, (uint32_t)(next_random() % 5), buffer, size, &generation);
    free(buffer);
    if (result == 0 || result == -ENOSPC) {
        assert_true(generation.init_length <= RINGCAST_INIT_MAX);
        assert_true(strlen(generation.codecs) < RINGCAST_CODECS_SIZE);
        assert_true(ring_codecs_valid(generation.codecs));
        assert_true(generation.timescale != 0);
    }
}

static pid_t start_harm(struct ring_fixture *fixture)
{
    pid_t child = fixture_fork();

    if (child == 0) {
        random_state ^= (uint64_t)getpid() << 20;
        for (;;) {
            scribble(fixture);
        }
    }
    assert_true(child > 0);
    return child;
}

static int64_t now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void stop(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void seed_random(void)
{
    random_state = (uint64_t)time(NULL) << 1 | 1;
    print_message("seed %llu\n", (unsigned long long)random_state);
}

static void test_r7_scribbling_writer(void **state)
{
    struct ring_fixture *fixture = *state;
    struct outcome outcome = {0};

    seed_random();
    fixture_begin_generation(fixture->writer);
    pid_t child = start_harm(fixture);
    for (int opening = 0; opening < OPENINGS; opening++) {
        ringcast_reader *reader;
        assert_int_equal(ringcast_open(fixture->name, &reader), 0);
        for (int i = 0; i < READS_PER_OPENING; i++) {
            scribble(
                fixture); /* this process as well, or on a busy machine the reader would see few changes */
            read_one(reader, atomic_load(&fixture->header->keyframe), &outcome);
            if (i % 16 == 0) {
                read_init(reader);
            }
        }
        ringcast_close(reader);
    }
    stop(child);
    print_message("%llu fragments, %llu stale, %llu damaged\n", (unsigned long long)outcome.fragments,
                  (unsigned long long)outcome.stale, (unsigned long long)outcome.damaged);
    assert_true(outcome.fragments >= LEAST &&
                outcome.damaged >= LEAST); /* let through to the data, and refused */
}

/* In a child: cuts the ring off and makes it whole again. */
static _Noreturn void cut(struct ring_fixture *fixture)
{
    static const off_t lengths[] = {0, 4096, RING_DATA_OFFSET, RING_DATA_OFFSET + 4096};
    uint8_t saved[RING_DATA_OFFSET];

    if (pread(fixture->descriptors.writer, saved, sizeof(saved), 0) != sizeof(saved)) {
        _exit(1);
    }
    for (;;) {
        struct timespec pause = {.tv_nsec = (long)(next_random() % 200000)};
        if (ftruncate(fixture->descriptors.writer, lengths[next_random() % 4]) < 0 ||
            ftruncate(fixture->descriptors.writer, (off_t)fixture->map_length) < 0 ||
            pwrite(fixture->descriptors.writer, saved, sizeof(saved), 0) != sizeof(saved)) {
            _exit(2);
        }
        nanosleep(&pause, NULL); /* else there is hardly ever a ring that can be opened */
    }
}

static void test_r8_cutting_writer(void **state)
{
    struct ring_fixture *fixture = *state;
    struct outcome outcome = {0};
    int opened = 0;

    seed_random();
    fixture_begin_generation(fixture->writer);
    assert_int_equal(fixture_publish(fixture->writer, 16000, RINGCAST_KEYFRAME), 0);
    pid_t child = fixture_fork();
    if (child == 0) {
        cut(fixture);
    }
    assert_true(child > 0);
    int64_t deadline = now_seconds() + TIME_LIMIT_SECONDS;
    while (outcome.ended < ENOUGH_CUTS && now_seconds() < deadline) {
        ringcast_reader *reader;
        int result = ringcast_open(fixture->name, &reader);
        assert_true(result == 0 || result == -EPROTO);
        uint64_t ended = outcome.ended;
        for (int i = 0; result == 0 && outcome.ended == ended && i < READS_PER_OPENING; i++) {
            read_one(reader, RING_FIRST_POSITION, &outcome);
            read_init(reader);
        }
        if (result == 0) {
            ringcast_close(reader);
        }
        opened += result == 0;
    }
    stop(child);
    print_message("%d openings, %llu of them cut off while being read\n", opened,
                  (unsigned long long)outcome.ended);
    assert_true(outcome.ended >= LEAST_CUTS);
}

/*
 * The next writer gets what a hostile one has left: it repairs it or refuses it, and is then as good as new.
 */
static void test_r5_writer_after_a_hostile_one(void **state)
{
    struct ring_fixture *fixture = *state;
    int repaired = 0;

    seed_random();
    fixture_begin_generation(fixture->writer);
    for (int round = 0; round < 2000; round++) {
        struct ring_writer *writer = NULL;
        for (uint64_t i = next_random() % 6; i > 0; i--) {
            next_random() % 2 ? scribble_header(fixture->header) : tempt(fixture->header, fixture->data);
        }
        int result = ring_writer_attach(dup(fixture->descriptors.writer), -1, &writer);
        if (result == 0) {
            ringcast_cursor cursor;
            ringcast_entry entry;
            repaired++;
            fixture_begin_generation(writer);
            for (int i = 0; i < 3; i++) {
                assert_int_equal(fixture_publish(writer, 1 + next_random() % 16000, RINGCAST_KEYFRAME), 0);
            }
            assert_int_equal(ringcast_seek_keyframe(fixture->reader, &cursor), 0);
            assert_int_equal(fixture_read(fixture->reader, &cursor, &entry), 1);
            assert_int_equal(entry.sequence, ring_writer_next_sequence(writer) - 1);
            ring_writer_detach(writer);
        } else {
            assert_int_equal(result, -EBADMSG);
            atomic_store(&fixture->header->intent, RING_FIRST_POSITION);
            atomic_store(&fixture->header->newest, 0);
            atomic_store(&fixture->header->head, RING_FIRST_POSITION);
            atomic_store(&fixture->header->keyframe, 0);
            atomic_store(&fixture->header->sequence, 0);
        }
    }
    assert_true(repaired > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_INDEX_TEST(test_r7_scribbling_writer),
        RING_INDEX_TEST(test_r8_cutting_writer),
        RING_INDEX_TEST(test_r5_writer_after_a_hostile_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
