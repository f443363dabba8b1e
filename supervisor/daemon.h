/* SPDX-License-Identifier: MIT */
/*
 * Runs ringcastd in the background. The parent process stays until the daemon is ready or has failed, so that
 * the shell sees the exit code and the errors. Called from main, before there are threads.
 */
#ifndef SUPERVISOR_DAEMON_H
#define SUPERVISOR_DAEMON_H

/*
 * Forks into a session of its own. Returns only in the daemon; the parent ends with the daemon's exit code.
 * 0; negative errno: nothing was forked.
 */
int daemon_begin(void);

/*
 * Opens what log lines go to once the terminal is left: the journal, or /dev/null if there is no journal,
 * which is logged as a warning. A descriptor, close-on-exec; -1: standard error is not a terminal and is
 * kept.
 */
int daemon_open_log(void);

/*
 * Reports success to the parent and leaves the terminal. LOG_FD, of daemon_open_log, becomes standard error.
 */
void daemon_ready(int log_fd);

/* Has the parent end with EXIT_CODE, unless daemon_ready was called. */
void daemon_failed(int exit_code);

#endif
