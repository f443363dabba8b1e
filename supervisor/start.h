/* SPDX-License-Identifier: MIT */
/*
 * A supervisor from start to stop: opens everything that it owns in a fixed order, starts the processes, runs
 * the event loop, and closes everything in the reverse order. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_START_H
#define SUPERVISOR_START_H

struct supervisor_options;

/*
 * Runs with the configuration at CONFIG_PATH (absolute) and what was changed at run time, until SIGTERM,
 * SIGINT or the command `stop`. Errors are logged. The exit code: 0: stopped in order; 1: could not start, or
 * could not go on.
 */
int start_run(const char *config_path, const struct supervisor_options *options);

#endif
