/* SPDX-License-Identifier: MIT */
/*
 * bench_published RING…: when fragments were published in these rings, by the rings' own account, so that what is measured does not wait for whoever
 * measures. Rings are looked into ten times a second until standard input ends. One line for each fragment: the ring's place in the arguments, wall clock
 * at capture, CLOCK_MONOTONIC at capture and when it was published (all ns), bytes, and 1 for a keyframe.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ring/ringcast.h"

#define RINGS_MAX 64
#define FRAGMENT_MAX (4u << 20)
#define LOOK_MS 100

static uint8_t fragment[FRAGMENT_MAX];

static void drain(int number, const ringcast_reader *reader, ringcast_cursor *cursor)
{
    ringcast_entry entry;
    int result;

    while ((result = ringcast_read(reader, cursor, fragment, sizeof(fragment), &entry)) == 1) {
        printf("%d %" PRId64 " %" PRId64 " %" PRId64 " %zu %d\n", number, entry.wall_ns, entry.capture_ns,
               entry.published_ns, entry.length, (entry.flags & RINGCAST_KEYFRAME) != 0);
    }
    if (result < 0) {
        fprintf(stderr, "bench_published: ring %d: %s\n", number, strerror(-result));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    ringcast_reader *readers[RINGS_MAX];
    ringcast_cursor cursors[RINGS_MAX];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    if (argc < 2 || argc > RINGS_MAX) {
        fprintf(stderr, "usage: bench_published RING…\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        int result = ringcast_open(argv[i], &readers[i]);
        if (result == 0) {
            result = ringcast_seek_keyframe(readers[i], &cursors[i]);
        }
        if (result < 0) {
            fprintf(stderr, "bench_published: %s: %s\n", argv[i], strerror(-result));
            return 1;
        }
    }
    while (poll(&input, 1, LOOK_MS) == 0) {
        for (int i = 1; i < argc; i++) {
            drain(i - 1, readers[i], &cursors[i]);
        }
    }
    for (int i = 1; i < argc; i++) {
        drain(i - 1, readers[i], &cursors[i]);
        ringcast_close(readers[i]);
    }
    return 0;
}
