/* SPDX-License-Identifier: MIT */
/*
 * The ring that a worker's fragments go to, and the ring of another size that takes its place at a keyframe
 * (docs/reference/ring.md). Only this knows which of the two is written. The worker hands in ringcastd's messages about
 * rings; the publisher writes. Owned by the worker; one thread.
 */
#ifndef INGEST_PUBLISH_RING_OUTPUT_H
#define INGEST_PUBLISH_RING_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/ipc/channel.h"
#include "common/ring/ring_writer.h"

struct ring_output {
    struct ring_writer *ring; /* the ring that is written; owned */
    struct ring_writer *next; /* the ring that will be written from the next keyframe on; owned, NULL: none */
    json_int_t id;            /* ringcastd's number for the newest ring that it sent */
    json_int_t reached; /* number of a ring that is written now, which ringcastd must still learn; 0: none */
};

/* RING becomes the output's. */
void ring_output_init(struct ring_output *output, struct ring_writer *ring);

/* Unmaps both rings. The publisher must be gone. */
void ring_output_finish(struct ring_output *output);

/*
 * Handles a `ring` message, which carries the next ring. WAKE: the camera's eventfd. 0; -EBADMSG: the message
 * is malformed; other negative errno: the ring cannot be used.
 */
int ring_output_receive(struct ring_output *output, struct channel_message *message, int wake);

/* Sends `ring-changed` if ringcastd must still learn which ring is written. As channel_send; 0 if nothing is due. */
int ring_output_report(struct ring_output *output, int channel);

/* NEXT, an unused ring of this camera, will be written from the next keyframe on. It becomes the output's. */
void ring_output_offer(struct ring_output *output, struct ring_writer *next);

/*
 * To be called before a keyframe is written: changes to the next ring, if there is one, and begins STREAM in it. True: the
 * ring has changed. A next ring that cannot be used is given up.
 */
bool ring_output_advance(struct ring_output *output, const struct ring_stream *stream);

/* Whether a fragment of LENGTH bytes fits the ring that the next keyframe goes to. */
bool ring_output_fits(const struct ring_output *output, size_t length);

#endif
