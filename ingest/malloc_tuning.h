/* SPDX-License-Identifier: MIT */
/*
 * Each camera has a process, so whatever an allocator keeps in reserve is needed once for each camera. Called by the fork
 * server before it allocates anything; its workers inherit the setting.
 */
#ifndef INGEST_MALLOC_TUNING_H
#define INGEST_MALLOC_TUNING_H

void malloc_tuning_keep_small(void);

#endif
