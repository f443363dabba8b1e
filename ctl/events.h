/* ringcastd's events as they happen, over NNG's PUB/SUB (docs/reference/control.md). One thread. */
#ifndef CTL_EVENTS_H
#define CTL_EVENTS_H

#include "ctl/options.h"

/*
 * Prints the next event, or with --follow all that come; with --json one object a line. URL is that of the
 * control socket: the events' socket lies beside it.
 */
enum exit_code events_print(const struct options *options, const char *url);

#endif
