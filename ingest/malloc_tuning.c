/* SPDX-License-Identifier: MIT */
#include "ingest/malloc_tuning.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Bytes. A block of this size or more is a mapping of its own, and gone when it is freed: what is needed
 * once, to make an init segment or for a long description, must not leave a hole that the heap grows around.
 * Setting it also keeps glibc from raising it to the size of the largest block freed so far. */
#define MAPPED_FROM 65536

/* Bytes that may be free at the end of the heap, and by how much more than is needed the heap grows. glibc's
 * own 128 KiB each are a tenth of what a worker has. */
#define SPARE 16384

/* Bytes of the largest piece, and up to which glibc keeps free pieces of each size by themselves, 16 bytes apart. */
#define PIECE_MAX 65536
#define PIECE_SORTED_MAX 1032
#define PIECE_MIN 24
#define PIECE_STEP 16

/* A bound, if this allocator is not glibc's. */
#define PIECES_MAX 16384

/* The pieces, so that a leak checker sees that they are kept on purpose. */
static void *pieces;

void malloc_tuning_keep_small(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, SPARE);
    mallopt(M_TOP_PAD, SPARE / 4);
}

static size_t smaller(size_t size)
{
    if (size <= PIECE_SORTED_MAX) {
        return size - PIECE_STEP;
    }
    return size / 2 > PIECE_SORTED_MAX ? size / 2 : PIECE_SORTED_MAX;
}

void malloc_tuning_fill_holes(void)
{
    /* The free end of the heap begins here: what is allocated behind it has not filled a hole. */
    const uintptr_t end = (uintptr_t)sbrk(0) - mallinfo2().keepcost;
    size_t size = PIECE_MAX - PIECE_STEP;

    for (int count = 0; size >= PIECE_MIN && count < PIECES_MAX; count++) {
        void **piece = malloc(size);
        if (piece && (uintptr_t)piece < end) {
            *piece = pieces;
            pieces = piece;
        } else {
            free(piece);
            size = smaller(size);
        }
    }
}

void malloc_tuning_give_back(void)
{
    malloc_trim(0);
}
