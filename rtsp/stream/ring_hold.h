/* SPDX-License-Identifier: MIT */
/*
 * A camera's ring, shared by the threads that read it: the last one that lets it go closes it. Any thread.
 */
#ifndef RTSP_STREAM_RING_HOLD_H
#define RTSP_STREAM_RING_HOLD_H

#include "common/ring/ringcast.h"

struct ring_hold;

/* Maps the ring of FD, which stays the caller's. 0, or what ringcast_open_fd says. */
int ring_hold_open(int fd, struct ring_hold **hold);

/* One more holder. HOLD may be NULL. */
struct ring_hold *ring_hold_ref(struct ring_hold *hold);

/* NULL is allowed. */
void ring_hold_unref(struct ring_hold *hold);

const ringcast_reader *ring_hold_reader(const struct ring_hold *hold);

#endif
