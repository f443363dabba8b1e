/* How a process ended: its reason, when, and its last log lines. Pure functions; supervisor's main thread. */
#ifndef SUPERVISOR_PROCESS_LAST_EXIT_H
#define SUPERVISOR_PROCESS_LAST_EXIT_H

#include <jansson.h>

/* {"reason", "at" (seconds since 1970), "log"}; LINES (consumed) may be NULL. Long lines are cut. NULL: out
 * of memory. */
json_t *last_exit_new(const char *reason, json_t *lines);

#endif
