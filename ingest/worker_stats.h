/* SPDX-License-Identifier: MIT */
/*
 * What a worker reports about its camera's stream in `stats` (docs/reference/control.md), over all its
 * connections. Owned by the worker; one thread.
 */
#ifndef INGEST_WORKER_STATS_H
#define INGEST_WORKER_STATS_H

#include <jansson.h>

#include "ingest/publish/publisher.h"
#include "ingest/remote/remote_stream.h"
#include "ingest/source/source.h"

struct worker_stats {
    struct source_statistics past;      /* of connections that have ended */
    const struct source *source;        /* the present connection; NULL: none */
    double announced_fps;               /* of the last connection; 0: its camera announces none */
    const struct remote_counts *remote; /* of a camera of another node; NULL: it is none */
    int64_t connected_ns;               /* when the present connection was open */
    int64_t keyframe_ns;                /* from then until its first keyframe was out; 0: not yet */
};

/* SOURCE is the present connection; it must outlive worker_stats_disconnected. */
void worker_stats_connected(struct worker_stats *stats, const struct source *source);

/* The first keyframe of the present connection is out. */
void worker_stats_streaming(struct worker_stats *stats);

/* Adds the counts of the present connection to the past ones. Call it before the source is closed. */
void worker_stats_disconnected(struct worker_stats *stats);

/* Adds the members about the ring's positions to MESSAGE. */
void worker_stats_write_ring(const struct ring_writer *ring, json_t *message);

/* Adds the members about packets, withheld frames and the beginning of the connection to MESSAGE. */
void worker_stats_write(const struct worker_stats *stats, const struct publisher_status *status,
                        json_t *message);

#endif
