/* SPDX-License-Identifier: MIT */
/*
 * The reply to `status` (docs/reference/control.md), for ringcastctl and for the exporter: ringcastd, its
 * processes and its cameras. Supervisor's main thread only.
 */
#ifndef SUPERVISOR_STATUS_H
#define SUPERVISOR_STATUS_H

#include <jansson.h>

struct service;
struct supervisor;

/* A new message; NULL: out of memory. */
json_t *status_of(const struct supervisor *supervisor);

/* The members that every process of ringcastd's has: pid, state, restarts, last_exit, sandbox. A new reference. */
json_t *status_of_service(struct service *service);

#endif
