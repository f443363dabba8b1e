/* SPDX-License-Identifier: MIT */
/* `ringcastctl cluster apply` and `cluster config`: the cameras of the whole cluster. One thread. */
#ifndef CTL_CENTRAL_H
#define CTL_CENTRAL_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/options.h"

enum exit_code central_apply(struct client *client, const struct options *options);
enum exit_code central_show(struct client *client, const struct options *options);

/* One line, and another one if something is wrong, of CENTRAL, which `cluster` and `cluster-config` (docs/reference/control.md) have; nothing for null. */
void central_print(const json_t *central, FILE *out);

/* REPLY, one to `cluster-config`, for people; for the unit tests, too. */
void central_print_config(const json_t *reply, FILE *out);

#endif
