/* SPDX-License-Identifier: MIT */
/*
 * The latencies of each camera as a fan-out reports them, added to those of the fan-outs that were in its
 * place before it, so that the sums only grow. Only cameras that the fan-out was given are counted, so its
 * messages cannot make this table grow. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_FANOUT_STATS_H
#define SUPERVISOR_HELPERS_FANOUT_STATS_H

#include <jansson.h>

#include "common/ipc/latency.h"

struct fanout_stats;

/* NULL: out of memory. */
struct fanout_stats *fanout_stats_create(void);

/* NULL is allowed. */
void fanout_stats_destroy(struct fanout_stats *stats);

/* Counts CAMERA from now on. Does nothing if it is counted already. */
void fanout_stats_admit(struct fanout_stats *stats, const char *camera);
/* Forgets CAMERA and its counts. */
void fanout_stats_forget(struct fanout_stats *stats, const char *camera);

/* Takes the histograms of a `latency` message. Returns how many of them were malformed. */
unsigned fanout_stats_take(struct fanout_stats *stats, const json_t *cameras);

/* The fan-out has ended; the reports of the next one begin at 0. */
void fanout_stats_restart(struct fanout_stats *stats);

/* Adds the latencies of CAMERA to *LATENCY. */
void fanout_stats_add(const struct fanout_stats *stats, const char *camera, struct latency *latency);

#endif
