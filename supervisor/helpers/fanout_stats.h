/*
 * What one fan-out has told of each camera's latency, and what those before it that ended had told, so that
 * the sums grow only. Only cameras that the fan-out was told of are in here: whatever it says, this does not
 * grow. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_FANOUT_STATS_H
#define SUPERVISOR_HELPERS_FANOUT_STATS_H

#include <jansson.h>

#include "common/ipc/latency.h"

struct figures;

/* NULL: out of memory. */
struct figures *figures_create(void);

/* NULL is allowed. */
void figures_destroy(struct figures *figures);

/* CAMERA may be spoken of; nothing happens if it may already. */
void figures_admit(struct figures *figures, const char *camera);
void figures_forget(struct figures *figures, const char *camera);

/* Takes the histograms of a `latency` message. How many of them were malformed. */
unsigned figures_take(struct figures *figures, const json_t *cameras);

/* The fan-out ended: the next one begins at 0. */
void figures_begin_anew(struct figures *figures);

/* Adds what is known of CAMERA to *LATENCY. */
void figures_add(const struct figures *figures, const char *camera, struct latency *latency);

#endif
