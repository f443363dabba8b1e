/*
 * Going to the background: the parent stays until the daemon is ready or has failed, so the shell sees the
 * exit code and the errors. Called from main, before there is any thread.
 */
#ifndef SUPERVISOR_DAEMON_H
#define SUPERVISOR_DAEMON_H

/*
 * Forks into a session of its own. Returns in the daemon only; the parent ends with the daemon's verdict.
 * 0 or negative errno (then nothing was forked).
 */
int daemon_begin(void);

/*
 * Where log lines go once the terminal is left: -1: standard error is not a terminal and is kept; otherwise a
 * descriptor, of the journal's, or of nothing if there is no journal (a warning says so). Close-on-exec.
 */
int daemon_open_log(void);

/* Tells the parent that all is well and leaves the terminal; LOG_FD (see above) becomes standard error. */
void daemon_ready(int log_fd);

/* Gives the parent EXIT_CODE, unless daemon_ready was called. */
void daemon_failed(int exit_code);

#endif
