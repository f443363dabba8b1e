/* SPDX-License-Identifier: MIT */
/*
 * The worker of a camera that another node of the cluster fetches. What a camera is to other workers, the relay of this node is to it: it reads pieces
 * from a socket (common/cluster/attachment.h) and publishes them (ingest/remote). Called by the worker, once; one thread.
 */
#ifndef INGEST_REMOTE_WORKER_H
#define INGEST_REMOTE_WORKER_H

#include "ingest/worker_link.h"

/* Runs until the worker has to end. LINK has its task and its ring. 0; -ENOMEM. */
int remote_worker_run(struct worker_link *link);

#endif
