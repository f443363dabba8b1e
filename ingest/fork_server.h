/* SPDX-License-Identifier: MIT */
/*
 * The fork server of ingest: it has FFmpeg's libraries loaded and forks a worker for each `spawn` of
 * ringcastd (docs/reference/control.md). Called once, by main, in a process without threads. It does not
 * learn any camera's address or credentials: those wait in the channel that it hands to the worker.
 */
#ifndef INGEST_FORK_SERVER_H
#define INGEST_FORK_SERVER_H

/*
 * Serves CHANNEL until ringcastd closes it. Like fork(2) it returns in several processes: in the fork server
 * with the exit status and *worker_channel -1; in each worker with *worker_channel, the worker's own channel,
 * and CHANNEL closed.
 */
int fork_server_run(int channel, int *worker_channel);

#endif
