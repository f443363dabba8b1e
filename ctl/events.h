/* SPDX-License-Identifier: MIT */
/* The command `events`: ringcastd's events, over NNG's PUB/SUB (docs/reference/control.md). One thread. */
#ifndef CTL_EVENTS_H
#define CTL_EVENTS_H

#include "ctl/options.h"

/*
 * Prints the next event, or with --follow every event until a signal comes; with --json one object a line.
 * URL is that of the control socket; the socket of the events is in the same directory.
 */
enum exit_code events_print(const struct options *options, const char *url);

#endif
