/* SPDX-License-Identifier: MIT */
/* The command `top`: the status, live, on the whole terminal. One thread. */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include "ctl/client.h"
#include "ctl/options.h"

/* Returns after "q" or Ctrl-C, or when ringcastd no longer answers. The terminal is as it was before. */
enum exit_code top_run(struct client *client, const struct options *options);

#endif
