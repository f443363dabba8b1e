/*
 * Puts the NAL units of one picture together, for the depacketizers of H.264 and H.265, and knows when it is
 * complete: at the marker bit, or, for cameras that set it wrongly, where the next picture begins. Owned by
 * its depacketizer; one thread. Each NAL unit of the access unit follows its length in NAL_LENGTH_SIZE bytes,
 * so that nothing behind this has to search for start codes.
 *
 * What cameras get wrong, and what is done:
 * - a marker on parameter sets alone: the picture goes on;
 * - no marker: the picture ends where the timestamp changes, or a first slice begins;
 * - a marker on every slice: recognised by a slice that goes on with a picture that was already complete.
 *   From then on markers mean nothing in this connection;
 * - a whole byte stream with start codes as one unit: it is split into its units;
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

struct access_unit_builder {
    enum nal_codec codec;
    struct depacketizer *owner; /* counters, show_damaged */
    struct byte_buffer buffer;
    struct byte_buffer split; /* a unit that is being split into several */
    bool pending;             /* there is something in the buffer */
    bool ready;               /* it is complete and waits to be taken */
    bool taken;               /* it has been, and may be overwritten */
    bool has_slice;
    bool damaged;      /* something of it is missing */
    bool too_long;     /* for the buffer */
    bool lost;         /* a picture before it is missing */
    bool by_timestamp; /* markers mean nothing */
    bool byte_stream;  /* units may hold start codes and further units */
    bool fragment;     /* a unit has begun and not ended; its length lies at FRAGMENT_START */
    size_t fragment_start;
    int64_t time;
    int64_t arrival_ns;
    bool has_last;
    int64_t last_time; /* of the picture that was complete last */
};

void access_unit_builder_init(struct access_unit_builder *builder, enum nal_codec codec,
                              struct depacketizer *owner);
void access_unit_builder_finish(struct access_unit_builder *builder);
void access_unit_builder_reset(struct access_unit_builder *builder);

/*
 * Begins to take a payload; BEGINS: it holds the first slice of a picture. DEPACKETIZER_FULL: a complete
 * picture is to be taken first.
 */
enum depacketizer_result access_unit_builder_open(struct access_unit_builder *builder,
                                                  const struct depacketizer_payload *payload, bool begins);

/* Adds a whole NAL unit. */
void access_unit_builder_add(struct access_unit_builder *builder, const uint8_t *data, size_t size);

/* Adds a NAL unit in pieces: its header, rebuilt, and what the first packet holds; then the rest. */
void access_unit_builder_begin_fragment(struct access_unit_builder *builder, const uint8_t *header,
                                        size_t header_size, const uint8_t *data, size_t size);
void access_unit_builder_continue_fragment(struct access_unit_builder *builder, const uint8_t *data,
                                           size_t size);
void access_unit_builder_end_fragment(struct access_unit_builder *builder);

/* True if a unit has begun; false if its beginning is missing. */
bool access_unit_builder_has_fragment(const struct access_unit_builder *builder);

/* The payload goes on with a unit whose beginning is not here: it was lost, or never sent. */
void access_unit_builder_miss_beginning(struct access_unit_builder *builder,
                                        const struct depacketizer_payload *payload);

/* The payload holds something that cannot be: it is counted, and the picture is damaged. */
void access_unit_builder_spoil(struct access_unit_builder *builder);

/* The payload is used up. */
void access_unit_builder_close(struct access_unit_builder *builder,
                               const struct depacketizer_payload *payload);

/* 1: *unit is complete; 0: there is none. */
int access_unit_builder_next(struct access_unit_builder *builder, struct depacketizer_unit *unit);

/* PAYLOAD without the start code that it begins with if the camera sends a byte stream. */
struct depacketizer_payload
access_unit_builder_without_start_code(const struct depacketizer_payload *payload);

/* True for a slice that begins a picture. NAL has its header, and one more byte at least if it is true. */
bool access_unit_builder_is_first_slice(enum nal_codec codec, const struct nal *nal);

#endif
