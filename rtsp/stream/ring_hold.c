/* SPDX-License-Identifier: MIT */
#include "rtsp/stream/ring_hold.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct ring_hold {
    atomic_uint references;
    ringcast_reader *reader;
};

int ring_hold_open(int fd, struct ring_hold **made)
{
    struct ring_hold *hold = calloc(1, sizeof(*hold));

    if (!hold) {
        return -ENOMEM;
    }
    int result = ringcast_open_fd(fd, &hold->reader);
    if (result < 0) {
        free(hold);
        return result;
    }
    atomic_init(&hold->references, 1);
    *made = hold;
    return 0;
}

struct ring_hold *ring_hold_ref(struct ring_hold *hold)
{
    if (hold) {
        atomic_fetch_add(&hold->references, 1);
    }
    return hold;
}

void ring_hold_unref(struct ring_hold *hold)
{
    if (hold && atomic_fetch_sub(&hold->references, 1) == 1) {
        ringcast_close(hold->reader);
        free(hold);
    }
}

const ringcast_reader *ring_hold_reader(const struct ring_hold *hold)
{
    return hold->reader;
}
