/* SPDX-License-Identifier: MIT */
/*
 * From another node's fragments to this node's ring: generations, sequences, times. What is published has passed every check; it is copied once, into
 * the ring. Owned by the worker; one thread.
 */
#ifndef INGEST_REMOTE_REMOTE_PUBLISHER_H
#define INGEST_REMOTE_REMOTE_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cluster/piece.h"
#include "ingest/publish/publisher.h"
#include "ingest/publish/ring_output.h"
#include "ingest/remote/remote_stream.h"

struct remote_publisher;

/* OUTPUT stays the caller's and must outlive the publisher. 0; -ENOMEM. */
int remote_publisher_create(struct ring_output *output, struct remote_publisher **publisher);
void remote_publisher_destroy(struct remote_publisher *publisher);

/*
 * Takes up times and generation of the worker that has published the ring's newest fragment, which *MARK says, as if this one had. To be called before anything
 * else. False: that fragment is not another node's, or there is none.
 */
bool remote_publisher_resume(struct remote_publisher *publisher, struct remote_mark *mark);

/*
 * GENERATION, a whole body, describes the fragments that follow. The ring begins it with the next of them, unless it is what is there already.
 * 0; -EBADMSG: it is damaged, and the one before it stays.
 */
int remote_publisher_describe(struct remote_publisher *publisher, const struct piece *generation);

/*
 * Publishes FRAGMENT, a whole body, which arrived at ARRIVAL_NS (CLOCK_MONOTONIC). FIRST: it is the first of another timeline. 0; -EBADMSG: it is
 * damaged; -ENOBUFS: it does not fit the ring: the same call may be made again when there is a larger one; -EAGAIN: left out, because there are too many
 * generations. Where it fails, what follows needs a keyframe only after -EAGAIN, or where the caller gives a fragment up.
 */
int remote_publisher_put(struct remote_publisher *publisher, const struct piece *fragment, bool first,
                         int64_t arrival_ns);

/* A fragment of LENGTH bytes did not fit any ring, and was not even put together. */
void remote_publisher_refused(struct remote_publisher *publisher, size_t length);

const struct publisher_status *remote_publisher_status(const struct remote_publisher *publisher);

#endif
