/*
 * From access units to fragments in the ring: parameter sets, init segment and generations, timeline, audio,
 * fragments. It outlives connections, so decode times and generations go on across them. Owned by the worker;
 * one thread.
 */
#ifndef INGEST_PUBLISH_PUBLISHER_H
#define INGEST_PUBLISH_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ring/ring_writer.h"
#include "ingest/codec/transcoder.h"
#include "ingest/source/source.h"

struct publisher;

/* What is being published. */
struct publisher_status {
    char codecs[RINGCAST_CODECS_SIZE]; /* "": nothing yet */
    uint32_t width, height;
    uint32_t changes; /* how often codecs or size changed */
    uint64_t fragments, bytes;
    uint64_t withheld; /* frames not published: waiting for a keyframe, too long, damaged */
    uint64_t repairs;  /* of the timeline */
    uint64_t joints;   /* connections whose pictures follow those of an earlier one */
    /* What the ring must hold: the last GOP, or the present one if it is larger already. */
    uint64_t gop_bytes;      /* of the ring that it takes */
    uint64_t fragment_bytes; /* longest fragment in it, one that found no room too */
};

/*
 * A fragment of LENGTH bytes finds no room in the ring. True: a larger ring was offered meanwhile.
 */
typedef bool (*publisher_ring_short)(void *context, size_t length);

/* RING stays the caller's and must outlive the publisher. 0; -ENOMEM. */
int publisher_create(struct ring_writer *ring, struct publisher **publisher);
void publisher_destroy(struct publisher *publisher);

/* What audio is encoded as that browsers cannot play; from the next publisher_begin on. First: FLAC. */
void publisher_set_audio_codec(struct publisher *publisher, enum audio_codec codec);

/* Whom to ask for a larger ring. Nobody by default: what does not fit is an error. */
void publisher_on_ring_short(struct publisher *publisher, publisher_ring_short ring_short, void *context);

/*
 * From the next keyframe on NEXT, an unused ring of this camera, is to be written. It stays the caller's; so
 * does the old one, and publisher_ring says which of them is written. NULL takes the offer back.
 */
void publisher_offer_ring(struct publisher *publisher, struct ring_writer *next);
struct ring_writer *publisher_ring(const struct publisher *publisher);

/*
 * A new connection that sends this. The next fragment is a keyframe. 0; -ENOTSUP: no video that can be served
 * (ERROR says what); -ENOMEM.
 */
int publisher_begin(struct publisher *publisher, const struct media_description *description,
                    char error[SOURCE_ERROR_SIZE]);

/*
 * Takes an access unit. 1: a fragment is in the ring; 0: not yet, or not this one; -EMSGSIZE: the stream does
 * not fit the ring (ERROR says how); -ENOTSUP: it cannot be described; -ENOMEM.
 */
int publisher_put(struct publisher *publisher, const struct media_unit *unit, char error[SOURCE_ERROR_SIZE]);

const struct publisher_status *publisher_status(const struct publisher *publisher);

#endif
