/* SPDX-License-Identifier: MIT */
/*
 * A camera's own process: takes its task from its channel, streams the camera into its ring, reconnects by itself, and ends
 * when ringcastd asks for that or is gone. Called once, by the process that the fork server has forked; one thread.
 */
#ifndef INGEST_WORKER_H
#define INGEST_WORKER_H

/* Runs until the worker has to end. CHANNEL is the caller's. Returns the process's exit status. */
int worker_run(int channel);

#endif
