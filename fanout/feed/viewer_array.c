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

int seats_add(struct seats *seats, struct viewer *viewer)
{
    if (seats->count == seats->room) {
        unsigned room = seats->room ? 2 * seats->room : FIRST_ROOM;
        struct seat *list = reallocarray(seats->list, room, sizeof(*list));
        if (!list) {
            return -ENOMEM;
        }
        seats->list = list;
        seats->room = room;
    }
    viewer->seat = seats->count;
    seats->list[seats->count++] =
        (struct seat){.viewer = viewer, .wsi = viewer->wsi, .state = (enum viewer_state)viewer->state};
    return 0;
}

void seats_remove(struct seats *seats, struct viewer *viewer)
{
    struct seat *last = &seats->list[--seats->count];
    seats->list[viewer->seat] = *last;
    last->viewer->seat = viewer->seat;
    if (seats->count == 0) {
        free(seats->list);
        *seats = (struct seats){0};
    }
}

void seats_prefetch_next(const struct seats *seats, unsigned index)
{
    if (index > 0) {
        const char *connection = (const char *)seats->list[index - 1].wsi;
        for (unsigned offset = 0; offset < CONNECTION_BYTES; offset += CACHE_LINE_BYTES) {
            __builtin_prefetch(connection + offset);
        }
    }
}
