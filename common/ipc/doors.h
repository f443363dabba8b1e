/* SPDX-License-Identifier: MIT */
/*
 * For what visitors are refused, by the name of the limit in the configuration's `limits`: a fan-out counts, ringcastd hands
 * on, and the exporter serves. Any process.
 */
#ifndef COMMON_IPC_DOORS_H
#define COMMON_IPC_DOORS_H

#define DOORS_LIMIT_COUNT 8

static const char *const doors_limits[DOORS_LIMIT_COUNT] = {
    "connections",          "connections_per_address",
    "handshakes",           "handshakes_per_address",
    "requests_per_address", "header_bytes",
    "handshake_timeout",    "viewers_per_user",
};

#endif
