/* SPDX-License-Identifier: MIT */
/*
 * What is to be looked at when: a heap of small numbers by the time at which each is due. Each number is in it once. Owned by the view of a
 * node (owner.h); one thread.
 */
#ifndef RELAY_OWNER_DUE_H
#define RELAY_OWNER_DUE_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed it is empty. */
struct due {
    struct due_entry *heap;
    uint32_t *places; /* by number: its place in the heap + 1; 0: it is not in it */
    uint32_t count;
    uint32_t size; /* numbers below this may be in it */
};

void due_finish(struct due *due);

/* Numbers below SIZE may be set from now on. 0 or -ENOMEM. */
int due_reserve(struct due *due, uint32_t size);

/* NUMBER, below the reserved size, is due at TIME_MS, and at no other time; UINT64_MAX: never. */
void due_set(struct due *due, uint32_t number, uint64_t time_ms);

/* The earliest time; UINT64_MAX: nothing is due. */
uint64_t due_next_ms(const struct due *due);

/* Takes a number out that is due at NOW_MS. False: none is. */
bool due_take(struct due *due, uint64_t now_ms, uint32_t *number);

#endif
