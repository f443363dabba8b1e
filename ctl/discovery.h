/* SPDX-License-Identifier: MIT */
/*
 * Looks for cameras: one process searches the network, and then one process for each device asks it, several at a time, within a
 * bounded time. One thread.
 */
#ifndef CTL_DISCOVERY_H
#define CTL_DISCOVERY_H

#include <jansson.h>
#include <stdint.h>

#include "ctl/options.h"

struct discovery {
    const char *address;             /* of --address as given, or NULL: the whole network */
    const char *interface;           /* or NULL: all */
    const char *username, *password; /* or NULL */
    uint64_t ms;                     /* for everything */
    bool silent;                     /* no progress on standard error */
};

/*
 * On EXIT_CODE_OK *devices is an array, which the caller frees, of objects: `address`, `url` (of its device service; null: not
 * known), `name`, `manufacturer`, `model`, `firmware`, `serial`, `clock_offset_s` (seconds that its clock is ahead; null), `error` (null or why it gave no streams), and
 * `profiles`: objects with `token`, `name`, `source`, `video`, `audio`, `width`, `height`, `fps`, `bitrate_kbit`, `gop`, `uri` and `moved` (the URI
 * named another host, in whose place is the device's address). Otherwise an error was printed.
 */
enum exit_code discovery_run(const struct discovery *discovery, json_t **devices);

#endif
