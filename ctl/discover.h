/* SPDX-License-Identifier: MIT */
/* `ringcastctl discover`: the cameras of this network, as configuration. One thread. */
#ifndef CTL_DISCOVER_H
#define CTL_DISCOVER_H

#include "ctl/options.h"

/* EXIT_CODE_FOUND: a device gave no streams, and none did; EXIT_CODE_TIMEOUT: nothing answered. */
enum exit_code discover_cameras(const struct options *options);

#endif
