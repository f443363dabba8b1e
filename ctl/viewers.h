/* SPDX-License-Identifier: MIT */
/* The commands `viewers`, which lists the viewers, and `kick`, which closes their connections. One thread. */
#ifndef CTL_VIEWERS_H
#define CTL_VIEWERS_H

#include "ctl/client.h"
#include "ctl/options.h"

enum exit_code viewers_list(struct client *client, const struct options *options);
enum exit_code viewers_kick(struct client *client, const struct options *options);

#endif
