/*
 * There is a process for each camera, so what its allocator keeps in reserve is multiplied by all of them.
 * Called by the fork server before anything is allocated; its workers inherit it.
 */
#ifndef INGEST_MALLOC_TUNING_H
#define INGEST_MALLOC_TUNING_H

void heap_keep_small(void);

#endif
