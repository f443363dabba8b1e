/*
 * From access units to fragments in the ring: parameter sets, init segment and generations, timeline, audio,
 * fragments. It outlives connections, so decode times and generations go on across them. Owned by the worker;
 * one thread.
 */
#ifndef PUBLISHER_H
#define PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring_writer.h"
#include "source.h"

struct publisher;

/* What is being published. */
struct publisher_status {
    char codecs[RINGCAST_CODECS_SIZE]; /* "": nothing yet */
    uint32_t width, height;
    uint32_t changes; /* how often codecs or size changed */
    uint64_t fragments, bytes;
    uint64_t withheld; /* frames not published: waiting for a keyframe, too long, damaged */
    uint64_t repairs;  /* of the timeline */
};

/* RING stays the caller's and must outlive the publisher. 0; -ENOMEM. */
int publisher_create(struct ring_writer *ring, struct publisher **publisher);
void publisher_destroy(struct publisher *publisher);

/*
 * A new connection that sends this. The next fragment is a keyframe. 0; -ENOTSUP: no video that can be served
 * (ERROR says what); -ENOMEM.
 */
int publisher_begin(struct publisher *publisher, const struct source_description *description,
                    char error[SOURCE_ERROR_SIZE]);

/*
 * Takes an access unit. 1: a fragment is in the ring; 0: not yet, or not this one; -EMSGSIZE: the stream does
 * not fit the ring (ERROR says how); -ENOTSUP: it cannot be described; -ENOMEM.
 */
int publisher_put(struct publisher *publisher, const struct source_unit *unit, char error[SOURCE_ERROR_SIZE]);

const struct publisher_status *publisher_status(const struct publisher *publisher);

#endif
