/* SPDX-License-Identifier: MIT */
/*
 * Each camera has a process, so whatever an allocator keeps in reserve is needed once for each camera. Called by the fork
 * server before it allocates anything; its workers inherit the setting.
 */
#ifndef INGEST_MALLOC_TUNING_H
#define INGEST_MALLOC_TUNING_H

void malloc_tuning_keep_small(void);

/*
 * To be called by the fork server before its first fork: takes the free pieces between what it has allocated, for ever. A worker's
 * own allocations then lie together at the heap's end, and do not need a copy of each page with such a piece.
 */
void malloc_tuning_fill_holes(void);

/* Gives whole pages of the heap back in which nothing is left. */
void malloc_tuning_give_back(void);

#endif
