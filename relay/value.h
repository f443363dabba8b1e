/* SPDX-License-Identifier: MIT */
/*
 * What the keys of nodes and cameras in the bucket hold, as JSON (docs/reference/cluster.md). Pure functions; a result that is a json_t is the caller's.
 */
#ifndef RELAY_VALUE_H
#define RELAY_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "relay/owner/owner.h"

/* Longest name of a site, with its NUL. */
#define VALUE_SITE_MAX 64

/* What stands for STATUS: a constant. */
const char *value_status(enum owner_node_status status);

/* A count that is not there, or cannot be one, is 0. */
uint64_t value_count(const json_t *value, const char *name);

/* The same; what is more than the number can be is its most. */
uint32_t value_number(const json_t *value, const char *name);

json_t *value_of_node(const struct owner_node *node);

/* The strings are VALUE's. False: no node writes this. */
bool value_read_node(struct owner_node *node, const json_t *value);

json_t *value_of_camera(const struct owner_camera *camera);

/* The strings are VALUE's. */
struct owner_camera value_read_camera(const json_t *value);

#endif
