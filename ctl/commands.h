/* What ringcastctl does: mostly one request, its reply printed. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/options.h"

/* Carries OPTIONS->command out over the control socket URL. */
enum exit_code command_run(const struct options *options, const char *url);

#endif
