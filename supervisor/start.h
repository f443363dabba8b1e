/*
 * Opening and closing everything that a supervisor owns, in a fixed order and its reverse. Supervisor's main
 * thread only.
 */
#ifndef SUPERVISOR_START_H
#define SUPERVISOR_START_H

#include <sys/types.h>

struct supervisor;

/* Everything but the processes. 0 or negative errno, logged. */
int start_open(struct supervisor *supervisor);

/* The processes: those that were taken over are kept, the others are started. */
void start_processes(struct supervisor *supervisor);

/* The viewers' socket for HOST and PORT; errors are logged. 0 or negative errno. */
int start_open_listener(struct supervisor *supervisor, const char *host, int port);

/* Ends and closes everything. */
void start_close(struct supervisor *supervisor);

#endif
