/* SPDX-License-Identifier: MIT */
/*
 * The black box of a child process: two pages of shared memory with its heartbeat, its last log lines, and what it uses of memory and
 * descriptors.
 * ringcastd makes one for each child and keeps it open, so what the child wrote survives any death of the child, also by
 * SIGKILL, and also when another ringcastd has taken the child over.
 *
 * The child writes; ringcastd reads and trusts nothing: the object is sealed against shrinking, and lines are cleaned
 * when they are read. A heartbeat is a promise: the time by which the child will beat again.
 */
#ifndef COMMON_IPC_BLACKBOX_H
#define COMMON_IPC_BLACKBOX_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Type of the message that hands a black box over; its descriptor 0 is the object. */
#define BLACKBOX_MESSAGE "blackbox"

struct blackbox;

/* ringcastd: makes one. *FD is the caller's. 0 or negative errno. */
int blackbox_create(struct blackbox **box, int *fd);

/* ringcastd: opens one that another ringcastd made. FD stays the caller's. 0, -EPROTO or other negative
 * errno. */
int blackbox_open(int fd, struct blackbox **box);

/* NULL is allowed. */
void blackbox_close(struct blackbox *box);

/* CLOCK_MONOTONIC milliseconds by which the child is to beat again; 0: it has not begun to. */
uint64_t blackbox_due_ms(const struct blackbox *box);

/*
 * What the child says that it uses: {"pss" (bytes, or null where its kernel does not tell), "descriptors"}; null: it has not said yet.
 * Some seconds old. A new reference; NULL: out of memory.
 */
json_t *blackbox_usage(const struct blackbox *box);

/* A new array of at most COUNT strings: the last log lines, oldest first. NULL: out of memory. */
json_t *blackbox_lines(const struct blackbox *box, size_t count);

/*
 * The child: FD is its black box from now on, and log lines go there too. FD is closed. One per process, from
 * one thread. 0 or negative errno.
 */
int blackbox_carry(int fd);

/* The child: gives its black box up; after a fork(2) that is its parent's. */
void blackbox_drop(void);

/* The child is alive and will beat again within ALLOWANCE_MS. Also gives the log its turn (log_settle), and now and then says what the
 * child uses. */
void blackbox_beat(uint64_t allowance_ms);

#endif
