/* What ringcastctl does: mostly one request, its reply printed. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "options.h"

/* Carries OPTIONS->command out over the control socket URL. */
enum exit_code command_run(const struct options *options, const char *url);

#endif
