/* SPDX-License-Identifier: MIT */
/*
 * Turns a status of ringcastd (docs/reference/control.md) into Prometheus metrics
 * (docs/reference/metrics.md), and adds what its processes use. One thread.
 */
#ifndef EXPORTER_METRICS_H
#define EXPORTER_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The metrics as a text of *size bytes, which the caller frees. NULL: out of memory. */
char *metrics_write(const json_t *status, size_t *size);

/*
 * True if viewers can be served, which takes a fan-out and the fork server. WHY, of WHY_SIZE bytes, gets a
 * line that says so or what is missing.
 */
bool metrics_is_ready(const json_t *status, char *why, size_t why_size);

#endif
