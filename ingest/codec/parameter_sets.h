/* SPDX-License-Identifier: MIT */
/*
 * The parameter sets of a video stream (VPS, SPS, PPS), gathered from its description and from the stream
 * itself, by kind and identifier. Owned by the publisher; one thread. Its content is what an init segment is
 * made from.
 */
#ifndef INGEST_CODEC_PARAMETER_SETS_H
#define INGEST_CODEC_PARAMETER_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/nal.h"
#include "ingest/codec/sps.h"

/* More sets than any camera sends at a time; a stream with more is refused. */
#define PARAMETER_SETS_MAX 16

/* Largest set in bytes: an init segment must hold them all (RINGCAST_INIT_MAX). */
#define PARAMETER_SET_SIZE_MAX 2048

struct parameter_set {
    enum nal_kind kind;
    uint32_t id;
    uint8_t *data; /* the NAL unit, owned */
    size_t size;
};

struct parameter_sets {
    enum nal_codec codec;
    struct parameter_set items[PARAMETER_SETS_MAX];
    size_t count;
    struct sps sps; /* the newest; id, size and profile of the pictures */
    bool has_sps;
};

void parameter_sets_init(struct parameter_sets *sets, enum nal_codec codec);
void parameter_sets_finish(struct parameter_sets *sets);

/* Takes a copy of NAL. 1: it is new or has changed; 0: it was known; -EBADMSG: damaged or too long; -E2BIG; -ENOMEM. */
int parameter_sets_put(struct parameter_sets *sets, const struct nal *nal);

/*
 * Takes the sets of a stream's description: Annex B, avcC or hvcC (ISO/IEC 14496-15). *length_size gets the
 * size of the lengths before the stream's NAL units, 0 for Annex B. 0; -EBADMSG: damaged; the sets before the
 * damage were taken.
 */
int parameter_sets_put_extradata(struct parameter_sets *sets, const uint8_t *data, size_t size,
                                 unsigned *length_size);

/* True if there is at least one set of each kind that a decoder needs. */
bool parameter_sets_complete(const struct parameter_sets *sets);

/* All sets as an Annex B byte stream, VPS before SPS before PPS. malloc'ed; NULL: out of memory. */
uint8_t *parameter_sets_serialize(const struct parameter_sets *sets, size_t *size);

#endif
