/*
 * Processes that a killed ringcastd left and this one has no use for: they are told to end, killed if they do
 * not, and forgotten. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_ORPHAN_H
#define SUPERVISOR_PROCESS_ORPHAN_H

#include "supervisor/process/children.h"

struct orphan_list;

/* Ends every process that was found (fd_store.h) and not taken. NULL: out of memory. */
struct orphan_list *orphan_list_end(struct children *children);

/* Kills those that are still there. NULL is allowed. */
void orphan_list_destroy(struct orphan_list *orphans);

#endif
