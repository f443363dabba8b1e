/* The commands of ringcastctl: most of them send one request and print its reply. One thread. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/options.h"

/* Runs OPTIONS->command against the ringcastd whose control socket is URL. */
enum exit_code commands_run(const struct options *options, const char *url);

#endif
