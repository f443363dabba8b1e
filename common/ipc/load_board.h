/*
 * How busy each of the fan-outs is that share a listening socket, in memory that all of them map: ringcastd
 * makes it, each fan-out writes its own slot, and whoever is about to accept a connection looks whether
 * another one has less to do. A number in here is a hint: a fan-out that writes nonsense gets more
 * connections than its share, or fewer. Any thread of any of these processes.
 */
#ifndef COMMON_IPC_LOAD_BOARD_H
#define COMMON_IPC_LOAD_BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Slots; more fan-outs than this cannot be configured. */
#define LOAD_BOARD_SLOTS 64u

/* What is in the slot of a process that is not there. */
#define LOAD_BOARD_ABSENT UINT32_MAX

struct load_board;

/* A board with nobody on it, whose size nobody can change. Descriptor or negative errno. */
int load_board_create(void);

/* Maps the board of FD, which stays the caller's. NULL: it is none, or there is no memory. */
struct load_board *load_board_map(int fd);

/* NULL is allowed. */
void load_board_unmap(struct load_board *board);

void load_board_set(struct load_board *board, size_t slot, uint32_t load);

/* The process of SLOT is not there any more. FD is the board's. */
void load_board_leave(int fd, size_t slot);

/* The least load of all that are there, or LOAD_BOARD_ABSENT. */
uint32_t load_board_least(const struct load_board *board);

#endif
