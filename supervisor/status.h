/*
 * The reply to `status` (docs/reference/control.md), for ringcastctl and for the exporter: ringcastd, its
 * processes and its cameras. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_STATUS_H
#define SUPERVISOR_STATUS_H

#include <jansson.h>

struct supervisor;

/* A new message; NULL: out of memory. */
json_t *status_of(const struct supervisor *supervisor);

#endif
