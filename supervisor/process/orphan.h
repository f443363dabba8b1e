/* SPDX-License-Identifier: MIT */
/*
 * Ends the processes that a killed ringcastd left and this one does not use, and kills those that do not end.
 * Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_ORPHAN_H
#define SUPERVISOR_PROCESS_ORPHAN_H

#include "supervisor/process/children.h"

struct orphan_list;

/* Begins to end every process that was found (fd_store.h) and not taken. NULL: out of memory. */
struct orphan_list *orphan_list_end(struct children *children);

/* Kills those that still run. NULL is allowed. */
void orphan_list_destroy(struct orphan_list *orphans);

#endif
