/* --wait: asks for the status until what a command asked for is so, or the time is over. One thread. */
#ifndef CTL_AWAIT_H
#define CTL_AWAIT_H

#include <jansson.h>
#include <sys/types.h>

#include "ctl/client.h"
#include "ctl/options.h"

/* Seconds, unless --timeout says otherwise. */
#define AWAIT_SECONDS 30

/* Until CAMERA streams (an on-demand one: is idle or streams) from another process than BEFORE (0: any). */
enum exit_code await_streaming(struct client *client, const struct options *options, const char *camera,
                               pid_t before);

/* Until each of CAMERAS (an array of names) that is enabled streams, or is not there any more. */
enum exit_code await_all_streaming(struct client *client, const struct options *options,
                                   const json_t *cameras);

/* Until CAMERA has no process, or is not there any more. */
enum exit_code await_gone(struct client *client, const struct options *options, const char *camera);

#endif
