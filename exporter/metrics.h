/*
 * A status of ringcastd (docs/reference/control.md) as Prometheus metrics (docs/reference/metrics.md), with
 * what its processes use. One thread.
 */
#ifndef EXPORTER_METRICS_H
#define EXPORTER_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The metrics' text of *size bytes, malloc'ed; NULL: out of memory. */
char *metrics_write(const json_t *status, size_t *size);

/*
 * True if viewers can be served: a fan-out and the fork server run. WHY, of WHY_SIZE bytes, gets a line for
 * people in either case.
 */
bool metrics_is_ready(const json_t *status, char *why, size_t why_size);

#endif
