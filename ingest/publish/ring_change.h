/*
 * The worker's side of a ring of another size (docs/reference/ring.md): takes the next ring when ringcastd
 * sends it, lets the publisher enter it at a keyframe, and says so. Owned by the worker; one thread.
 */
#ifndef INGEST_PUBLISH_RING_CHANGE_H
#define INGEST_PUBLISH_RING_CHANGE_H

#include <stdbool.h>

#include "common/ipc/channel.h"
#include "common/ring/ring_writer.h"
#include "ingest/publish/publisher.h"

struct ring_change {
    struct publisher *publisher;
    struct ring_writer *ring; /* what is written; owned */
    struct ring_writer *next; /* what is to be written from the next keyframe on; owned, NULL: none */
    json_int_t id;            /* of the next ring, as ringcastd calls it */
    json_int_t reached;       /* id that is to be reported; 0: none */
};

/* RING becomes the change's. PUBLISHER writes it. */
void ring_change_init(struct ring_change *change, struct publisher *publisher, struct ring_writer *ring);

/* Unmaps both rings. The publisher must be gone. */
void ring_change_finish(struct ring_change *change);

/* A `ring` message. WAKE: the camera's eventfd. 0; -EBADMSG: it is none; other negative errno: it cannot be
 * used. */
int ring_change_take(struct ring_change *change, struct channel_message *message, int wake);

/* Gives the next ring up: nobody is there any more who would put it in its place. */
void ring_change_drop(struct ring_change *change);

/* To be called when a fragment was published: lets go of the old ring if the publisher has left it. */
void ring_change_follow(struct ring_change *change);

/* Sends `ring-changed` if that is due. As channel_send; 0 if there is nothing to say. */
int ring_change_report(struct ring_change *change, int channel);

/* Whether a fragment of LENGTH bytes fits the ring that the next keyframe goes to. */
bool ring_change_fits(const struct ring_change *change, size_t length);

#endif
