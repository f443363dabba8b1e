/*
 * Opening and closing everything that a supervisor owns, in a fixed order and its reverse. Supervisor's main
 * thread only.
 */
#ifndef SUPERVISOR_START_H
#define SUPERVISOR_START_H

#include <stddef.h>

#include "common/config/config.h"

struct supervisor;

/* Everything but the processes. 0 or negative errno, logged. */
int start_open(struct supervisor *supervisor);

/* The processes: those that were taken over are kept, the others are started. */
void start_processes(struct supervisor *supervisor);

/* -EMFILE, and WHY in words: CONFIG has more cameras than there can be descriptors for. 0. */
int start_check_descriptors(const struct config *config, char *why, size_t size);

/* The viewers' socket for HOST and PORT; errors are logged. 0 or negative errno. */
int start_open_listener(struct supervisor *supervisor, const char *host, int port);

/* Ends and closes everything, but leaves what a killed ringcastd left if that was not taken over. */
void start_close(struct supervisor *supervisor);

#endif
