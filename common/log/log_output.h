/* SPDX-License-Identifier: MIT */
/*
 * Writes lines to standard error without ever waiting for its reader. What cannot be written at once waits in this
 * process, up to a limit; beyond it, lines are lost and counted. Part of the log: called with its lock taken, and
 * log_output_detach before there are other threads.
 */
#ifndef COMMON_LOG_LOG_OUTPUT_H
#define COMMON_LOG_LOG_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Gives standard error an open file description of ringcast's own, non-blocking (log_detach, log.h). */
void log_output_detach(void);

/*
 * Starts a process that copies to TO what is written to the descriptor returned (non-blocking, close-on-exec). That
 * process may wait for TO's reader; it ends when the last writer or the reader is gone. On error: negative errno.
 */
int log_output_relay(int to);

/* Writes LINE, which ends with a newline and has at most PIPE_BUF bytes; or keeps it, or counts it as lost. */
void log_output_write(const char *line, size_t length);

/* Writes what waits. Returns how many lines were lost, once nothing waits any more, so that it can be logged; else 0. */
uint64_t log_output_settle(void);

/* The same at the end of the process: waits a moment for a reader that still reads. */
void log_output_finish(void);

/* Forgets what waits: after a fork(2) the parent still has these lines and writes them. */
void log_output_forget(void);

#endif
