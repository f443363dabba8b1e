/*
 * What one fan-out has told of each camera's latency, and what those before it that ended had told, so that
 * the sums grow only. Only cameras that the fan-out was told of are in here: whatever it says, this does not
 * grow. Supervisor's main thread only.
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

/* CAMERA may be spoken of; nothing happens if it may already. */
void fanout_stats_admit(struct fanout_stats *stats, const char *camera);
void fanout_stats_forget(struct fanout_stats *stats, const char *camera);

/* Takes the histograms of a `latency` message. How many of them were malformed. */
unsigned fanout_stats_take(struct fanout_stats *stats, const json_t *cameras);

/* The fan-out ended: the next one begins at 0. */
void fanout_stats_restart(struct fanout_stats *stats);

/* Adds what is known of CAMERA to *LATENCY. */
void fanout_stats_add(const struct fanout_stats *stats, const char *camera, struct latency *latency);

#endif
