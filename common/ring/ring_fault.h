/* SPDX-License-Identifier: MIT */
/*
 * Reading a mapping beyond the end of its file, which another process has cut off, raises SIGBUS. Guarded mappings
 * survive it: the handler puts zero pages in the place of the whole mapping and marks it, and the interrupted read goes
 * on.
 *
 * The handler is the process's: it is installed with the first guard and removed with the last, unless the program has
 * replaced it by then. Faults elsewhere go to the handler that was there before. ring_fault_guard and
 * ring_fault_release may be called from any thread; they lock. Not from a signal handler. Private to
 * libringcast.
 */
#ifndef COMMON_RING_RING_FAULT_H
#define COMMON_RING_RING_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct ring_fault_guard;

/* Guards LENGTH bytes, mapped read-only at START (page-aligned). 0; -ENOMEM; or what sigaction(2) says. */
int ring_fault_guard(const void *start, size_t length, struct ring_fault_guard **guard);

/* Call before munmap. NULL is allowed. */
void ring_fault_release(struct ring_fault_guard *guard);

/* Whether the mapping was cut off: what was read from it since is zeros. */
bool ring_fault_hit(const struct ring_fault_guard *guard);

#endif
