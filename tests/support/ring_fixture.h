/* SPDX-License-Identifier: MIT */
/* A ring of its own for each test, under a name that no other process uses, and fragments whose bytes can be
 * checked. */
#ifndef TESTS_SUPPORT_RING_FIXTURE_H
#define TESTS_SUPPORT_RING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "common/ring/ring_create.h"
#include "common/ring/ring_format.h"
#include "common/ring/ring_writer.h"
#include "common/ring/ringcast.h"

#ifndef FIXTURE_CAPACITY /* tests of rings are built with another, too */
#define FIXTURE_CAPACITY 65536u
#endif
#define FIXTURE_TIMESCALE 90000u
#define FIXTURE_TICK 3600u /* 25 fragments a second */

struct ring_fixture {
    char name[RING_NAME_SIZE];
    struct ring_descriptors descriptors;
    int wake; /* eventfd */
    struct ring_writer *writer;
    ringcast_reader *reader;
    struct ring_header *header; /* a second, writable mapping: tests set counters here */
    uint8_t *data;
    size_t map_length;
};

/* A name that no other process and no other call of this one has. */
void fixture_name(char name[RING_NAME_SIZE]);

/* cmocka setup and teardown; *state is a struct ring_fixture. No generation is begun. */
int fixture_set_up(void **state);

/* The same with an index, in which every keyframe is noted. */
int fixture_set_up_with_index(void **state);
int fixture_tear_down(void **state);

/* Puts another writer in the place of the present one. */
void fixture_attach(struct ring_fixture *fixture);

/* A ring of another size takes the place of the present one, as when ringcastd finds that a camera needs it:
 * first the writer goes on in it, then it gets the name, and the old one is retired. */
struct ring_descriptors fixture_write_next(struct ring_fixture *fixture);
void fixture_install_next(struct ring_fixture *fixture, struct ring_descriptors next);

void fixture_begin_generation(struct ring_writer *writer);

/* Fills LENGTH bytes so that fragment_intact can tell them from all others: seeded by SEQUENCE. */
void fragment_fill(uint8_t *bytes, size_t length, uint64_t sequence);
bool fragment_intact(const uint8_t *bytes, size_t length, uint64_t sequence);

/* The decode time that fixture_publish gives; sequences that damage made huge wrap around. */
int64_t fixture_decode_time(uint64_t sequence);

/* Publishes one fragment of LENGTH bytes; 0 or the writer's error. */
int fixture_publish(struct ring_writer *writer, size_t length, uint32_t flags);

/* Reads one entry and checks its bytes. Returns the result of ringcast_read. */
int fixture_read(const ringcast_reader *reader, ringcast_cursor *cursor, ringcast_entry *entry);

/* The header of the entry at POSITION, writable. */
struct ring_entry *fixture_entry(struct ring_fixture *fixture, uint64_t position);

/* fork(2), but the child does not outlive the test program, however that ends. */
pid_t fixture_fork(void);

/* Descriptors that this process has open. */
size_t fixture_count_descriptors(void);

#define RING_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
#define RING_INDEX_TEST(test)                                                                                \
    cmocka_unit_test_setup_teardown(test, fixture_set_up_with_index, fixture_tear_down)

#endif
