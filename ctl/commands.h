/* SPDX-License-Identifier: MIT */
/* The commands of ringcastctl: most of them send one request and print its reply. One thread. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/options.h"

/* Runs OPTIONS->command, if it concerns a ringcastd against the one that the options name (options_control_url). */
enum exit_code commands_run(const struct options *options);

#endif
