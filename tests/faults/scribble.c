/* SPDX-License-Identifier: MIT */
/*
 * A writer gone mad: `ringcast-test-scribble RING SEED SECONDS [truncate]` writes random values into a ring's
 * header, generation slots and entries, and bytes of its data, while its server goes on; and cuts it
 * off at the end, if it is told to. Test program only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/ring/ring_format.h"

static uint64_t state;

/* SplitMix64. */
static uint64_t next_random(void)
{
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Plain noise, small numbers, and what is near the positions that are there: each finds other mistakes. */
static uint64_t hostile_value(const uint64_t *near)
{
    switch (next_random() % 5) {
    case 0:
        return next_random();
    case 1:
        return next_random() % 4096;
    case 2:
        return UINT64_MAX - next_random() % 4096;
    case 3:
        return *near + next_random() % 8192 - 4096;
    default:
        return 0;
    }
}

/* Somewhere in the entry that one of the header's positions names: what a reader looks at next. */
static size_t in_an_entry(const uint8_t *map, size_t size)
{
    const struct ring_header *header = (const struct ring_header *)map;
    const _Atomic uint64_t *positions[] = {&header->newest, &header->head, &header->keyframe};
    size_t capacity = size - RING_DATA_OFFSET;
    uint64_t position = atomic_load(positions[next_random() % 3]) & ~(uint64_t)(RING_ALIGN - 1);

    return RING_DATA_OFFSET + position % capacity + next_random() % sizeof(struct ring_entry);
}

static void scribble(uint8_t *map, size_t size)
{
    size_t areas[] = {sizeof(struct ring_header), RING_DATA_OFFSET, size};
    size_t which = next_random() % 4;
    size_t at = which == 3 ? in_an_entry(map, size) : next_random() % (areas[which] - sizeof(uint64_t));

    at &= ~(size_t)7;
    uint64_t near = *(volatile uint64_t *)(map + at);

    *(volatile uint64_t *)(map + at) = hostile_value(&near);
}

int main(int argc, char *argv[])
{
    struct stat status;

    if (argc < 4) {
        return 2;
    }
    state = strtoull(argv[2], NULL, 10);
    int fd = shm_open(argv[1], O_RDWR | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &status) < 0) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    uint8_t *map = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return 1;
    }
    for (double end = now_s() + strtod(argv[3], NULL); now_s() < end;) {
        for (int i = 0; i < 64; i++) {
            scribble(map, (size_t)status.st_size);
        }
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    if (argc > 4 && ftruncate(fd, 4096) < 0) {
        return 1;
    }
    return 0;
}
