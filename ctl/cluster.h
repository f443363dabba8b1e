/* SPDX-License-Identifier: MIT */
/* `ringcastctl cluster`: which nodes there are, and which of them fetches which camera. One thread. */
#ifndef CTL_CLUSTER_H
#define CTL_CLUSTER_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/options.h"

enum exit_code cluster_show_status(struct client *client, const struct options *options);
enum exit_code cluster_show_nodes(struct client *client, const struct options *options);
enum exit_code cluster_show_where(struct client *client, const struct options *options);
enum exit_code cluster_drain(struct client *client, const struct options *options);

/* REPLY, one to `cluster` (docs/reference/control.md), for people; for the unit tests, too. */
void cluster_print_status(const json_t *reply, FILE *out);
void cluster_print_nodes(const json_t *reply, FILE *out);

/* Where CAMERA is, of REPLY's `cameras`. */
void cluster_print_where(const char *camera, const json_t *where, FILE *out);

#endif
