/* SPDX-License-Identifier: MIT */
/*
 * The talk with one device: its clock, who it is, its profiles and the URIs of their streams; or a keyframe. A refused password is tried once and no
 * more, by WS-Security's token or, where the device asks for that, by HTTP Digest: cameras lock users out. One thread.
 */
#ifndef DISCOVER_DEVICE_H
#define DISCOVER_DEVICE_H

#include <jansson.h>
#include <stdint.h>

#include "discover/http.h"

struct device_task {
    const char *address;             /* numeric; the only machine that is talked to */
    const json_t *urls;              /* where its device service may be: the first that answers is taken */
    const char *username, *password; /* NULL: without */
    uint64_t deadline;               /* clock_now_ms */
};

/*
 * Asks the device for a keyframe (SetSynchronizationPoint) in the stream of PROFILE; NULL: in those of all profiles with video. Sends `synchronized`
 * over CHANNEL. 0, or a negative errno as below.
 */
int device_synchronize(const struct device_task *task, const char *profile, struct http *http, int channel);

/*
 * Asks, and sends what is known over CHANNEL: `device`, then `profile` for each profile with a stream (docs/design/discovery.md). 0, or a negative errno: the
 * channel has ended.
 */
int device_ask(const struct device_task *task, struct http *http, int channel);

#endif
