/* SPDX-License-Identifier: MIT */
/* `ringcastctl event`: asks for the attention of those who watch a camera. */
#ifndef CTL_ATTENTION_H
#define CTL_ATTENTION_H

#include "ctl/client.h"
#include "ctl/options.h"

enum exit_code attention_raise(struct client *client, const struct options *options);

#endif
