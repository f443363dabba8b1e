/* The status, live, on the whole terminal. One thread. */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include "ctl/client.h"
#include "ctl/options.h"

/* Until "q" or a signal. The terminal is as before afterwards, also if ringcastd ends meanwhile. */
enum exit_code top_run(struct client *client, const struct options *options);

#endif
