/* SPDX-License-Identifier: MIT */
#include "hls/bodies.h"

#include <stdbool.h>
#include <unistd.h>

static bool is_same(const struct body_key *a, const struct body_key *b)
{
    return a->kind == b->kind && a->stream == b->stream && a->detail == b->detail && a->number == b->number &&
           a->version == b->version;
}

int bodies_find(const struct bodies *bodies, const struct body_key *key)
{
    for (size_t i = 0; i < BODIES_MAX; i++) {
        if (bodies->kept[i].fd > 0 && is_same(&bodies->kept[i].key, key)) {
            return bodies->kept[i].fd;
        }
    }
    return -1;
}

void bodies_keep(struct bodies *bodies, const struct body_key *key, int fd)
{
    struct body *place = &bodies->kept[bodies->next];

    if (place->fd > 0) {
        close(place->fd);
    }
    *place = (struct body){*key, fd};
    bodies->next = (bodies->next + 1) % BODIES_MAX;
}

void bodies_clear(struct bodies *bodies)
{
    for (size_t i = 0; i < BODIES_MAX; i++) {
        if (bodies->kept[i].fd > 0) {
            close(bodies->kept[i].fd);
        }
    }
    *bodies = (struct bodies){0};
}
