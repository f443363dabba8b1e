/* The status, live, on the whole terminal. One thread. */
#ifndef TOP_H
#define TOP_H

#include "client.h"
#include "options.h"

/* Until "q" or a signal. The terminal is as before afterwards, also if ringcastd ends meanwhile. */
enum exit_code top_run(struct client *client, const struct options *options);

#endif
