/* SPDX-License-Identifier: MIT */
#include "fanout/feed/viewer_array.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_ROOM 8u

/*
 * What libwebsockets reads and writes of a connection to send a message: the beginning of its struct, of
 * about 700 bytes. Too much asked for costs little, and nothing faults.
 */
#define CONNECTION_BYTES 704u
#define CACHE_LINE_BYTES 64u

int viewer_array_add(struct viewer_array *viewers, struct viewer *viewer)
{
    if (viewers->count == viewers->room) {
        unsigned room = viewers->room ? 2 * viewers->room : FIRST_ROOM;
        struct viewer_slot *list = reallocarray(viewers->list, room, sizeof(*list));
        if (!list) {
            return -ENOMEM;
        }
        viewers->list = list;
        viewers->room = room;
    }
    viewer->slot = viewers->count;
    viewers->list[viewers->count++] = (struct viewer_slot){
        .viewer = viewer,
        .wsi = viewer->wsi,
        .state = (enum viewer_state)viewer->state,
        .special = viewer->guest || viewer->bundle || viewer->keyframes,
        .keyframes = viewer->keyframes,
    };
    return 0;
}

void viewer_array_remove(struct viewer_array *viewers, struct viewer *viewer)
{
    struct viewer_slot *last = &viewers->list[--viewers->count];
    viewers->list[viewer->slot] = *last;
    last->viewer->slot = viewer->slot;
    if (viewers->count == 0) {
        free(viewers->list);
        *viewers = (struct viewer_array){0};
    }
}

void viewer_array_prefetch_next(const struct viewer_array *viewers, unsigned index)
{
    if (index > 0) {
        const char *connection = (const char *)viewers->list[index - 1].wsi;
        for (unsigned offset = 0; offset < CONNECTION_BYTES; offset += CACHE_LINE_BYTES) {
            __builtin_prefetch(connection + offset);
        }
    }
}
