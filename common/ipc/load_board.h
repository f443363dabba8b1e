/* SPDX-License-Identifier: MIT */
/*
 * How busy each of the fan-outs is that share a listening socket, in memory that all of them map. ringcastd makes the
 * board; each fan-out writes its own slot, and before it accepts a connection looks whether another fan-out has less to
 * do. The numbers are hints: a fan-out that writes nonsense gets more connections than its share, or fewer. Any thread
 * of any of these processes.
 */
#ifndef COMMON_IPC_LOAD_BOARD_H
#define COMMON_IPC_LOAD_BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Slots: no more fan-outs than this can be configured. */
#define LOAD_BOARD_SLOTS 64u

/* The load in a slot without a process. */
#define LOAD_BOARD_ABSENT UINT32_MAX

struct load_board;

/* A board of empty slots, sealed so that its size cannot change. Returns a descriptor or negative errno. */
int load_board_create(void);

/* Maps the board of FD, which stays the caller's. NULL: FD is not a board, or there is not enough memory. */
struct load_board *load_board_map(int fd);

/* NULL is allowed. */
void load_board_unmap(struct load_board *board);

void load_board_set(struct load_board *board, size_t slot, uint32_t load);

/* Empties SLOT, whose process is gone. FD is the board's. */
void load_board_leave(int fd, size_t slot);

/* The least load in any slot with a process; LOAD_BOARD_ABSENT: there is none. */
uint32_t load_board_least(const struct load_board *board);

#endif
