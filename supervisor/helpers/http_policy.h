/* SPDX-License-Identifier: MIT */
/*
 * The configuration's rules for HTTP and its limits, put into a memory file that the fan-outs are handed (message `http`,
 * docs/reference/control.md). Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_HTTP_POLICY_H
#define SUPERVISOR_HELPERS_HTTP_POLICY_H

#include "common/config/config.h"

/* A sealed memory file with what CONFIG says; the descriptor is the caller's. Negative errno: there is no memory. */
int http_policy_open(const struct config *config);

#endif
