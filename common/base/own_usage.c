/* SPDX-License-Identifier: MIT */
#include "common/base/own_usage.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than smaps_rollup is up to the line that counts. */
#define TEXT_SIZE 1024

/* Descriptors that are looked at together: poll(2) refuses more than the process may have, and none may have fewer. */
#define TOGETHER 64

/* A new descriptor gets the lowest free number, so behind so many free ones none is looked for. */
#define FREE_IN_A_ROW 4096

static int rollup = -1;

void own_usage_open(void)
{
    rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
}

static uint64_t read_share(void)
{
    char text[TEXT_SIZE];
    ssize_t length = rollup >= 0 ? pread(rollup, text, sizeof(text) - 1, 0) : -1;

    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    const char *line = strstr(text, "\nPss:");
    return line ? strtoull(line + strlen("\nPss:"), NULL, 10) * 1024 : 0;
}

static unsigned count_descriptors(void)
{
    struct pollfd some[TOGETHER];
    unsigned count = 0;

    for (int first = 0, last = 0; first - last <= FREE_IN_A_ROW; first += TOGETHER) {
        for (int i = 0; i < TOGETHER; i++) {
            some[i] = (struct pollfd){.fd = first + i};
        }
        if (poll(some, TOGETHER, 0) < 0) {
            continue;
        }
        for (int i = 0; i < TOGETHER; i++) {
            bool open = (some[i].revents & POLLNVAL) == 0;
            count += open;
            last = open ? first + i : last;
        }
    }
    return count;
}

struct own_usage own_usage_read(void)
{
    return (struct own_usage){.share_bytes = read_share(), .descriptors = count_descriptors()};
}
