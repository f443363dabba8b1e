/*
 * Processes of a ringcastd that was killed which this one has no use for: they are told to end, killed if
 * they do not, and forgotten. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_PROCESS_ORPHAN_H
#define SUPERVISOR_PROCESS_ORPHAN_H

#include "supervisor/process/children.h"

struct leftovers;

/* Ends every process that was found (keep.h) and not taken. NULL: out of memory. */
struct leftovers *leftovers_end(struct children *children);

/* True while one of them is there. */
bool leftovers_any(const struct leftovers *leftovers);

/* Kills those that are still there. NULL is allowed. */
void leftovers_destroy(struct leftovers *leftovers);

#endif
