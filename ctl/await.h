/* SPDX-License-Identifier: MIT */
/*
 * --wait: asks for the status again and again until a command has taken effect or the time is over. One
 * thread.
 */
#ifndef CTL_AWAIT_H
#define CTL_AWAIT_H

#include <jansson.h>
#include <sys/types.h>

#include "ctl/client.h"
#include "ctl/options.h"

/* Seconds to wait unless --timeout is given. */
#define AWAIT_SECONDS 30

/*
 * Waits until CAMERA streams from another process than BEFORE (0: from any), and its sub stream, if it has one. An on-demand
 * camera may be idle instead.
 */
enum exit_code await_streaming(struct client *client, const struct options *options, const char *camera,
                               pid_t before);

/* Waits until CAMERA and its sub stream stream, or neither is configured any more. On-demand cameras may be idle instead. */
enum exit_code await_there(struct client *client, const struct options *options, const char *camera);

/* Waits until each of CAMERAS (an array of names) streams, is disabled or no longer exists. */
enum exit_code await_all_streaming(struct client *client, const struct options *options,
                                   const json_t *cameras);

/* Waits until CAMERA has no process or no longer exists. */
enum exit_code await_gone(struct client *client, const struct options *options, const char *camera);

#endif
