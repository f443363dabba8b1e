/*
 * The fork server of ingest: it has FFmpeg's libraries loaded and forks a worker for each `spawn` of ringcastd
 * (docs/reference/control.md). Called once, by main, in a process without threads. It learns no camera's
 * address or credentials: those wait in the channel that it hands on.
 */
#ifndef INGEST_FORK_SERVER_H
#define INGEST_FORK_SERVER_H

/*
 * Serves CHANNEL until ringcastd closes it. Returns twice, like fork: in the fork server with the exit status
 * and *worker_channel -1; in each worker with *worker_channel being the worker's own channel (CHANNEL is
 * closed then).
 */
int fork_server_run(int channel, int *worker_channel);

#endif
