/* SPDX-License-Identifier: MIT */
#include "relay/owner/due.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct due_entry {
    uint64_t time_ms;
    uint32_t number;
};

void due_finish(struct due *due)
{
    free(due->heap);
    free(due->places);
    *due = (struct due){0};
}

int due_reserve(struct due *due, uint32_t size)
{
    if (size <= due->size) {
        return 0;
    }
    uint32_t doubled = 2 * due->size;
    size = size > doubled ? size : doubled;
    struct due_entry *heap = realloc(due->heap, size * sizeof(*heap));
    if (!heap) {
        return -ENOMEM;
    }
    due->heap = heap;
    uint32_t *places = realloc(due->places, size * sizeof(*places));
    if (!places) {
        return -ENOMEM;
    }
    memset(places + due->size, 0, (size - due->size) * sizeof(*places));
    due->places = places;
    due->size = size;
    return 0;
}

static void put(struct due *due, uint32_t place, struct due_entry entry)
{
    due->heap[place] = entry;
    due->places[entry.number] = place + 1;
}

static void rise(struct due *due, uint32_t place, struct due_entry entry)
{
    while (place > 0 && due->heap[(place - 1) / 2].time_ms > entry.time_ms) {
        put(due, place, due->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(due, place, entry);
}

static void sink(struct due *due, uint32_t place, struct due_entry entry)
{
    for (uint32_t child = 2 * place + 1; child < due->count; child = 2 * place + 1) {
        child += child + 1 < due->count && due->heap[child + 1].time_ms < due->heap[child].time_ms;
        if (due->heap[child].time_ms >= entry.time_ms) {
            break;
        }
        put(due, place, due->heap[child]);
        place = child;
    }
    put(due, place, entry);
}

static void take_out(struct due *due, uint32_t place)
{
    struct due_entry last = due->heap[--due->count];

    due->places[due->heap[place].number] = 0;
    if (place == due->count) {
        return;
    }
    if (place > 0 && due->heap[(place - 1) / 2].time_ms > last.time_ms) {
        rise(due, place, last);
    } else {
        sink(due, place, last);
    }
}

void due_set(struct due *due, uint32_t number, uint64_t time_ms)
{
    uint32_t place = due->places[number];

    if (place > 0 && due->heap[place - 1].time_ms == time_ms) {
        return;
    }
    if (place > 0) {
        take_out(due, place - 1);
    }
    if (time_ms != UINT64_MAX) {
        rise(due, due->count++, (struct due_entry){.time_ms = time_ms, .number = number});
    }
}

uint64_t due_next_ms(const struct due *due)
{
    return due->count > 0 ? due->heap[0].time_ms : UINT64_MAX;
}

bool due_take(struct due *due, uint64_t now_ms, uint32_t *number)
{
    if (due->count == 0 || due->heap[0].time_ms > now_ms) {
        return false;
    }
    *number = due->heap[0].number;
    take_out(due, 0);
    return true;
}
