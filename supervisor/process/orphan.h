/*
 * Processes of a ringcastd that was killed which this one has no use for: they are told to end, killed if
 * they do not, and forgotten. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_ORPHAN_H
#define SUPERVISOR_PROCESS_ORPHAN_H

#include "supervisor/process/children.h"

struct orphans;

/* Ends every process that was found (fd_store.h) and not taken. NULL: out of memory. */
struct orphans *orphans_end(struct children *children);

/* True while one of them is there. */
bool orphans_any(const struct orphans *orphans);

/* Kills those that are still there. NULL is allowed. */
void orphans_destroy(struct orphans *orphans);

#endif
