/* SPDX-License-Identifier: MIT */
#include "common/ipc/load_board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A cache line for each: they are written for every viewer that comes or goes. */
struct slot {
    _Alignas(
        64) _Atomic uint32_t load; /* written by its process, and by ringcastd when that is gone; relaxed */
};

struct load_board {
    struct slot slots[LOAD_BOARD_SLOTS];
};

int load_board_create(void)
{
    int fd = memfd_create("ringcast-load", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct load_board *board = NULL;

    if (fd < 0) {
        return -errno;
    }
    if (ftruncate(fd, sizeof(struct load_board)) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
        (board = load_board_map(fd)) == NULL) {
        int error = errno != 0 ? -errno : -ENOMEM;
        close(fd);
        return error;
    }
    for (size_t i = 0; i < LOAD_BOARD_SLOTS; i++) {
        load_board_set(board, i, LOAD_BOARD_ABSENT);
    }
    load_board_unmap(board);
    return fd;
}

struct load_board *load_board_map(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(struct load_board)) {
        return NULL;
    }
    void *map = mmap(NULL, sizeof(struct load_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

void load_board_unmap(struct load_board *board)
{
    if (board) {
        munmap(board, sizeof(*board));
    }
}

void load_board_set(struct load_board *board, size_t slot, uint32_t load)
{
    if (slot < LOAD_BOARD_SLOTS) {
        atomic_store_explicit(&board->slots[slot].load, load, memory_order_relaxed);
    }
}

void load_board_leave(int fd, size_t slot)
{
    struct load_board *board = load_board_map(fd);

    if (board) {
        load_board_set(board, slot, LOAD_BOARD_ABSENT);
    }
    load_board_unmap(board);
}

uint32_t load_board_least(const struct load_board *board)
{
    uint32_t least = LOAD_BOARD_ABSENT;

    for (size_t i = 0; i < LOAD_BOARD_SLOTS; i++) {
        uint32_t load = atomic_load_explicit(&board->slots[i].load, memory_order_relaxed);
        if (load < least) {
            least = load;
        }
    }
    return least;
}
