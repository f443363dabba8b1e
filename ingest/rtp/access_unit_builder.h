/*
 * Puts the NAL units of one picture together, for the depacketizers of H.264 and H.265, and knows when it is
 * complete: at the marker bit, or, for cameras that set it wrongly, where the next picture begins. Owned by
 * its depacketizer; one thread. The picture is an Annex B byte stream.
 *
 * What cameras get wrong, and what is done:
 * - a marker on parameter sets alone: the picture goes on;
 * - no marker: the picture ends where the timestamp changes, or a first slice begins;
 * - a marker on every slice: recognised by a slice that goes on with a picture that was already complete.
 * From then on markers mean nothing in this connection;
 * - a whole byte stream with start codes as one unit: its units are told apart;
 * - parameter sets with another timestamp than their picture: they go with the picture that follows.
 */
#ifndef INGEST_RTP_ACCESS_UNIT_BUILDER_H
#define INGEST_RTP_ACCESS_UNIT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/codec/nal.h"
#include "ingest/rtp/byte_buffer.h"
#include "ingest/rtp/depacketizer.h"

struct picture {
    enum nal_codec codec;
    struct depacketizer *owner; /* counters, show_damaged */
    struct byte_buffer buffer;
    bool pending; /* there is something in the buffer */
    bool ready;   /* it is complete and waits to be taken */
    bool taken;   /* it has been, and may be overwritten */
    bool has_slice;
    bool damaged;      /* something of it is missing */
    bool too_long;     /* for the buffer */
    bool lost;         /* a picture before it is missing */
    bool by_timestamp; /* markers mean nothing */
    bool fragment;     /* a unit has begun whose end is not here; it lies from FRAGMENT_START on */
    size_t fragment_start;
    int64_t time;
    int64_t arrival_ns;
    bool has_last;
    int64_t last_time; /* of the picture that was complete last */
};

void picture_init(struct picture *picture, enum nal_codec codec, struct depacketizer *owner);
void picture_finish(struct picture *picture);
void picture_reset(struct picture *picture);

/*
 * A payload comes; BEGINS: it holds the first slice of a picture. DEPACKETIZER_FULL: a complete picture is to
 * be taken first.
 */
enum depacketizer_result picture_open(struct picture *picture, const struct depacketizer_payload *payload,
                                      bool begins);

/* A whole NAL unit. */
void picture_add(struct picture *picture, const uint8_t *data, size_t size);

/* A NAL unit in pieces: its header, rebuilt, and what the first packet holds; then the rest. */
void picture_begin_fragment(struct picture *picture, const uint8_t *header, size_t header_size,
                            const uint8_t *data, size_t size);
void picture_continue_fragment(struct picture *picture, const uint8_t *data, size_t size);
void picture_end_fragment(struct picture *picture);

/* A unit has begun; false: its beginning is missing. */
bool picture_has_fragment(const struct picture *picture);

/* The payload holds what cannot be: counted, and the picture is damaged. */
void picture_spoil(struct picture *picture);

/* The payload is used up. */
void picture_close(struct picture *picture, const struct depacketizer_payload *payload);

/* 1: *unit is complete; 0: none. */
int picture_next(struct picture *picture, struct depacketizer_unit *unit);

/* PAYLOAD without the start code that it may begin with, if a camera sends a byte stream. */
struct depacketizer_payload picture_without_start_code(const struct depacketizer_payload *payload);

/* True for a slice that begins a picture. NAL has its header, and one more byte at least if it is true. */
bool picture_is_first_slice(enum nal_codec codec, const struct nal *nal);

#endif
