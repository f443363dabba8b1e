/*
 * Lines out on standard error without ever waiting for the reader. What cannot be written at once waits in
 * this process, up to a limit; after that, lines are lost and counted. Part of the log: called with its lock
 * taken, and log_output_detach before there are other threads.
 */
#ifndef COMMON_LOG_LOG_OUTPUT_H
#define COMMON_LOG_LOG_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Gives standard error an open file description of ringcast's own, non-blocking (log_detach, log.h). */
void log_output_detach(void);

/*
 * A process that copies what is written to the descriptor returned (non-blocking, close-on-exec) to TO, and may
 * wait for TO's reader; it ends when there is no more writer, or no reader. Or negative errno.
 */
int log_output_relay(int to);

/* Writes LINE, which ends with a newline and has at most PIPE_BUF bytes, or keeps or loses it. */
void log_output_write(const char *line, size_t length);

/* Writes what waits. The number of lines that were lost and can be told now, because nothing waits; or 0. */
uint64_t log_output_settle(void);

/* The same at the end of the process, which waits a moment for a reader that still reads. */
void log_output_finish(void);

/* Forgets what waits: after a fork the lines are the parent's, which still has them. */
void log_output_forget(void);

#endif
